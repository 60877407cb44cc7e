#include "stores/base/in_memory_transactor.h"

#include "absl/cleanup/cleanup.h"

namespace strata::internal {
namespace {

absl::Status checkDeadline(Deadline deadline, const Clock& clock) {
  if (!deadline.hasPassed(clock)) return absl::OkStatus();
  return absl::DeadlineExceededError("the deadline had passed before the call; nothing was done");
}

}  // namespace

absl::Status InMemoryWork::read(const ReadOptions& options, Work work) const {
  if (absl::Status status = checkDeadline(options.deadline, clock_); !status.ok()) return status;
  InMemoryChanges none(nullptr);
  DatabaseLock::Unit unit = DatabaseLock::kNoUnit;
  if (options.unit != nullptr) {
    const auto transaction = InMemoryTransaction::of(*options.unit, *database_);
    if (!transaction.ok()) return transaction.status();
    if ((*transaction)->hasData()) return work(none);
    unit = (*transaction)->number();
  }
  absl::Status locked = database_->tables().lock().lockShared(unit, options.deadline, clock_);
  if (!locked.ok()) {
    if (options.unit != nullptr) options.unit->fail(locked);
    return locked;
  }
  const absl::Cleanup unlock = [this] { database_->tables().lock().unlockShared(); };
  return work(none);
}

absl::Status InMemoryWork::write(const WriteOptions& options, Work work) const {
  if (absl::Status status = checkDeadline(options.deadline, clock_); !status.ok()) return status;
  if (options.unit != nullptr) {
    const auto transaction = InMemoryTransaction::of(*options.unit, *database_);
    if (!transaction.ok()) return transaction.status();
    absl::Status locked = (*transaction)->lockData(options.deadline, clock_);
    if (!locked.ok()) {
      options.unit->fail(locked);
      return locked;
    }
    InMemoryChanges changes(*transaction);
    absl::Status status = work(changes);
    if (!status.ok() && changes.count() > 0) options.unit->fail(status);
    return status;
  }
  const auto transaction = InMemoryTransaction::begin(database_);
  absl::Status locked = transaction->lockData(options.deadline, clock_);
  if (!locked.ok()) return locked;
  InMemoryChanges changes(transaction.get());
  absl::Status status = work(changes);
  return status.ok() ? transaction->commit() : status;
}

}  // namespace strata::internal
