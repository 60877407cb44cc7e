#include "strata/factories/event_hub_factory.h"

#include <algorithm>
#include <string>
#include <utility>

#include "factories/backend_options.h"
#include "strata/adapters/postgres/postgres_event_transport.h"
#include "strata/adapters/redis/redis_event_transport.h"
#include "strata/adapters/upstash/upstash_event_transport.h"
#include "strata/base/status.h"
#include "strata/factories/app.h"
#include "strata/records/key_space.h"

namespace strata {
namespace {

using Hub = absl::StatusOr<std::unique_ptr<EventHub>>;
using Transport = absl::StatusOr<std::unique_ptr<EventTransport>>;

absl::Status noTransport() {
  return absl::FailedPreconditionError(
      "no server to carry events is configured, for ENABLE_REDIS_EVENT_HUBS is off: set it, or "
      "DATABASE_URL, or EVENT_HUB_PROVIDER=memory for an application of one process");
}

// As a server may be told: what is no letter, digit, '-' or '_' becomes '_'.
std::string plain(std::string name) {
  std::replace_if(
      name.begin(), name.end(),
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_');
      },
      '_');
  return name;
}

Transport redisTransport(const Backends& backends) {
  return makeRedisEventTransport(
      internal::redisOptions(backends.config, backends.cache_password,
                             encodeSegment(appOf(backends.config)) + ":events:health"),
      *backends.clock);
}

Transport upstashTransport(const Backends& backends) {
  return makeUpstashEventTransport(
      {.server = internal::upstashOptions(backends.config, backends.cache_password),
       .app = appOf(backends.config)},
      *backends.clock);
}

Transport postgresTransport(const Backends& backends) {
  std::shared_ptr<PostgresPool> pool = backends.database;
  const PostgresOptions database =
      internal::databaseOptions(backends.config, backends.database_password,
                                // Sending takes one connection, a health check another.
                                {.pool_size = 2});
  if (pool == nullptr) {
    auto opened = PostgresPool::open(database, *backends.clock);
    if (!opened.ok()) return opened.status();
    pool = *std::move(opened);
  }
  return makePostgresEventTransport(
      std::move(pool),
      {.url = database.direct_url.empty() ? database.url : database.direct_url,
       .password = database.password,
       .app = plain(appOf(backends.config))},
      *backends.clock);
}

Hub hubOver(Transport transport, const Backends& backends, const EventHubOptions& options,
            std::string_view variable) {
  if (!transport.ok()) return annotate(transport.status(), variable);
  auto hub = makeEventHub(*std::move(transport), options, backends.metrics, *backends.clock,
                          backends.executor);
  return hub.ok() ? std::move(hub) : annotate(hub.status(), variable);
}

}  // namespace

Hub createEventHub(const Backends& backends, const EventHubFactoryOptions& asked) {
  if (absl::Status valid = validate(backends.config); !valid.ok()) return valid;
  EventHubOptions options = asked;
  options.app = appOf(backends.config);
  if (absl::Status valid = validate(options); !valid.ok()) return valid;
  const auto provider = backends.config.eventHubProvider();
  if (!provider) return noTransport();
  switch (*provider) {
    case EventHubProvider::kRedis:
      if (absl::Status app = requireApp(backends.config, "event hub"); !app.ok()) return app;
      return hubOver(redisTransport(backends), backends, options, "REDIS_URL");
    case EventHubProvider::kPostgres:
      return hubOver(postgresTransport(backends), backends, options, "DATABASE_URL");
    case EventHubProvider::kUpstash:
      if (absl::Status app = requireApp(backends.config, "event hub"); !app.ok()) return app;
      return hubOver(upstashTransport(backends), backends, options, "REDIS_URL");
    default:
      return makeEventHub(nullptr, options, backends.metrics, *backends.clock, backends.executor);
  }
}

Hub createEventHub(const Config& config, const EventHubFactoryOptions& options) {
  return createEventHub(Backends{.config = config}, options);
}

}  // namespace strata
