// LocalPgBouncer: a PgBouncer of a test's own before a LocalPostgres, configured as people meet it: it
// knows no startup parameters but those of its defaults.
//
//   auto pooler = LocalPgBouncer::start(servers->postgres(), {.mode = PoolMode::kTransaction});
//   auto pool = PostgresPool::open({.url = (*pooler)->url()});
//
// Like the servers of LocalServers it ends with the test program, however that ends. Run by root it
// runs as user postgres.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/testing/servers/local_postgres.h"
#include "strata/testing/servers/local_server.h"

namespace strata::testing {

// For how long a client keeps a session of the server.
enum class PoolMode : std::uint8_t { kSession, kTransaction };

struct LocalPgBouncerOptions {
  PoolMode mode = PoolMode::kTransaction;
  // The most sessions of the server, for each user and database.
  int sessions = 20;
  // Whether url() leads through a TcpProxy, which cutOff() needs.
  bool proxied = false;
};

// For one thread at a time, but for url() and query(), which are thread-safe.
class LocalPgBouncer final : public LocalServer {
 public:
  // `server` must outlive it. Its users log in here as there. FailedPrecondition: the package
  // pgbouncer is not installed. Internal: it does not start; quotes the end of its log.
  static absl::StatusOr<std::unique_ptr<LocalPgBouncer>> start(const LocalPostgres& server,
                                                               LocalPgBouncerOptions options = {});
  ~LocalPgBouncer() override;

  // As LocalPostgres::url.
  std::string url(std::string_view database = "postgres") const;
  // Runs SQL as another client, on a connection of its own. As LocalPostgres::query; in the database
  // "pgbouncer" it takes the commands of the admin console.
  absl::StatusOr<std::vector<LocalPostgres::Row>> query(const std::string& sql,
                                                        const std::string& database = "postgres");

 private:
  LocalPgBouncer(std::unique_ptr<internal::Guard> guard, const LocalPostgres& server,
                 LocalPgBouncerOptions options);
  absl::Status initialise();
  std::vector<std::string> commandLine() const override;
  int stopSignal() const override;
  bool answers() override;

  // First, so that it outlives the process.
  const std::unique_ptr<internal::Guard> guard_;
  const LocalPostgres& server_;
  const LocalPgBouncerOptions options_;
  const std::string folder_;
  // The superuser's, who is its administrator too.
  std::string user_;
  std::string password_;
};

}  // namespace strata::testing
