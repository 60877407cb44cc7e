#include "examples/copilot_server/service.h"

#include <array>
#include <string>
#include <utility>

#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/factories/app.h"
#include "strata/factories/cache_admin_factory.h"
#include "strata/factories/event_hub_factory.h"
#include "strata/factories/rate_limiter_factory.h"
#include "strata/stores/rate_limits/platform_rate_limits.h"

namespace copilot {
namespace {

absl::Status openStores(Service& service) {
  auto policies = strata::createPolicyStore(service.backends);
  if (!policies.ok()) return policies.status();
  service.policies = *std::move(policies);
  auto conversations = strata::createConversationStore(service.backends);
  if (!conversations.ok()) return conversations.status();
  service.conversations = *std::move(conversations);
  auto clarify = strata::createClarifyStores(service.backends);
  if (!clarify.ok()) return clarify.status();
  service.clarify = *std::move(clarify);
  auto contexts = strata::createContextBuilder(service.backends, service.clarify.sources);
  if (!contexts.ok()) return contexts.status();
  service.contexts = *std::move(contexts);
  return absl::OkStatus();
}

// Moves what a factory made to where it belongs.
template <typename T>
absl::Status keep(absl::StatusOr<T> made, T& place) {
  if (!made.ok()) return made.status();
  place = *std::move(made);
  return absl::OkStatus();
}

absl::Status openConversationStores(Service& service) {
  const strata::Backends& backends = service.backends;
  absl::Status status = keep(strata::createConversationConfigStore(backends), service.configs);
  status.Update(keep(strata::createPathStore(backends), service.paths));
  status.Update(keep(strata::createContextStore(backends), service.conversation_contexts));
  status.Update(keep(strata::createExecutionStore(backends), service.executions));
  status.Update(keep(strata::createValidationCache(backends), service.validations));
  auto admin = strata::createCacheAdmin(backends);
  if (admin.ok()) {
    service.admin.emplace(*std::move(admin));
  } else if (!absl::IsFailedPrecondition(admin.status())) {  // that is: nothing is cached
    status.Update(admin.status());
  }
  return status;
}

absl::Status openLimits(Service& service, const Settings& settings) {
  strata::RateLimit global = strata::globalRateLimit();
  strata::RateLimit write = strata::writeRateLimit();
  strata::RateLimit context = strata::aiRateLimit();
  global.limit = settings.global_per_minute;
  write.limit = settings.writes_per_minute;
  context.limit = settings.contexts_per_minute;
  // A lost Redis must cost no request; what is expensive stays limited in each process.
  const std::array<strata::RateLimiterOptions, 3> options = {
      {{.limit = global},
       {.limit = write},
       {.limit = context, .on_failure = strata::RateLimitFailure::kLocalShare}}};
  auto limiters = strata::createRateLimiters(service.backends, options);
  if (!limiters.ok()) return limiters.status();
  service.global_limit = std::move((*limiters)[0]);
  service.write_limit = std::move((*limiters)[1]);
  service.context_limit = std::move((*limiters)[2]);
  return absl::OkStatus();
}

absl::Status openEvents(Service& service) {
  auto hub = strata::createEventHub(service.backends, {.require_connection = false});
  if (!hub.ok()) return hub.status();
  service.events = *std::move(hub);
  return absl::OkStatus();
}

// Without the database nothing works; without the rest everything does, more slowly or less
// exactly.
absl::Status openProbes(Service& service) {
  using strata::FailureTier;
  service.probes = std::make_shared<strata::Probes>();
  strata::Probes& probes = *service.probes;
  probes.setMetrics([metrics = service.metrics] { return metrics->text(); });
  absl::Status status;
  if (service.backends.database != nullptr) {
    status.Update(
        probes.add("postgres", [pool = service.backends.database] { return pool->healthCheck(); }));
  }
  if (service.backends.cache != nullptr) {
    const std::string name(strata::toString(service.backends.config.cacheProvider()));
    status.Update(probes.add(
        name, [cache = service.backends.cache] { return cache->healthCheck(); },
        FailureTier::kImportant));
  }
  status.Update(probes.add(
      "events", [hub = service.events.get()] { return hub->healthCheck(); },
      FailureTier::kImportant));
  status.Update(probes.add(
      "rate-limits", [limit = service.global_limit.get()] { return limit->healthCheck(); },
      FailureTier::kBestEffort));
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Service>> openService(const strata::Config& config,
                                                     const Settings& settings) {
  auto service = std::make_unique<Service>();
  service->metrics = std::make_shared<strata::PrometheusMetrics>();
  auto backends = strata::connect(strata::withDomainApp(config), {.metrics = service->metrics});
  if (!backends.ok()) return backends.status();
  service->backends = *std::move(backends);
  absl::Status status = openStores(*service);
  if (status.ok()) status = openConversationStores(*service);
  if (status.ok()) status = openLimits(*service, settings);
  if (status.ok()) status = openEvents(*service);
  if (status.ok()) status = openProbes(*service);
  if (!status.ok()) return status;
  return service;
}

}  // namespace copilot
