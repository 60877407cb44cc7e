// LocalSentinel: a Redis master with replicas, and the sentinels that choose another master when it
// is gone.
//
//   auto redis = LocalSentinel::start();
//   ASSERT_THAT(redis, IsOk());
//   auto cache = createCacheClient({.url = (*redis)->url()});
//   ASSERT_OK_AND_ASSIGN(LocalRedis * master, (*redis)->master());
//   ASSERT_OK(master->kill());
//   ASSERT_THAT((*redis)->awaitMasterOtherThan(master->port()), IsOk());
//
// It ends as LocalServers does: with the object, and with the test program, however that ends. Not
// for: production data. Nothing is written durably, so a master that is killed and started again
// before the sentinels have missed it comes back empty, and its replicas with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/testing/servers/local_redis.h"
#include "strata/testing/servers/test_certificates.h"

namespace strata::testing {

struct LocalSentinelOptions {
  int replicas = 1;
  // A majority of them must agree that the master is gone.
  int sentinels = 3;
  // How long it may be silent until they think so. A failover takes about two seconds more.
  absl::Duration down_after = absl::Milliseconds(500);
  // Empty: Redis asks for none. The sentinels themselves never do.
  std::string password = {};
  // More arguments for Redis, as in {"--maxmemory", "10mb"}.
  std::vector<std::string> redis_args = {};
  // Servers and sentinels speak TLS, to clients and to each other, with the certificates below.
  bool tls = false;
};

// For one thread at a time, but for url().
class LocalSentinel {
 public:
  static constexpr std::string_view kMasterName = "strata-master";

  // Returns when the replicas follow the master and the sentinels know them and each other. Errors
  // as LocalServers::start.
  static absl::StatusOr<std::unique_ptr<LocalSentinel>> start(LocalSentinelOptions options = {});
  ~LocalSentinel();

  // "redis+sentinel://127.0.0.1:port,127.0.0.1:port,127.0.0.1:port/strata-master", with
  // ":password@" before the hosts if there is one, and rediss+sentinel if they speak TLS. The ports
  // are those of the sentinels.
  std::string url() const;
  // Only for those that speak TLS.
  const TestCertificates& certificates() const { return *certificates_; }

  // The master and its replicas; the first was the master at the start.
  const std::vector<std::unique_ptr<LocalRedis>>& servers() const { return servers_; }
  const std::vector<std::unique_ptr<LocalRedis>>& sentinels() const { return sentinels_; }

  // The one that the sentinels (those that run and are not frozen) say is master and that says so
  // itself. Unavailable: they do not agree, at this moment.
  absl::StatusOr<LocalRedis*> master();
  // Makes a replica the master, in order, and returns when all agree: replicas that run follow it.
  // DeadlineExceeded: they do not.
  absl::StatusOr<LocalRedis*> failOver(absl::Duration timeout = absl::Seconds(60));
  // Waits until all agree on a master at another port, as after kill() or freeze().
  // DeadlineExceeded: they do not.
  absl::StatusOr<LocalRedis*> awaitMasterOtherThan(std::uint16_t port,
                                                   absl::Duration timeout = absl::Seconds(60));

 private:
  LocalSentinel(std::unique_ptr<internal::Guard> guard, LocalSentinelOptions options);
  absl::Status startServers();
  absl::Status startSentinels();
  absl::Status awaitReady();
  std::string sentinelConfiguration() const;
  bool sentinelIsReady(LocalRedis& sentinel) const;
  bool replicasFollow(const LocalRedis& master) const;

  LocalSentinelOptions options_;
  // Before the servers, so that it outlives them.
  std::unique_ptr<internal::Guard> guard_;
  std::optional<TestCertificates> certificates_;
  std::vector<std::unique_ptr<LocalRedis>> servers_;
  std::vector<std::unique_ptr<LocalRedis>> sentinels_;
};

}  // namespace strata::testing
