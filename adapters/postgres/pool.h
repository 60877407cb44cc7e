// Pool: the connections to one database, leased one caller at a time.
//
// The idle ones are a stack, so that few stay warm under little load and the rest age out. A lease
// takes the top one that still looks alive. Where none is idle and there is room, one more is
// connected on a thread in the background: libpq connects without a deadline finer than seconds,
// and whoever leases may have one, or may be served sooner by a connection that is given back.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/postgres/background.h"
#include "adapters/postgres/connection.h"
#include "adapters/postgres/watchdog.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/base/deadline.h"

namespace strata::postgres {

class Pool;

// A connection of the pool for as long as this lives; goes back by itself. A connection in doubt,
// or inside a transaction, is closed instead.
class Lease {
 public:
  Lease() = default;
  Lease(Lease&& other) noexcept = default;
  Lease& operator=(Lease&& other) noexcept;
  ~Lease() { giveBack(); }

  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }

 private:
  friend class Pool;
  Lease(Pool& pool, std::unique_ptr<Connection> connection)
      : pool_(&pool), connection_(std::move(connection)) {}
  void giveBack();

  Pool* pool_ = nullptr;
  std::unique_ptr<Connection> connection_;
};

// An answer and the connection that holds it.
struct Answer {
  Lease lease;
  Rows rows;
};

// Thread-safe. Outlives its leases.
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(PostgresOptions options, ConnInfo where, const Clock& clock);

  // ResourceExhausted: all connections were busy for as long as the pool lets a caller wait.
  // DeadlineExceeded: the caller's deadline came first. Otherwise why none can be made.
  absl::StatusOr<Lease> lease(Deadline deadline) {
    return lease(deadline, options_.acquire_timeout);
  }

  // Makes one connection, or says why there is none. Waits for as long as connecting may take.
  absl::Status prove();

  // Runs one statement by itself, with its own transaction. When the connection turns out to be
  // lost, a statement that reads is run once more on a fresh one, and one that writes only if it
  // was not sent yet; otherwise its outcome is Unknown.
  absl::StatusOr<Answer> run(const Statement& statement, absl::Span<const Bind> binds,
                             Deadline deadline);

  // Closes what is idle and waits for what is being connected, for a while.
  void close();
  PostgresPoolStats stats() const;
  const Clock& clock() const { return clock_; }

 private:
  friend class Lease;
  using Idle = std::vector<std::unique_ptr<Connection>>;

  absl::StatusOr<Lease> lease(Deadline deadline, absl::Duration patience);

  // The top idle connection that is fit for use, or null; the unfit ones above it go to `unfit`.
  std::unique_ptr<Connection> takeIdle(MonotonicTime now, Idle& unfit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool wantsMore() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Why a caller without a connection should not wait for one any longer.
  absl::Status mayWait(MonotonicTime limit, Deadline deadline, std::uint64_t attempts_before) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status outOfPatience() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether an attempt to connect that was begun after so many others has failed.
  bool failedSince(std::uint64_t attempts_before) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return last_failed_ > attempts_before;
  }
  void connectInBackground(std::uint64_t attempt);
  void connectNow(std::uint64_t attempt);
  void connectFailed(std::uint64_t attempt, const absl::Status& status);
  void giveBack(std::unique_ptr<Connection> connection);
  // After a lost connection the others are likely lost too.
  void dropIdle();

  const PostgresOptions options_;
  const Connection::Settings settings_;
  const Clock& clock_;
  Watchdog watchdog_;
  BackgroundJobs connects_;  // no more than `connecting_`, and those about to end

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Idle idle_ ABSL_GUARDED_BY(mutex_);
  // Idle, leased, or being connected: at most pool_size.
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t connecting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t connects_made_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t failures_ ABSL_GUARDED_BY(mutex_) = 0;
  // Attempts to connect are numbered as they begin. One that began before a call says nothing about
  // the server that the call would meet: it may fail late of what was long mended.
  std::uint64_t attempts_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t last_failed_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status last_failure_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace strata::postgres
