// Pool: the connections to one database, leased one caller at a time.
//
// The idle ones are a stack, so that few stay warm under little load and the rest age out. A lease
// takes the top one that still looks alive. Where none is idle and there is room, one more is
// connected on a thread in the background: libpq connects without a deadline finer than seconds,
// and whoever leases may have one, or may be served sooner by a connection that is given back.
//
// A connection can be dead without looking so, and what happened to one has often happened to all.
// So when one is lost, the idle ones become suspects, as does each that was idle for long: before
// its next use a suspect is asked to prove itself, in one round trip. One that stays silent takes
// all idle ones with it, so that callers do not find them dead one after another.
//
//   idle ──suspect?──no──────────────────────────► leased
//            │yes                                     ▲
//            └─► asked ──answers, as a primary if need be
//                  ├─ closed, or a standby ─► dropped, and the next one is taken
//                  └─ silent ───────────────► all idle ones dropped, and one is connected
//
// A server that is not ready, because it starts or is a standby that will be promoted, is connected
// to again every 100 ms, once for all callers, who wait for it as for a busy connection.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/postgres/client/background.h"
#include "adapters/postgres/client/connection.h"
#include "adapters/postgres/client/watchdog.h"
#include "src/base/fork.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/base/deadline.h"

namespace strata::postgres {

class Pool;

// A connection of the pool for as long as this lives; goes back by itself. A connection in doubt,
// inside a transaction, or past the pooler, is closed instead.
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
  // Without a pool it is closed.
  Lease(Pool* pool, std::unique_ptr<Connection> connection)
      : pool_(pool), connection_(std::move(connection)) {}
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
  // `direct`: where the options' direct_url leads, if they have one.
  Pool(PostgresOptions options, ConnInfo where, std::optional<ConnInfo> direct, const Clock& clock);

  // ResourceExhausted: all connections were busy for as long as the pool lets a caller wait.
  // DeadlineExceeded: the caller's deadline came first. Otherwise why none can be made.
  absl::StatusOr<Lease> lease(Deadline deadline) {
    return lease(deadline, options_.acquire_timeout);
  }

  // A connection past the pooler where the options have a URL for that, made now, for which it
  // blocks as long as connecting may take; otherwise one of the pool. For what is best done in a
  // session of its own and can do without.
  absl::StatusOr<Lease> leaseDirect(Deadline deadline);
  // The same for what cannot do without. FailedPrecondition: there is a pooler and no way past it.
  absl::StatusOr<Lease> leaseSession(Deadline deadline);

  // Makes one connection, or says why there is none. Waits for as long as connecting may take.
  absl::Status prove();
  // Asks the server whether it answers and, where a primary is needed, is one.
  absl::Status check(Deadline deadline);

  // Runs one statement by itself, with its own transaction. When the connection turns out to be
  // lost, a statement that reads is run on another one, three times in all, and one that writes only
  // if it was not sent yet or was refused by a standby; otherwise its outcome is Unknown.
  absl::StatusOr<Answer> run(const Statement& statement, absl::Span<const Bind> binds,
                             Deadline deadline);

  // Closes what is idle and waits for what is being connected, for a while.
  void close();
  PostgresPoolStats stats() const;
  const Clock& clock() const { return clock_; }
  PrepareStatements preparing() const { return options_.prepare_statements; }

 private:
  friend class Lease;
  using Idle = std::vector<std::unique_ptr<Connection>>;

  absl::StatusOr<Lease> lease(Deadline deadline, absl::Duration patience);

  // The top idle connection that is fit for use, or null; the unfit ones above it go to `unfit`.
  std::unique_ptr<Connection> takeIdle(MonotonicTime now, Idle& unfit)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool isSuspect(const Connection& connection, MonotonicTime now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Asks a suspect, for a part of the time that is left.
  bool provesItself(Connection& suspect, Deadline deadline);
  // Whether a caller without a connection, which came after so many attempts to make one, should
  // begin another.
  bool mayConnect(MonotonicTime now, std::uint64_t attempts_before) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Begins one, with the mutex released meanwhile.
  void connectOneMore(std::unique_lock<std::mutex>& lock);
  // Waits for a connection, or for the moment to make one.
  void waitForOne(std::unique_lock<std::mutex>& lock, MonotonicTime limit);
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
  // What happened to a lost connection has likely happened to the idle ones.
  void holdAgainstIdle(const Connection& lost);
  void dropIdle();
  void resetInChild();

  const PostgresOptions options_;
  const Connection::Settings settings_;
  const std::optional<Connection::Settings> direct_;
  const Clock& clock_;
  Watchdog watchdog_;
  BackgroundJobs connects_;  // no more than `connecting_`, and those about to end

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Idle idle_ ABSL_GUARDED_BY(mutex_);
  // After a fork, the idle ones of the parent: to be closed by the next lease.
  Idle inherited_ ABSL_GUARDED_BY(mutex_);
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
  MonotonicTime last_failed_at_ ABSL_GUARDED_BY(mutex_);
  // Whether the last attempt to connect says that another one will succeed soon.
  bool server_not_ready_ ABSL_GUARDED_BY(mutex_) = false;
  // What has not been used since then is a suspect.
  MonotonicTime suspect_since_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;

  const internal::ForkHandler fork_handler_{{.lock = [this] { mutex_.lock(); },
                                             .resume_in_parent = [this] { mutex_.unlock(); },
                                             .reset_in_child = [this] { resetInChild(); }}};
};

}  // namespace strata::postgres
