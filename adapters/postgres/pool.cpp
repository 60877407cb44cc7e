#include "adapters/postgres/pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "strata/base/status.h"

namespace strata::postgres {
namespace {

// How long `close` waits for connections that are being made: for their own timeout, if that is no
// longer than this, and a little.
constexpr absl::Duration kLongestClose = absl::Minutes(1);
constexpr absl::Duration kCloseGrace = absl::Seconds(1);

// The same status, sharing nothing with it: who waits gets another thread's failure, and the count
// of a shared one lives in a library that ThreadSanitizer cannot look into.
absl::Status copyOf(const absl::Status& status) {
  return absl::Status(status.code(), std::string(status.message()));
}

// Nothing tells whether the server committed before the connection was lost.
absl::Status outcomeUnknown(const Statement& statement) {
  return absl::UnknownError(fmt::format(
      "{}: the connection was lost; the write may or may not have happened", statement.what()));
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
  if (connection_ != nullptr) pool_->giveBack(std::move(connection_));
}

Pool::Pool(PostgresOptions options, ConnInfo where, const Clock& clock)
    : options_(std::move(options)),
      settings_{.where = std::move(where),
                .statement_timeout = options_.statement_timeout,
                .prepare_statements = options_.prepare_statements != PrepareStatements::kOff},
      clock_(clock),
      watchdog_(clock) {}

absl::Status Pool::prove() {
  return lease({}, settings_.where.connect_timeout + options_.acquire_timeout).status();
}

absl::StatusOr<Lease> Pool::lease(Deadline deadline, absl::Duration patience) {
  const MonotonicTime start = clock_.now();
  const MonotonicTime limit = std::min(deadline.time(), start + patience);
  Idle unfit;  // closed after the lock is released, for that talks to the server
  std::unique_lock lock(mutex_);
  const std::uint64_t attempts_before = attempts_;
  while (true) {
    if (auto connection = takeIdle(start, unfit)) return Lease(*this, std::move(connection));
    absl::Status status = mayWait(limit, deadline, attempts_before);
    if (!status.ok()) return status;
    if (wantsMore() && !failedSince(attempts_before)) {
      ++open_;
      ++connecting_;
      const std::uint64_t attempt = ++attempts_;
      lock.unlock();
      connectInBackground(attempt);
      lock.lock();
      continue;
    }
    ++waiting_;
    changed_.wait_for(lock, absl::ToChronoNanoseconds(limit - clock_.now()));
    --waiting_;
  }
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

// The caller itself is not among those waiting yet.
bool Pool::wantsMore() const {
  return !closed_ && open_ < options_.pool_size && connecting_ <= waiting_;
}

absl::Status Pool::mayWait(MonotonicTime limit, Deadline deadline,
                           std::uint64_t attempts_before) const {
  if (closed_) return absl::UnavailableError("the database pool is closed");
  // That the server has no room for another connection is no reason to give up while one of ours
  // may come back.
  const bool alone = open_ == connecting_;
  if (failedSince(attempts_before) && (alone || !absl::IsResourceExhausted(last_failure_))) {
    return copyOf(last_failure_);
  }
  if (clock_.now() < limit) return absl::OkStatus();
  if (failedSince(attempts_before)) return copyOf(last_failure_);
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
  changed_.notify_one();
}

void Pool::connectFailed(std::uint64_t attempt, const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  --connecting_;
  --open_;
  ++failures_;
  if (attempt > last_failed_) {
    last_failed_ = attempt;
    last_failure_ = copyOf(status);
  }
  changed_.notify_all();
}

void Pool::giveBack(std::unique_ptr<Connection> connection) {
  connection->clear();
  const bool keep = !connection->mustBeDropped();
  const std::lock_guard lock(mutex_);
  if (keep && !closed_) {
    idle_.push_back(std::move(connection));
  } else {
    --open_;
  }
  if (waiting_ > 0) changed_.notify_one();
}

void Pool::dropIdle() {
  Idle dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(idle_);
  open_ -= dropped.size();
}

absl::StatusOr<Answer> Pool::run(const Statement& statement, absl::Span<const Bind> binds,
                                 Deadline deadline) {
  if (deadline.hasPassed(clock_)) {
    return absl::DeadlineExceededError(fmt::format("{}: no time left", statement.what()));
  }
  for (bool retried = false;; retried = true) {
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
    dropIdle();
    if (sent && statement.writes() && !connection.refused()) return outcomeUnknown(statement);
    if (retried) return status;
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
