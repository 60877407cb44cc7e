// LocalServers: a PostgreSQL and a Redis of a test's own, which it may stop, freeze and cut off.
//
//   auto servers = LocalServers::start({.postgres = true, .redis = true, .proxied = true});
//   ASSERT_THAT(servers, IsOk());
//   LocalRedis& redis = (*servers)->redis();
//   auto cache = createCacheClient({.url = redis.url()});
//   ASSERT_OK(redis.freeze());
//
// They listen on free loopback ports and keep their files in a temporary folder. Destroying the
// object ends them and removes the folder; so does the end of the test program, however it ends
// (SIGKILL included): a guard process sees to it. Run by root, PostgreSQL runs as user postgres.
//
// A test program with many tests shares one of each: `sharedServers()`. Not for: production data.
// Nothing is written durably.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/testing/local_postgres.h"
#include "strata/testing/local_redis.h"
#include "strata/testing/local_server.h"

namespace strata::testing {

struct LocalServersOptions {
  bool postgres = false;
  bool redis = false;
  // Whether url() leads through a TcpProxy, which cutOff() needs.
  bool proxied = false;
  // More settings, as in {"work_mem", "8MB"}.
  LocalPostgres::Settings postgres_settings = {};
  // More arguments, as in {"--maxmemory", "10mb"}.
  std::vector<std::string> redis_args = {};
  // Empty: Redis asks for none.
  std::string redis_password = {};
};

class LocalServers {
 public:
  // FailedPrecondition: a server is not installed; names its package. Internal: it does not start;
  // quotes the end of its log.
  static absl::StatusOr<std::unique_ptr<LocalServers>> start(LocalServersOptions options);
  ~LocalServers();

  // Only for what was asked for.
  LocalPostgres& postgres() { return *postgres_; }
  LocalRedis& redis() { return *redis_; }
  const std::string& folder() const;

 private:
  explicit LocalServers(std::unique_ptr<internal::Guard> guard);
  absl::Status startAll(LocalServersOptions options);

  // First, so that it outlives the servers.
  std::unique_ptr<internal::Guard> guard_;
  std::unique_ptr<LocalPostgres> postgres_;
  std::unique_ptr<LocalRedis> redis_;
};

// The servers that all tests of a program share, not proxied. Each is started by its first use and
// ends with the program. One that cannot be started ends the program, with a message: a test that
// needs it has failed. Thread-safe, though what it returns is not.
class SharedServers {
 public:
  LocalPostgres& postgres();
  LocalRedis& redis();

 private:
  std::once_flag postgres_started_;
  std::once_flag redis_started_;
  std::unique_ptr<LocalServers> postgres_;
  std::unique_ptr<LocalServers> redis_;
};
SharedServers& sharedServers();

}  // namespace strata::testing
