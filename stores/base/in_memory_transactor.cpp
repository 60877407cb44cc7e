#include "stores/base/in_memory_transactor.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "src/store/page_bound.h"

namespace strata::internal {
namespace {

absl::Status checkDeadline(Deadline deadline, const Clock& clock) {
  if (!deadline.hasPassed(clock)) return absl::OkStatus();
  return absl::DeadlineExceededError("the deadline had passed before the call; nothing was done");
}

// As on PostgreSQL, whose transaction is over where an answer is not received to its end.
absl::Status failingAtPage(UnitOfWork* unit, absl::Status status) {
  if (unit != nullptr && isPageTooLarge(status)) unit->fail(status);
  return status;
}

}  // namespace

absl::Status InMemoryWork::read(const ReadOptions& options, Reading work) const {
  if (absl::Status status = checkDeadline(options.deadline, clock_); !status.ok()) return status;
  if (options.unit != nullptr) {
    const auto transaction = InMemoryTransaction::of(*options.unit, *database_);
    if (!transaction.ok()) return transaction.status();
    // Others only read them.
    if ((*transaction)->hasData()) {
      return failingAtPage(options.unit, work(DatabaseLock::kNoUnit));
    }
  }
  DatabaseLock& lock = database_->tables().lock();
  if (absl::Status locked = lock.lockShared(options.deadline, clock_); !locked.ok()) {
    if (options.unit != nullptr) options.unit->fail(locked);
    return locked;
  }
  const absl::Cleanup done = [&lock] { lock.unlockShared(); };
  return failingAtPage(options.unit, work(lock.uncommitted()));
}

absl::Status InMemoryWork::write(const WriteOptions& options, Work work) const {
  if (absl::Status status = checkDeadline(options.deadline, clock_); !status.ok()) return status;
  if (options.unit != nullptr) return writeIn(*options.unit, options.deadline, work);
  const auto transaction = InMemoryTransaction::begin(database_);
  return transaction
      ->changeData(options.deadline, clock_,
                   [&] {
                     InMemoryChanges changes(transaction.get());
                     absl::Status status = work(changes);
                     if (status.ok()) return transaction->commit();
                     transaction->rollback();
                     return status;
                   })
      .status;
}

absl::Status InMemoryWork::writeIn(UnitOfWork& unit, Deadline deadline, Work work) const {
  const auto transaction = InMemoryTransaction::of(unit, *database_);
  if (!transaction.ok()) return transaction.status();
  InMemoryChanges changes(*transaction);
  const auto [locked, status] =
      (*transaction)->changeData(deadline, clock_, [&] { return work(changes); });
  if (!locked.ok() || (!status.ok() && changes.count() > 0)) unit.fail(status);
  return status;
}

}  // namespace strata::internal
