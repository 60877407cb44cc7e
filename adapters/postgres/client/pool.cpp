#include "adapters/postgres/client/pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/unshared_status.h"
#include "strata/base/status.h"
#include "strata/store/page_bound.h"

namespace strata::postgres {
namespace {

// How long `close` waits for connections that are being made: for their own timeout, if that is no
// longer than this, and a little.
constexpr absl::Duration kLongestClose = absl::Minutes(1);
constexpr absl::Duration kCloseGrace = absl::Seconds(1);
// How long a suspect may take to answer: a round trip across an ocean and back, twice. Past that it
// costs less to make a new connection.
constexpr absl::Duration kProofTimeout = absl::Milliseconds(500);
// Of a statement that can be repeated: on the connection that is there, on another one, and on one
// that was made for it.
constexpr int kAttempts = 3;
// A server starts, and a standby is promoted, within seconds.
constexpr absl::Duration kNotReadyPause = absl::Milliseconds(100);

// Nothing tells whether the server committed before the connection was lost.
absl::Status outcomeUnknown(const Statement& statement) {
  return absl::UnknownError(fmt::format(
      "{}: the connection was lost; the write may or may not have happened", statement.what()));
}

Connection::Settings settingsOf(const PostgresOptions& options, ConnInfo where) {
  auto pooler = std::make_shared<Pooler>(options.prepare_statements, where.place);
  return {.where = std::move(where),
          .statement_timeout = options.statement_timeout,
          .pooler = std::move(pooler)};
}

}  // namespace

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  giveBack();
  pool_ = other.pool_;
  connection_ = std::move(other.connection_);
  return *this;
}

void Lease::giveBack() {
  if (connection_ == nullptr) return;
  if (pool_ != nullptr) return pool_->giveBack(std::move(connection_));
  connection_ = nullptr;
}

Pool::Pool(PostgresOptions options, ConnInfo where, std::optional<ConnInfo> direct,
           const Clock& clock)
    : options_(std::move(options)),
      settings_(settingsOf(options_, std::move(where))),
      direct_(direct ? std::optional(settingsOf(options_, *std::move(direct))) : std::nullopt),
      clock_(clock),
      watchdog_(clock) {}

absl::Status Pool::prove() {
  return lease({}, settings_.where.connect_timeout + options_.acquire_timeout).status();
}

absl::StatusOr<Lease> Pool::lease(Deadline deadline, absl::Duration patience) {
  const MonotonicTime start = clock_.now();
  MonotonicTime limit = std::min(deadline.time(), start + patience);
  Idle unfit;  // closed after the lock is released, for that talks to the server
  std::unique_lock lock(mutex_);
  unfit.swap(inherited_);
  const std::uint64_t attempts_before = attempts_;
  while (true) {
    if (auto connection = takeIdle(start, unfit)) {
      const bool suspect = isSuspect(*connection, start);
      lock.unlock();
      Lease lease(this, std::move(connection));
      if (!suspect || provesItself(*lease, deadline)) return lease;
      lease = {};
      lock.lock();
      // The time that a dead connection took is not held against the next one.
      limit = std::min(deadline.time(), clock_.now() + patience);
      continue;
    }
    absl::Status status = mayWait(limit, deadline, attempts_before);
    if (!status.ok()) return status;
    if (mayConnect(clock_.now(), attempts_before)) {
      connectOneMore(lock);
    } else {
      waitForOne(lock, limit);
    }
  }
}

absl::StatusOr<Lease> Pool::leaseDirect(Deadline deadline) {
  if (!direct_) return lease(deadline);
  auto connection = Connection::open(*direct_, watchdog_, clock_);
  if (!connection.ok()) return connection.status();
  return Lease(nullptr, *std::move(connection));
}

absl::StatusOr<Lease> Pool::leaseSession(Deadline deadline) {
  absl::StatusOr<Lease> lease = leaseDirect(deadline);
  if (!lease.ok()) return lease.status();
  if (absl::Status status = (*lease)->requireSession(); !status.ok()) return status;
  return lease;
}

