#include "src/memory/in_memory_transaction.h"

#include <utility>

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
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
  for (const auto& [table, id] : locked_) table->unlock(id);
  database_->tables().lock().end(number_);
}

absl::Status InMemoryTransaction::lockData(Deadline deadline, const Clock& clock) {
  absl::Status status = database_->tables().lock().lock(number_, deadline, clock);
  if (status.ok()) has_data_ = true;
  return status;
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
  undo_.clear();
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
