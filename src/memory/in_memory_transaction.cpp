#include "src/memory/in_memory_transaction.h"

#include <utility>

#include "absl/cleanup/cleanup.h"

namespace strata::internal {

InMemoryTransaction::InMemoryTransaction(std::shared_ptr<InMemoryDatabase> database)
    : database_(std::move(database)), number_(database_->tables().lock().begin()) {}

std::unique_ptr<InMemoryTransaction> InMemoryTransaction::begin(
    std::shared_ptr<InMemoryDatabase> database) {
  return std::unique_ptr<InMemoryTransaction>(new InMemoryTransaction(std::move(database)));
}

InMemoryTransaction::~InMemoryTransaction() { rollback(); }

void InMemoryTransaction::rollback() {
  if (!std::exchange(open_, false)) return;
  endChanges(false);
  for (const auto& [table, id] : locked_) table->unlock(id);
  database_->tables().lock().end(number_);
}

InMemoryTransaction::Outcome InMemoryTransaction::changeData(
    Deadline deadline, const Clock& clock, absl::FunctionRef<absl::Status()> change) {
  DatabaseLock& lock = database_->tables().lock();
  absl::Status locked = lock.lock(number_, deadline, clock);
  if (locked.ok()) locked = lock.lockChange(deadline, clock);
  if (!locked.ok()) return {locked, locked};
  has_data_ = true;
  is_changing_ = true;
  const absl::Cleanup done = [&] {  // also where `change` throws
    is_changing_ = false;
    lock.unlockChange();
  };
  return {absl::OkStatus(), change()};
}

void InMemoryTransaction::onEnd(std::function<void(bool commits)> end) {
  if (ends_.empty()) database_->tables().lock().setUncommitted(number_);
  ends_.push_back(std::move(end));
}

// All at once for readers. A call of readers is short, so it is waited for however long it takes.
void InMemoryTransaction::endChanges(bool commits) {
  if (ends_.empty()) return;
  DatabaseLock& lock = database_->tables().lock();
  while (!is_changing_ && !lock.lockChange({}, Clock::system()).ok()) {
  }
  for (const auto& end : std::exchange(ends_, {})) end(commits);
  lock.setUncommitted(DatabaseLock::kNoUnit);
  if (!is_changing_) lock.unlockChange();
}

absl::Status InMemoryTransaction::commit() {
  const auto write = [this] {
    for (auto& [place, written] : rows_) {
      written.table->exchange(place.second, written.row, number_);
    }
  };
  if (rows_.size() > 1) {
    database_->tables().gate().publish(write);
  } else {
    write();
  }
  endChanges(true);
  return absl::OkStatus();
}

absl::StatusOr<InMemoryTransaction*> InMemoryTransaction::of(UnitOfWork& unit,
                                                             const InMemoryDatabase& database) {
  if (absl::Status status = unit.check(); !status.ok()) return status;
  auto* const transaction = dynamic_cast<InMemoryTransaction*>(&unit.transaction());
  if (transaction != nullptr && transaction->database_.get() == &database) return transaction;
  return absl::InvalidArgumentError("the unit of work is one of another database");
}

const InMemoryTable::Row* InMemoryTransaction::written(const InMemoryTable& table,
                                                       const Id& id) const {
  const auto found = rows_.find(std::pair(&table, id.canonical()));
  return found == rows_.end() ? nullptr : &found->second.row;
}

void InMemoryTransaction::write(InMemoryTable& table, const Id& id, InMemoryTable::Row row) {
  rows_.insert_or_assign(std::pair(&table, id.canonical()), Written{&table, std::move(row)});
}

void InMemoryTransaction::noteLocked(InMemoryTable& table, const Id& id) {
  locked_.emplace_back(&table, id.canonical());
}

}  // namespace strata::internal