std::unique_ptr<Connection> Pool::takeIdle(MonotonicTime now, Idle& unfit) {
  while (!idle_.empty()) {
    std::unique_ptr<Connection> top = std::move(idle_.back());
    idle_.pop_back();
    const bool aged = now - top->openedAt() > options_.max_age;
    if (!aged && top->looksAlive(now)) return top;
    unfit.push_back(std::move(top));
    --open_;
  }
  return nullptr;
}

bool Pool::isSuspect(const Connection& connection, MonotonicTime now) const {
  return connection.usedAt() <= suspect_since_ ||
         now - connection.usedAt() > options_.max_idle_unproven;
}

bool Pool::provesItself(Connection& suspect, Deadline deadline) {
  // Of a caller with little time half is left for another connection.
  const absl::Duration patience =
      std::min(kProofTimeout, deadline.remaining(2 * kProofTimeout, clock_) / 2);
  // Why it did not is of no interest: the next connection tells how the server is.
  suspect.prove(clock_.now() + patience).IgnoreError();
  if (!suspect.lost()) return true;
  if (suspect.expired()) dropIdle();
  return false;
}

// The caller itself is not among those waiting yet.
bool Pool::mayConnect(MonotonicTime now, std::uint64_t attempts_before) const {
  if (closed_ || open_ >= options_.pool_size) return false;
  if (server_not_ready_) return connecting_ == 0 && now >= last_failed_at_ + kNotReadyPause;
  return connecting_ <= waiting_ && !failedSince(attempts_before);
}

void Pool::connectOneMore(std::unique_lock<std::mutex>& lock) {
  ++open_;
  ++connecting_;
  const std::uint64_t attempt = ++attempts_;
  lock.unlock();
  connectInBackground(attempt);
  lock.lock();
}

void Pool::waitForOne(std::unique_lock<std::mutex>& lock, MonotonicTime limit) {
  MonotonicTime until = limit;
  if (server_not_ready_ && connecting_ == 0 && open_ < options_.pool_size) {
    until = std::min(limit, last_failed_at_ + kNotReadyPause);
  }
  ++waiting_;
  changed_.wait_for(lock, absl::ToChronoNanoseconds(until - clock_.now()));
  --waiting_;
}

absl::Status Pool::mayWait(MonotonicTime limit, Deadline deadline,
                           std::uint64_t attempts_before) const {
  if (closed_) return absl::UnavailableError("the database pool is closed");
  // That the server has no room for another connection is no reason to give up while one of ours
  // may come back.
  const bool alone = open_ == connecting_;
  const bool final = alone || !absl::IsResourceExhausted(last_failure_);
  if (failedSince(attempts_before) && final && !server_not_ready_)
    return internal::unshared(last_failure_);
  if (clock_.now() < limit) return absl::OkStatus();
  if (failedSince(attempts_before) || server_not_ready_) return internal::unshared(last_failure_);
  if (limit < deadline.time()) return outOfPatience();
  return absl::DeadlineExceededError("out of time while waiting for a database connection");
}

absl::Status Pool::outOfPatience() const {
  const std::string waited = absl::FormatDuration(options_.acquire_timeout);
  if (connecting_ > 0) {
    return absl::UnavailableError(
        fmt::format("no connection to PostgreSQL ({}) within {}", settings_.where.place, waited));
  }
  return absl::ResourceExhaustedError(
      fmt::format("all {} database connections were busy for {}", options_.pool_size, waited));
}

void Pool::connectInBackground(std::uint64_t attempt) {
  absl::Status status =
      connects_.start([self = shared_from_this(), attempt] { self->connectNow(attempt); });
  if (!status.ok()) connectFailed(attempt, status);
}

void Pool::connectNow(std::uint64_t attempt) {
  auto connection = Connection::open(settings_, watchdog_, clock_);
  if (!connection.ok()) return connectFailed(attempt, connection.status());
  const std::lock_guard lock(mutex_);
  --connecting_;
  ++connects_made_;
  if (closed_) {
    --open_;
    return;
  }
  idle_.push_back(*std::move(connection));
  if (!std::exchange(server_not_ready_, false)) return changed_.notify_one();
  // Each of those who wait may make one now, whatever failed before.
  last_failed_ = 0;
  changed_.notify_all();
}

