// InMemoryTransaction: a unit of work on an InMemoryDatabase. From its beginning to its end nobody
// else writes there.
//
//   auto transaction = InMemoryTransaction::begin(InMemoryDatabase::shared());
//   UnitOfWork unit(*std::move(transaction));
//
// Rows of tables are kept aside until the commit, so that readers are not held up. Data of another
// shape (InMemoryTables::data) is changed in place, which its readers wait for, and changed back
// by a rollback.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "src/memory/in_memory_tables.h"
#include "strata/memory/in_memory_database.h"
#include "strata/store/unit_of_work.h"

namespace strata::internal {

// For one thread at a time.
class InMemoryTransaction final : public Transaction {
 public:
  // Waits for whoever writes. DeadlineExceeded: for as long as it could, at most five seconds.
  static absl::StatusOr<std::unique_ptr<InMemoryTransaction>> begin(
      std::shared_ptr<InMemoryDatabase> database, Deadline deadline = {},
      const Clock& clock = Clock::system());
  ~InMemoryTransaction() override;

  absl::Status commit() override;

  // The one of `unit`. FailedPrecondition: the unit has ended or failed. InvalidArgument: it is one
  // of another database.
  static absl::StatusOr<InMemoryTransaction*> of(UnitOfWork& unit,
                                                 const InMemoryDatabase& database);

  // The row that it wrote, or null when it wrote none under this id.
  const InMemoryTable::Row* written(const InMemoryTable& table, const Id& id) const;
  void write(InMemoryTable& table, const Id& id, InMemoryTable::Row row);

  Version nextVersion() { return database_->tables().nextVersion(); }

  // `undo` is called by a rollback, the last one first. It must not fail.
  void onRollback(std::function<void()> undo) { undo_.push_back(std::move(undo)); }

 private:
  explicit InMemoryTransaction(std::shared_ptr<InMemoryDatabase> database);

  struct Written {
    InMemoryTable* table;
    InMemoryTable::Row row;
  };

  const std::shared_ptr<InMemoryDatabase> database_;
  std::map<std::pair<const InMemoryTable*, std::string>, Written> rows_;
  std::vector<std::function<void()>> undo_;
};

}  // namespace strata::internal
