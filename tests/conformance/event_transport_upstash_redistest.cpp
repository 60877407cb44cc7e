// The REST API of Upstash, which the tests' proxy makes of a real Redis.
#include "strata/adapters/upstash/upstash_event_transport.h"
#include "strata/testing/conformance/event_transport_conformance.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/servers/test_certificates.h"
#include "tests/adapters/upstash/upstash_proxy.h"

namespace strata::testing {
namespace {

std::unique_ptr<EventTransport> transportAt(const UpstashProxy& proxy, TlsOptions tls = {}) {
  // Generous: this is about what arrives, not about how fast a busy machine brings it.
  return makeUpstashEventTransport({.server = {.url = proxy.url(),
                                               .token = "the-token",
                                               .tls = std::move(tls),
                                               .connect_timeout = absl::Seconds(10),
                                               .request_timeout = absl::Seconds(10)},
                                    .app = "conformance"})
      .value();
}

std::unique_ptr<EventTransport> overHttp() {
  static const auto proxy =
      UpstashProxy::start({.redis_socket = sharedServers().redis().socketPath()});
  return transportAt(*proxy);
}

std::unique_ptr<EventTransport> overHttps() {
  static const std::string socket = sharedServers().redis().socketPath();
  static const TestCertificates certificates = TestCertificates::create(socket + ".events").value();
  static const auto proxy =
      UpstashProxy::start({.redis_socket = socket,
                           .certificate_file = certificates.serverCertificateFile(),
                           .key_file = certificates.serverKeyFile()});
  return transportAt(*proxy, {.ca_file = certificates.caFile()});
}

const auto kTransports = ::testing::Values(EventTransportUnderTest{"Http", overHttp},
                                           EventTransportUnderTest{"Https", overHttps});
INSTANTIATE_TEST_SUITE_P(Upstash, EventTransportConformance, kTransports, nameOfEventTransport);

}  // namespace
}  // namespace strata::testing
