#include "strata/store/unit_of_work.h"

#include <utility>

#include "strata/base/internal/user_calls.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"

namespace strata {

UnitOfWork::UnitOfWork(std::unique_ptr<Transaction> transaction)
    : transaction_(std::move(transaction)) {}

UnitOfWork::~UnitOfWork() = default;

absl::Status UnitOfWork::check() const {
  if (transaction_ == nullptr) return absl::FailedPreconditionError("the unit of work has ended");
  if (failure_.ok() || absl::IsAborted(failure_)) return failure_;
  return absl::FailedPreconditionError(
      "a write of the unit of work failed, so it can only be rolled back");
}

void UnitOfWork::fail(const absl::Status& why) {
  if (!check().ok()) return;
  failure_ = why;
  once_committed_.clear();
  transaction_->rollback();
}

void UnitOfWork::onceCommitted(std::function<void(const absl::Status&)> then) {
  once_committed_.push_back(std::move(then));
}

absl::Status UnitOfWork::commit() {
  if (absl::Status status = check(); !status.ok()) {
    rollback();
    return status;
  }
  // Internal: whether it happened is not known.
  absl::Status outcome =
      internal::callOut("transaction", [this] { return transaction_->commit(); });
  // Its connection, or its turn to write, is given back first: a slow cache must not hold it.
  transaction_.reset();
  if (!outcome.ok() && !mayHaveHappened(outcome)) return outcome;
  for (const auto& then : std::exchange(once_committed_, {})) tell(then, outcome);
  return outcome;
}

// What it throws changes nothing of the outcome, and nothing of what the others do.
void UnitOfWork::tell(const std::function<void(const absl::Status&)>& then,
                      const absl::Status& outcome) {
  const absl::Status told = internal::callOut("once_committed", [&] { then(outcome); });
  if (!told.ok()) log(Severity::kError, "strata.unit_of_work.threw", {{"why", describe(told)}});
}

void UnitOfWork::rollback() {
  once_committed_.clear();
  transaction_.reset();
}

}  // namespace strata
