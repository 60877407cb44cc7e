// PostgresPool: the connections to one PostgreSQL database, shared by every store on it.
//
//   auto pool = PostgresPool::open({.url = "postgresql://app:secret@db/app"});
//   auto flags = PostgresStore<FeatureFlag>::create(*pool);
//
// Not for: queries of an application's own. A store is the way to the data; `execute` is for DDL.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/health.h"
#include "strata/base/secret.h"
#include "strata/base/secret_source.h"

namespace strata {

namespace postgres {
class Pool;
}  // namespace postgres

// Whether statements stay prepared in the sessions of a pool.
enum class PrepareStatements : std::uint8_t {
  // Unless there turns out to be a pooler between this process and the server.
  kAuto,
  // There is none, or one that keeps a session for as long as its client stays connected.
  kOn,
  // Each statement is parsed anew, at about twice the time, and nothing is left in the session.
  kOff,
};

struct PostgresOptions {
  // postgresql://user:password@host:port/name, or libpq's key=value form, with libpq's parameters
  // and those of database_pool_config.h. What it says wins over what is said here.
  Secret url;
  // The same database without a pooler in between, for what needs a session of its own: migrations
  // and event hubs. Empty: `url`.
  Secret direct_url;
  // Called for each new connection, on a thread of the pool's, and once more when the server refuses
  // what it returned; its password is used instead of the URL's. Credentials that expire come from
  // here. An error, or an exception, is the connection's.
  SecretSource password = nullptr;
  // The most connections. They are made when they are needed.
  std::size_t pool_size = 8;
  // How long a call waits for one of them when all are busy.
  absl::Duration acquire_timeout = absl::Seconds(1);
  // For each address of the host. libpq counts in whole seconds, at least two.
  absl::Duration connect_timeout = absl::Seconds(2);
  // The longest that a statement may run on the server. A server that does not even say that time
  // is over is given up a second later.
  absl::Duration statement_timeout = absl::Seconds(5);
  // A connection older than this is replaced before its next use.
  absl::Duration max_age = absl::Minutes(30);
  // One that was idle for longer than this is asked whether it still works before its next use,
  // which costs a round trip. Zero: before every use.
  absl::Duration max_idle_unproven = absl::Seconds(10);
  PrepareStatements prepare_statements = PrepareStatements::kAuto;
};

struct PostgresPoolStats {
  std::size_t size = 0;        // the most there may be
  std::size_t open = 0;        // there are, or are being made
  std::size_t in_use = 0;      // of them, leased
  std::size_t waiting = 0;     // callers waiting for one
  std::uint64_t connects = 0;  // made since the pool was opened
  std::uint64_t failures = 0;  // attempts that failed
};

// Thread-safe: every method may be called concurrently, without external synchronisation.
//
// A standby is refused like a server that is not there, for it may lack what was acknowledged, and
// takes no writes; target_session_attrs in the URL allows one. While the server starts, or is a
// standby that may be promoted, callers wait for it as long as for a busy connection.
//
// Errors name the host and the database, and never the URL or the password:
//   InvalidArgument     an option or the URL cannot be used
//   PermissionDenied    wrong user name or password, or no right to connect
//   FailedPrecondition  there is no such database, or it is configured so that answers would be
//                       wrong (says by which setting)
//   Unavailable         the server was not reached; retry later
//   ResourceExhausted   all connections are busy, or the server has too many
//   DeadlineExceeded    the caller's deadline, or the statement's time limit, passed
class PostgresPool {
 public:
  // Checks the options and makes one connection to prove them. `clock` must outlive the pool.
  static absl::StatusOr<std::shared_ptr<PostgresPool>> open(PostgresOptions options,
                                                            const Clock& clock = Clock::system());
  ~PostgresPool();
  PostgresPool(const PostgresPool&) = delete;
  PostgresPool& operator=(const PostgresPool&) = delete;

  // Runs a script of one or several statements, separated by ';', as one transaction unless it
  // brings its own. Nothing of it is bound or checked: never build it from data. Each statement has
  // the server's statement_timeout; the script as a whole takes as long as it takes.
  //
  // Needs a session of its own. FailedPrecondition: there is a pooler before the server, and neither
  // a direct_url nor PrepareStatements::kOn says how to have one.
  absl::Status execute(std::string_view sql);

  // Asks the server, for at most a second: component "database", backend "postgres". A standby where
  // a primary is needed fails.
  Health healthCheck();
  PostgresPoolStats stats() const;

  // For Strata's own stores, which include adapters/postgres/client/pool.h.
  postgres::Pool& internals() { return *pool_; }

 private:
  explicit PostgresPool(std::shared_ptr<postgres::Pool> pool);

  const std::shared_ptr<postgres::Pool> pool_;
};

}  // namespace strata
