#include "adapters/postgres/client/transaction.h"

#include <fmt/format.h>

#include <utility>

#include "strata/base/status.h"

namespace strata::postgres {
namespace {

const Statement& commitSql() {
  static const auto* const statement =
      new Statement("COMMIT", "commit a transaction", Effect::kWrites);
  return *statement;
}

const Statement& rollbackSql() {
  static const auto* const statement =
      new Statement("ROLLBACK", "roll a transaction back", Effect::kReads);
  return *statement;
}

// How long a unit without a deadline waits for its turn: as long as a call of a store may take.
constexpr absl::Duration kUnitPatience = absl::Seconds(5);

}  // namespace

Bulkhead::Admission PostgresTransaction::HeldPlace::enter(std::shared_ptr<Bulkhead> bulkhead,
                                                          Deadline deadline) {
  owner = std::move(bulkhead);
  return place.emplace(owner->enter(deadline)).admission();
}

absl::StatusOr<std::unique_ptr<PostgresTransaction>> PostgresTransaction::begin(
    std::shared_ptr<PostgresPool> pool, std::shared_ptr<Bulkhead> bulkhead, Deadline deadline,
    std::shared_ptr<Bulkhead> units) {
  std::unique_ptr<PostgresTransaction> made(new PostgresTransaction(std::move(pool)));
  if (units != nullptr) {
    absl::Status status = made->enterUnits(std::move(units), deadline);
    if (!status.ok()) return status;
  }
  if (bulkhead != nullptr &&
      made->call_.enter(std::move(bulkhead), deadline) != Bulkhead::Admission::kAdmitted) {
    return absl::ResourceExhaustedError(
        "begin a transaction: too many calls of the database go on at once");
  }
  if (absl::Status status = made->connect(deadline); !status.ok()) return status;
  return made;
}

absl::Status PostgresTransaction::enterUnits(std::shared_ptr<Bulkhead> units, Deadline deadline) {
  const Deadline until =
      deadline.isNever() ? Deadline::in(kUnitPatience, pool_->internals().clock()) : deadline;
  const std::size_t most = units->places();
  const Bulkhead::Admission admission = unit_.enter(std::move(units), until);
  if (admission == Bulkhead::Admission::kAdmitted) return absl::OkStatus();
  const std::string message = fmt::format(
      "begin a transaction: {} units of work are open, and none of them ended in time", most);
  const bool out_of_time = admission == Bulkhead::Admission::kDeadlinePassed && !deadline.isNever();
  return out_of_time ? absl::DeadlineExceededError(message) : absl::ResourceExhaustedError(message);
}

absl::Status PostgresTransaction::connect(Deadline deadline) {
  for (bool retried = false;; retried = true) {
    absl::StatusOr<Lease> lease = pool_->internals().lease(deadline);
    if (!lease.ok()) return annotate(lease.status(), "begin a transaction");
    absl::Status status = (*lease)->begin(deadline);
    if (status.ok()) {
      lease_ = *std::move(lease);
      open_ = true;
      return status;
    }
    if (retried || !(*lease)->lost() || (*lease)->expired()) return status;
  }
}

// A connection that is still in the transaction when it is given back is closed, which makes the
// server roll back too; this spares a new one.
PostgresTransaction::~PostgresTransaction() { rollback(); }

void PostgresTransaction::rollback() {
  if (!std::exchange(open_, false) || lease_->lost()) return;
  lease_->run(rollbackSql(), {}, {}).status().IgnoreError();
}

absl::Status PostgresTransaction::commit() {
  open_ = false;
  // The server would answer COMMIT with a rollback and call it a success.
  if (lease_->inFailedTransaction()) {
    return absl::FailedPreconditionError(
        "commit a transaction: a statement of it failed, so it was rolled back");
  }
  absl::Status status = lease_->run(commitSql(), {}, {}).status();
  if (status.ok() || !lease_->lost() || lease_->expired()) return status;
  return absl::UnknownError("commit a transaction: the connection was lost before the answer");
}

absl::StatusOr<PostgresTransaction*> PostgresTransaction::of(UnitOfWork& unit,
                                                             const PostgresPool& pool) {
  if (absl::Status status = unit.check(); !status.ok()) return status;
  auto* const transaction = dynamic_cast<PostgresTransaction*>(&unit.transaction());
  if (transaction != nullptr && transaction->pool_.get() == &pool) return transaction;
  return absl::InvalidArgumentError("the unit of work is one of another database");
}

absl::StatusOr<Rows> PostgresTransaction::run(const Statement& statement,
                                              absl::Span<const Bind> binds, Deadline deadline) {
  return lease_->run(statement, binds, deadline);
}

absl::StatusOr<Answer> run(PostgresPool& pool, UnitOfWork* unit, const Statement& statement,
                           absl::Span<const Bind> binds, Deadline deadline) {
  if (unit == nullptr) return pool.internals().run(statement, binds, deadline);
  auto transaction = PostgresTransaction::of(*unit, pool);
  if (!transaction.ok()) return transaction.status();
  // Nothing is sent, so the transaction is as good as before.
  if (deadline.hasPassed(pool.internals().clock())) {
    return absl::DeadlineExceededError(fmt::format("{}: no time left", statement.what()));
  }
  auto rows = (*transaction)->run(statement, binds, deadline);
  if (rows.ok()) return Answer{.lease = {}, .rows = *rows};
  unit->fail(rows.status());
  return rows.status();
}

void distrust(PostgresPool& pool, UnitOfWork* unit, const Answer& answer) {
  if (unit == nullptr) return answer.lease->distrust();
  if (auto transaction = PostgresTransaction::of(*unit, pool); transaction.ok()) {
    (*transaction)->distrust();
  }
  unit->fail(absl::InternalError("the database answered another statement"));
}

}  // namespace strata::postgres
