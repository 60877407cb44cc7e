// Service: the stores and whatever else the handlers use, made once.
#pragma once

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/copilot_server/settings.h"
#include "strata/adapters/prometheus/prometheus_metrics.h"
#include "strata/base/clock.h"
#include "strata/cache/tools/cache_admin.h"
#include "strata/events/event_hub.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/context_builder_factory.h"
#include "strata/factories/context_store_factory.h"
#include "strata/factories/conversation_config_store_factory.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/execution_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/factories/policy_store_factory.h"
#include "strata/factories/validation_cache_factory.h"
#include "strata/limits/rate_limiter.h"
#include "strata/probes/probes.h"

namespace copilot {

// Thread-safe, all of it.
struct Service {
  // By which the rights of streams age.
  const strata::Clock* clock = &strata::Clock::system();
  strata::Backends backends;
  std::shared_ptr<strata::PrometheusMetrics> metrics;
  std::unique_ptr<strata::PolicyStore> policies;
  std::unique_ptr<strata::ConversationStore> conversations;
  strata::ClarifyStores clarify;
  std::unique_ptr<strata::ContextBuilder> contexts;
  std::unique_ptr<strata::ConversationConfigStore> configs;
  std::unique_ptr<strata::PathStore> paths;
  std::unique_ptr<strata::ContextStore> conversation_contexts;
  std::unique_ptr<strata::ExecutionStore> executions;
  std::unique_ptr<strata::ValidationCache> validations;
  // None: nothing is cached.
  std::optional<strata::CacheAdmin> admin;
  std::unique_ptr<strata::EventHub> events;
  // They share one log, so that one round trip asks it about all of them.
  std::unique_ptr<strata::RateLimiter> global_limit;
  std::unique_ptr<strata::RateLimiter> write_limit;
  std::unique_ptr<strata::RateLimiter> context_limit;
  std::shared_ptr<strata::Probes> probes;  // last: its checks use the others
};

// Errors are those of the factories. A Redis that is down is none.
absl::StatusOr<std::unique_ptr<Service>> openService(const strata::Config& config,
                                                     const Settings& settings);

}  // namespace copilot
