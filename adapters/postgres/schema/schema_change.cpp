#include "adapters/postgres/schema/schema_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>

#include "adapters/postgres/schema/lock_observer.h"
#include "src/base/backoff.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"

namespace strata::postgres {
namespace {

using std::chrono::milliseconds;

// The longest that others wait behind an attempt. Enough for a lock whose holders come and go, and
// below deadlock_timeout, which is one second by default.
constexpr absl::Duration kLockTimeout = absl::Milliseconds(300);
// Between attempts at a lock: at first about as long as an attempt, so that the others get on.
constexpr milliseconds kFirstPause(250);
constexpr milliseconds kLongestPause(2000);
// Between attempts at the advisory lock. They hold no lock, so they may be frequent.
constexpr milliseconds kFirstTurnPause(20);
constexpr milliseconds kLongestTurnPause(500);
// A wait that is longer is worth a line in the log.
constexpr absl::Duration kQuietWait = absl::Seconds(1);

// One call of changeSchema.
class Attempts {
 public:
  using Apply = absl::FunctionRef<absl::Status(Connection&)>;

  Attempts(Pool& pool, const SchemaChange& change, Apply apply)
      : pool_(pool),
        change_(change),
        apply_(apply),
        start_(pool.clock().now()),
        random_(std::random_device{}()) {}

  absl::Status run();

 private:
  enum class Outcome { kEnded, kNotOurTurn, kBlocked };

  MonotonicTime now() const { return pool_.clock().now(); }
  // A status that is not ok is `kEnded`, too.
  absl::StatusOr<Outcome> attempt();
  absl::StatusOr<Outcome> attemptOn(Connection& connection);
  absl::StatusOr<bool> takeTurn(Connection& connection);
  absl::StatusOr<Outcome> applyOn(Connection& connection);
  bool counts(Outcome outcome) const {
    return outcome == Outcome::kBlocked || change_.counts_turns_of_others;
  }
  absl::Duration left() const { return change_.patience - (now() - start_); }
  bool isOver(Outcome outcome) const;
  absl::Status gaveUp() const;
  void noteObstacle();
  void pause(Outcome outcome);

  Pool& pool_;
  const SchemaChange& change_;
  const Apply apply_;
  MonotonicTime start_;
  std::minstd_rand random_;
  // From the first blocked attempt on: before that it is not worth its connection.
  std::optional<LockObserver> observer_;
  std::string obstacle_;
  int times_blocked_ = 0;
  int turns_of_others_ = 0;
  bool logged_ = false;
};

absl::Status Attempts::run() {
  for (;;) {
    const MonotonicTime began = now();
    const absl::StatusOr<Outcome> outcome = attempt();
    if (!outcome.ok()) return annotate(outcome.status(), change_.what);
    if (*outcome == Outcome::kEnded) return absl::OkStatus();
    noteObstacle();
    if (isOver(*outcome)) return gaveUp();
    pause(*outcome);
    if (!counts(*outcome)) start_ = start_ + (now() - began);
  }
}

absl::StatusOr<Attempts::Outcome> Attempts::attempt() {
  absl::StatusOr<Lease> lease = pool_.leaseDirect({});
  if (!lease.ok()) return lease.status();
  absl::StatusOr<Outcome> outcome = attemptOn(**lease);
  if (observer_) observer_->watch("");
  // Where this fails too, the pool closes the connection, and the server rolls back.
  if ((*lease)->mustBeDropped() && !(*lease)->lost()) {
    (*lease)->script("ROLLBACK", "roll a change of the schema back").IgnoreError();
  }
  return outcome;
}

absl::StatusOr<Attempts::Outcome> Attempts::attemptOn(Connection& connection) {
  absl::Status status = connection.script(
      fmt::format("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = {};{}",
                  absl::ToInt64Milliseconds(kLockTimeout), change_.settings),
      "begin a change of the schema");
  if (!status.ok()) return status;
  const absl::StatusOr<bool> turn = takeTurn(connection);
  if (!turn.ok()) return turn.status();
  if (*turn) return applyOn(connection);
  auto holders = holdersOfAdvisoryLock(connection, change_.turn);
  if (!holders.ok()) return holders.status();
  if (!holders->empty()) obstacle_ = *std::move(holders);
  ++turns_of_others_;
  return Outcome::kNotOurTurn;
}

absl::StatusOr<bool> Attempts::takeTurn(Connection& connection) {
  static const auto* const statement =
      new Statement("SELECT pg_try_advisory_xact_lock($1), pg_backend_pid()",
                    "take the turn to change the schema", Effect::kReads);
  const Bind binds[] = {bind(change_.turn)};
  auto rows = connection.run(*statement, binds, {});
  if (!rows.ok()) return rows.status();
  if (observer_) observer_->watch(std::string(rows->at(0, 1).value_or("")));
  return rows->at(0, 0) == "t";
}

// An error of COMMIT is one of a transaction that was rolled back, unless the connection was lost.
absl::StatusOr<Attempts::Outcome> Attempts::applyOn(Connection& connection) {
  absl::Status status = apply_(connection);
  bool rolled_back = connection.inFailedTransaction();
  if (status.ok()) {
    status = connection.script("COMMIT", "commit");
    rolled_back = !connection.lost();
  }
  if (status.ok()) return Outcome::kEnded;
  if (!rolled_back || !connection.blocked()) return status;
  ++times_blocked_;
  if (observer_ && !observer_->seen().empty()) obstacle_ = observer_->seen();
  if (!observer_) observer_.emplace(pool_);
  return Outcome::kBlocked;
}

// A blocked attempt is repeated at least once, for only from then on there is an observer.
bool Attempts::isOver(Outcome outcome) const {
  if (outcome == Outcome::kBlocked && times_blocked_ == 1) return false;
  return counts(outcome) && left() <= absl::ZeroDuration();
}

absl::Status Attempts::gaveUp() const {
  return absl::UnavailableError(
      fmt::format("{}: given up after {} and {} attempts; in the way: {}", change_.what,
                  absl::FormatDuration(absl::Trunc(now() - start_, absl::Milliseconds(1))),
                  times_blocked_ + turns_of_others_,
                  obstacle_.empty() ? "a lock whose holder no second connection saw" : obstacle_));
}

void Attempts::noteObstacle() {
  if (logged_ || obstacle_.empty() || now() - start_ < kQuietWait) return;
  logged_ = true;
  log(Severity::kWarning, "strata.postgres.schema_change_waits",
      {{"change", change_.what}, {"in_the_way", obstacle_}});
}

// No longer than there is patience left, so that the last attempt is at its end.
void Attempts::pause(Outcome outcome) {
  const absl::Duration pause = absl::FromChrono(
      outcome == Outcome::kBlocked
          ? internal::backoffAfter(times_blocked_, random_, kFirstPause, kLongestPause)
          : internal::backoffAfter(turns_of_others_, random_, kFirstTurnPause, kLongestTurnPause));
  const bool limited = counts(outcome) && left() > absl::ZeroDuration();
  pool_.clock().sleepFor(limited ? std::min(pause, left()) : pause);
}

}  // namespace

absl::Status changeSchema(Pool& pool, const SchemaChange& change,
                          absl::FunctionRef<absl::Status(Connection&)> apply) {
  return Attempts(pool, change, apply).run();
}

}  // namespace strata::postgres
