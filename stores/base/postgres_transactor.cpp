#include "stores/base/postgres_transactor.h"

namespace strata::internal {
namespace {

constexpr int kAttempts = 3;

}  // namespace

absl::Status PostgresSession::nameTenant(const postgres::Bind& tenant) {
  static const auto* const statement =
      new postgres::Statement("SELECT set_config('strata.tenant_id', $1, true)", "name the tenant",
                              postgres::Effect::kReads);
  absl::Status status = postgres::run(pool_, unit_, *statement, {&tenant, 1}, deadline_).status();
  if (status.ok()) named_ = tenant;
  return status;
}

absl::StatusOr<postgres::Answer> PostgresSession::run(const postgres::Statement& statement,
                                                      absl::Span<const postgres::Bind> binds) {
  if (names_tenant_ && named_ != binds[0]) {
    if (absl::Status status = nameTenant(binds[0]); !status.ok()) return status;
  }
  auto answer = postgres::run(pool_, unit_, statements_.of(statement), binds, deadline_);
  if (answer.ok() && statement.writes() && answer->rows.any()) has_written_ = true;
  return answer;
}

absl::StatusOr<PostgresWork> PostgresWork::create(PostgresBackend backend, const std::string& store,
                                                  const Clock& clock) {
  auto guard = Guard::create(backend.bulkhead, {.store = store, .timeout = backend.timeout},
                             backend.metrics, clock);
  if (!guard.ok()) return guard.status();
  return PostgresWork(std::move(backend), *std::move(guard));
}

absl::Status PostgresWork::read(const ReadOptions& options, Work work) const {
  if (options.unit != nullptr) {
    PostgresSession in_unit = session(options.unit, options.deadline, row_level_security_);
    return work(in_unit);
  }
  absl::Status answer;
  const absl::Status refused =
      guard_->run(Guard::Operation::kGet, options.deadline, [&](Deadline until) {
        if (row_level_security_) return answer = transact(until, work);
        PostgresSession alone = session(nullptr, until, false);
        return answer = work(alone);
      });
  return refused.ok() ? answer : refused;
}

absl::Status PostgresWork::write(const WriteOptions& options, Work work) const {
  if (options.unit != nullptr) return writeIn(*options.unit, options.deadline, work);
  absl::Status answer;
  const absl::Status refused =
      guard_->run(Guard::Operation::kPut, options.deadline, [&](Deadline until) {
        answer = transact(until, work);
        for (int i = 1; i < kAttempts && absl::IsAborted(answer); ++i) {
          answer = transact(until, work);
        }
        return answer;
      });
  return refused.ok() ? answer : refused;
}

absl::Status PostgresWork::writeIn(UnitOfWork& unit, Deadline deadline, Work work) const {
  if (absl::Status status = unit.check(); !status.ok()) return status;
  PostgresSession in_unit = session(&unit, deadline, row_level_security_);
  absl::Status status = work(in_unit);
  if (!status.ok() && in_unit.hasWritten()) unit.fail(status);
  return status;
}

absl::Status PostgresWork::transact(Deadline deadline, Work work) const {
  for (int attempt = 1;; ++attempt) {
    auto begun = postgres::PostgresTransaction::begin(pool_, nullptr, deadline);
    if (!begun.ok()) return begun.status();
    const postgres::PostgresTransaction& transaction = **begun;
    UnitOfWork unit(*std::move(begun));
    PostgresSession in_unit = session(&unit, deadline, row_level_security_);
    absl::Status status = work(in_unit);
    if (status.ok()) return unit.commit();
    // By a standby, for instance: nothing has happened, and another session may be of the primary.
    if (attempt == kAttempts || !transaction.refused()) return status;
  }
}

Health PostgresWork::healthCheck() const {
  Health health = pool_->healthCheck();
  health.component = "store";
  return health;
}

}  // namespace strata::internal
