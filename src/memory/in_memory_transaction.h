// InMemoryTransaction: a unit of work on an InMemoryDatabase, read committed as on PostgreSQL.
//
//   auto transaction = InMemoryTransaction::begin(InMemoryDatabase::shared());
//   UnitOfWork unit(std::move(transaction));
//
// A row that it writes is locked until its end, and kept aside until the commit, so that readers are
// not held up. Data of another shape (InMemoryTables::data) are changed in place, and keep what was
// there before for readers outside and for a rollback: from the first change to the end of the unit
// no other unit changes them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
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

  // Calls `change`, which may change the data of the database that are no rows. Others cannot
  // change them until the end of the transaction, nor read them until `change` has returned. Its
  // answer, or the errors of DatabaseLock::lock and lockChange, before which nothing is called.
  struct Outcome {
    absl::Status locked;
    absl::Status status;
  };
  Outcome changeData(Deadline deadline, const Clock& clock,
                     absl::FunctionRef<absl::Status()> change);
  bool hasData() const { return has_data_; }

  DatabaseLock::Unit number() const { return number_; }
  DatabaseLock::Inside inside() const { return {database_->tables().lock(), number_}; }

  Version nextVersion() { return database_->tables().nextVersion(); }

  // In `changeData`: data begin to be changed. `end` is called once, by the commit or the rollback;
  // it must not fail.
  void onEnd(std::function<void(bool commits)> end);

 private:
  explicit InMemoryTransaction(std::shared_ptr<InMemoryDatabase> database);
  void endChanges(bool commits);

  struct Written {
    InMemoryTable* table;
    InMemoryTable::Row row;
  };

  const std::shared_ptr<InMemoryDatabase> database_;
  const DatabaseLock::Unit number_;
  bool open_ = true;
  bool has_data_ = false;
  bool is_changing_ = false;
  std::vector<std::pair<InMemoryTable*, std::string>> locked_;
  std::map<std::pair<const InMemoryTable*, std::string>, Written> rows_;
  std::vector<std::function<void(bool commits)>> ends_;
};

}  // namespace strata::internal
