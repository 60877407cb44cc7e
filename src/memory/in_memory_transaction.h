// InMemoryTransaction: a unit of work on an InMemoryDatabase, read committed as on PostgreSQL.
//
//   auto transaction = InMemoryTransaction::begin(InMemoryDatabase::shared());
//   UnitOfWork unit(std::move(transaction));
//
// A row that it writes is locked until its end, and kept aside until the commit, so that readers are
// not held up. Data of another shape (InMemoryTables::data) are changed in place and changed back by
// a rollback: from the first change to the end of the unit nobody else reads or changes them.
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
  static std::unique_ptr<InMemoryTransaction> begin(std::shared_ptr<InMemoryDatabase> database);
  ~InMemoryTransaction() override;

  absl::Status commit() override;
  void rollback() override;

  // The one of `unit`. FailedPrecondition: the unit has ended or failed. InvalidArgument: it is one
  // of another database.
  static absl::StatusOr<InMemoryTransaction*> of(UnitOfWork& unit,
                                                 const InMemoryDatabase& database);

  // The row that it wrote, or null when it wrote none under this id.
  const InMemoryTable::Row* written(const InMemoryTable& table, const Id& id) const;
  // Of a row that it has locked.
  void write(InMemoryTable& table, const Id& id, InMemoryTable::Row row);
  // The row is to be unlocked at its end.
  void noteLocked(InMemoryTable& table, const Id& id);

  // Excludes others from the data of the database that are no rows. Aborted: a deadlock.
  // DeadlineExceeded: not had by the deadline, or within five seconds.
  absl::Status lockData(Deadline deadline = {}, const Clock& clock = Clock::system());
  bool hasData() const { return has_data_; }

  DatabaseLock::Unit number() const { return number_; }

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
  const DatabaseLock::Unit number_;
  bool open_ = true;
  bool has_data_ = false;
  std::vector<std::pair<InMemoryTable*, std::string>> locked_;
  std::map<std::pair<const InMemoryTable*, std::string>, Written> rows_;
  std::vector<std::function<void()>> undo_;
};

}  // namespace strata::internal