void Pool::connectFailed(std::uint64_t attempt, const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  --connecting_;
  --open_;
  ++failures_;
  if (attempt > last_failed_) {
    last_failed_ = attempt;
    last_failure_ = internal::unshared(status);
    last_failed_at_ = clock_.now();
    server_not_ready_ = isNotReady(status);
  }
  changed_.notify_all();
}

void Pool::giveBack(std::unique_ptr<Connection> connection) {
  connection->clear();
  if (connection->isInherited()) return;  // the child's counts know nothing of it
  if (connection->lost()) holdAgainstIdle(*connection);
  const bool keep = !connection->mustBeDropped();
  const std::lock_guard lock(mutex_);
  if (keep && !closed_) {
    idle_.push_back(std::move(connection));
  } else {
    --open_;
  }
  if (waiting_ > 0) changed_.notify_one();
}

void Pool::holdAgainstIdle(const Connection& lost) {
  // They have the same plans and prepared statements. Whether they are of a standby they can tell,
  // where that matters.
  const bool can_tell = lost.readOnly() && settings_.where.needs_primary;
  if (lost.refused() && !can_tell) return dropIdle();
  const std::lock_guard lock(mutex_);
  suspect_since_ = clock_.now();
}

void Pool::dropIdle() {
  Idle dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(idle_);
  open_ -= dropped.size();
}

// Attempts to connect go on in the parent alone, and so do the threads that leased or wait.
void Pool::resetInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  internal::abandon(mutex_);
  internal::abandon(changed_);
  inherited_ = std::move(idle_);
  idle_.clear();
  open_ = 0;
  connecting_ = 0;
  waiting_ = 0;
}

absl::StatusOr<Answer> Pool::run(const Statement& statement, absl::Span<const Bind> binds,
                                 Deadline deadline) {
  if (deadline.hasPassed(clock_)) {
    return absl::DeadlineExceededError(fmt::format("{}: no time left", statement.what()));
  }
  for (int attempt = 1;; ++attempt) {
    absl::StatusOr<Lease> lease = this->lease(deadline);
    if (!lease.ok()) return annotate(lease.status(), statement.what());
    Connection& connection = **lease;
    absl::Status status = connection.prepare(statement, binds.size(), deadline);
    const bool sent = status.ok();
    if (sent) {
      absl::StatusOr<Rows> rows = connection.execute(statement, binds, deadline);
      if (rows.ok()) return Answer{.lease = *std::move(lease), .rows = *rows};
      status = rows.status();
    }
    if (!connection.lost() || connection.expired()) return status;
    // It would be as large again.
    if (isPageTooLarge(status)) return status;
    if (sent && statement.writes() && !connection.refused()) return outcomeUnknown(statement);
    if (attempt == kAttempts) return status;
    // A server that goes down ends its sessions one after another; one may still prove itself.
    if (attempt == kAttempts - 1) dropIdle();
  }
}

absl::Status Pool::check(Deadline deadline) {
  for (bool retried = false;; retried = true) {
    absl::StatusOr<Lease> lease = this->lease(deadline);
    if (!lease.ok()) return annotate(lease.status(), "check the database");
    absl::Status status = (*lease)->prove(deadline.time());
    if (retried || !(*lease)->lost() || (*lease)->expired()) return status;
  }
}

void Pool::close() {
  Idle dropped;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(idle_);
    open_ -= dropped.size();
    changed_.notify_all();
  }
  connects_.drain(std::min(settings_.where.connect_timeout, kLongestClose) + kCloseGrace);
}

PostgresPoolStats Pool::stats() const {
  const std::lock_guard lock(mutex_);
  return {.size = options_.pool_size,
          .open = open_,
          .in_use = open_ - connecting_ - idle_.size(),
          .waiting = waiting_,
          .connects = connects_made_,
          .failures = failures_};
}

}  // namespace strata::postgres
