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
// Nothing is written durably. Sentinels are in local_sentinel.h, clusters in local_redis_cluster.h.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/testing/servers/local_postgres.h"
#include "strata/testing/servers/local_redis.h"
#include "strata/testing/servers/local_server.h"
#include "strata/testing/servers/local_twemproxy.h"
#include "strata/testing/servers/test_certificates.h"

namespace strata::testing {

// Which of its TestCertificates a server shows. All but kValid are for clients to refuse.
enum class ServerCertificate : std::uint8_t { kValid, kExpired, kOtherHost };

inline constexpr absl::Duration kPatience = absl::Minutes(1);

struct LocalServersOptions {
  bool postgres = false;
  bool redis = false;
  // A twemproxy in front of Redis, which it needs.
  bool twemproxy = false;
  // Whether url() leads through a TcpProxy, which cutOff() needs.
  bool proxied = false;
  // What URLs say of how long a client waits for a connection, and Redis's of how long for an
  // answer; nothing where it is zero. kPatience keeps a test from failing on a machine that stands
  // still for seconds, if no server of it is frozen or cut off silently.
  absl::Duration client_timeout = absl::ZeroDuration();
  // More settings, as in {"work_mem", "8MB"}.
  LocalPostgres::Settings postgres_settings = {};
  // More arguments, as in {"--maxmemory", "10mb"}.
  std::vector<std::string> redis_args = {};
  // Empty: Redis asks for none.
  std::string redis_password = {};
  // Redis speaks TLS, and nothing else but on its Unix socket, with the certificates below.
  bool redis_tls = false;
  ServerCertificate redis_certificate = ServerCertificate::kValid;
  // Whether it turns clients away that show no certificate of the authority.
  bool redis_asks_for_certificate = false;
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
  LocalTwemproxy& twemproxy() { return *twemproxy_; }
  // Only for servers that speak TLS.
  const TestCertificates& certificates() const { return *certificates_; }
  const std::string& folder() const;

 private:
  explicit LocalServers(std::unique_ptr<internal::Guard> guard);
  absl::Status startAll(LocalServersOptions options);
  absl::Status startPostgres(LocalServersOptions& options);
  absl::Status startRedis(LocalServersOptions& options);
  absl::Status startTwemproxy();
  absl::Status makeCertificates();

  // First, so that it outlives the servers.
  std::unique_ptr<internal::Guard> guard_;
  std::optional<TestCertificates> certificates_;
  std::unique_ptr<LocalPostgres> postgres_;
  std::unique_ptr<LocalRedis> redis_;
  std::unique_ptr<LocalTwemproxy> twemproxy_;
};

// The servers that all tests of a program share, not proxied. Each is started by its first use and
// ends with the program. One that cannot be started ends the program, with a message: a test that
// needs it has failed. Their URLs tell clients to be patient. Thread-safe, though what it returns
// is not.
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
