#include "strata/adapters/redis/redis_event_transport.h"
#include "strata/testing/conformance/event_transport_conformance.h"
#include "strata/testing/servers/local_redis_cluster.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::testing {
namespace {

std::unique_ptr<EventTransport> transportAt(const std::string& url) {
  // Generous: this is about what arrives, not about how fast a busy machine brings it.
  return makeRedisEventTransport({.url = url,
                                  .connect_timeout = absl::Seconds(10),
                                  .command_timeout = absl::Seconds(10)})
      .value();
}

std::unique_ptr<EventTransport> overTcp() { return transportAt(sharedServers().redis().url()); }

std::unique_ptr<EventTransport> overUnixSocket() {
  return transportAt(sharedServers().redis().unixUrl());
}

std::unique_ptr<EventTransport> overTls() {
  static const auto servers = LocalServers::start({.redis = true, .redis_tls = true}).value();
  return transportAt(servers->redis().url() + "?ca_file=" + servers->certificates().caFile());
}

// Who listens may be at another node than who sends.
std::unique_ptr<EventTransport> overCluster() {
  static const auto cluster = LocalRedisCluster::start().value();
  return transportAt(cluster->url());
}

// All that such a transport needs of a server, and nothing else.
std::unique_ptr<EventTransport> asAUserThatMayDoNoMore() {
  static const auto servers = [] {
    auto started = LocalServers::start({.redis = true}).value();
    EXPECT_THAT(started->redis().command({"ACL", "SETUSER", "strata", "on", ">p@ss",
                                          "~strata:event-transport:*", "resetchannels",
                                          "&conformance:*", "-@all", "+info", "+ping", "+del",
                                          "+publish", "+subscribe", "+unsubscribe"}),
                IsOk());
    return started;
  }();
  return transportAt("redis://strata:p%40ss@127.0.0.1:" + std::to_string(servers->redis().port()));
}

const auto kTransports = ::testing::Values(
    EventTransportUnderTest{"Tcp", overTcp}, EventTransportUnderTest{"UnixSocket", overUnixSocket},
    EventTransportUnderTest{"Tls", overTls}, EventTransportUnderTest{"Cluster", overCluster},
    EventTransportUnderTest{"LeastRights", asAUserThatMayDoNoMore});
INSTANTIATE_TEST_SUITE_P(Redis, EventTransportConformance, kTransports, nameOfEventTransport);

}  // namespace
}  // namespace strata::testing
