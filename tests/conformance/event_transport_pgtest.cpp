#include "strata/adapters/postgres/postgres_event_transport.h"
#include "strata/testing/conformance/event_transport_conformance.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::testing {
namespace {

std::unique_ptr<EventTransport> overPostgres() {
  const std::string url = sharedServers().postgres().url();
  // Generous: this is about what arrives, not about how fast a busy machine brings it.
  auto pool = PostgresPool::open({.url = url, .statement_timeout = absl::Seconds(30)}).value();
  return makePostgresEventTransport(
             std::move(pool), {.url = url, .app = "conformance", .heartbeat = absl::Seconds(10)})
      .value();
}

const EventTransportUnderTest kPostgres{"Postgres", overPostgres};
INSTANTIATE_TEST_SUITE_P(Postgres, EventTransportConformance, ::testing::Values(kPostgres),
                         nameOfEventTransport);

}  // namespace
}  // namespace strata::testing
