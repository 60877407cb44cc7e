#include "src/memory/in_memory_transaction.h"

namespace strata::internal {

InMemoryTransaction::InMemoryTransaction(std::shared_ptr<InMemoryDatabase> database)
    : database_(std::move(database)) {}

absl::StatusOr<std::unique_ptr<InMemoryTransaction>> InMemoryTransaction::begin(
    std::shared_ptr<InMemoryDatabase> database, Deadline deadline, const Clock& clock) {
  if (absl::Status status = database->tables().lock().lock(deadline, clock); !status.ok())
    return status;
  return std::unique_ptr<InMemoryTransaction>(new InMemoryTransaction(std::move(database)));
}

InMemoryTransaction::~InMemoryTransaction() {
  for (auto undo = undo_.rbegin(); undo != undo_.rend(); ++undo) (*undo)();
  database_->tables().lock().unlock();
}

absl::Status InMemoryTransaction::commit() {
  for (auto& [place, written] : rows_) {
    written.table->exchange(place.second, std::move(written.row));
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

}  // namespace strata::internal
