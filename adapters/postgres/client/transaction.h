// PostgresTransaction: a unit of work on a PostgreSQL database.
#pragma once

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "adapters/postgres/client/pool.h"
#include "strata/decorators/bulkhead.h"
#include "strata/store/unit_of_work.h"

namespace strata::postgres {

// Read committed, on a connection of its own. For one thread at a time.
class PostgresTransaction final : public Transaction {
 public:
  // Of a connection that turns out to be lost one more is tried. With a bulkhead it holds one of
  // its places until it ends, and with `units` one of those, which it waits for first, so that it
  // takes no place from others meanwhile. ResourceExhausted, DeadlineExceeded: there is none.
  static absl::StatusOr<std::unique_ptr<PostgresTransaction>> begin(
      std::shared_ptr<PostgresPool> pool, std::shared_ptr<Bulkhead> bulkhead, Deadline deadline,
      std::shared_ptr<Bulkhead> units = nullptr);
  ~PostgresTransaction() override;

  absl::Status commit() override;
  void rollback() override;

  // Whether the server refused a statement of it because of the session's state, and so rolled all
  // of it back: on another session it may succeed.
  bool refused() const { return lease_->refused(); }

  // The one of `unit`. FailedPrecondition: the unit has ended or failed. InvalidArgument: it is one
  // of another database.
  static absl::StatusOr<PostgresTransaction*> of(UnitOfWork& unit, const PostgresPool& pool);

  // The rows are valid until it runs something else. A write that fails ends in a rollback.
  absl::StatusOr<Rows> run(const Statement& statement, absl::Span<const Bind> binds,
                           Deadline deadline);
  // As Connection::distrust.
  void distrust() { lease_->distrust(); }

 private:
  // A place, and what it is one of, which must outlive it.
  struct HeldPlace {
    Bulkhead::Admission enter(std::shared_ptr<Bulkhead> bulkhead, Deadline deadline);

    std::shared_ptr<Bulkhead> owner;
    std::optional<Bulkhead::Place> place;
  };

  explicit PostgresTransaction(std::shared_ptr<PostgresPool> pool) : pool_(std::move(pool)) {}
  absl::Status enterUnits(std::shared_ptr<Bulkhead> units, Deadline deadline);
  absl::Status connect(Deadline deadline);

  const std::shared_ptr<PostgresPool> pool_;
  HeldPlace unit_;
  HeldPlace call_;
  Lease lease_;
  bool open_ = false;
};

// Runs one statement in the transaction of `unit`, or by itself where that is null. An error of a
// statement makes the unit fail, as it does the transaction.
absl::StatusOr<Answer> run(PostgresPool& pool, UnitOfWork* unit, const Statement& statement,
                           absl::Span<const Bind> binds, Deadline deadline);

// For an answer of `run` that cannot be one to its statement: its connection is not used again, and
// `unit` fails.
void distrust(PostgresPool& pool, UnitOfWork* unit, const Answer& answer);

}  // namespace strata::postgres
