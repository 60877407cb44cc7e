#include "strata/validation/tiered_validation_cache.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "src/base/unshared_status.h"
#include "src/cache/cache_aside.h"
#include "src/validation/shared_asks.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/status.h"
#include "strata/cache/lru_cache.h"
#include "strata/cache/tools/cache_admin.h"
#include "strata/records/json_codec.h"

namespace strata {
namespace {

using internal::CacheAside;
using internal::SharedLoads;
using Lookup = CacheAside::Lookup;
using Outcome = CacheAside::Outcome;
using Answer = CacheAside::Fill::Answer;

constexpr const char* kInProcess = "in-memory";

absl::StatusOr<Validation> sharedVerdict(const Lookup& lookup) {
  const SharedLoads::Answer& answer = SharedLoads::answerOf(*lookup.loaded);
  if (answer.status.ok()) return *std::static_pointer_cast<const Validation>(answer.value);
  return internal::unshared(answer.status);
}

// One place where verdicts are kept.
class Tier {
 public:
  Tier(std::shared_ptr<GuardedCache> cache, std::unique_ptr<CacheAside> aside)
      : cache_(std::move(cache)), aside_(std::move(aside)) {}

  GuardedCache& cache() const { return *cache_; }
  const std::shared_ptr<GuardedCache>& sharedCache() const { return cache_; }

  // Waits for those of this process who are asking already.
  Lookup lookup(const Id& id, Deadline deadline) {
    return aside_->lookup(id, {.deadline = deadline});
  }
  // Waits for nobody.
  Lookup glance(const Id& id, Deadline deadline) {
    return std::move(aside_->lookupMany({&id, 1}, {.deadline = deadline}).front());
  }
  // None where there is no verdict. A lookup that found what is no verdict is another matter then.
  std::optional<Validation> verdictOf(Lookup& lookup) {
    if (lookup.outcome != Outcome::kHit) return std::nullopt;
    auto record = decodeJson<CachedValidation>(lookup.payload());
    if (!record.ok()) {
      aside_->rejectPayload(lookup, record.status());
      return std::nullopt;
    }
    return Validation{record->is_valid, record->checked_at, std::move(record->tenant_id)};
  }
  void share(Lookup& lookup, const absl::StatusOr<Validation>& answer, Deadline deadline) {
    SharedLoads::Answer shared{answer.status(), nullptr, {}};
    if (answer.ok()) shared.value = std::make_shared<const Validation>(*answer);
    aside_->share(lookup, std::move(shared), deadline);
  }
  // Whether the identity provider was asked for what is filled.
  enum class Asked : bool { kNo, kYes };
  // Of a lookup with a lease; `verdict` null: nothing is to be remembered.
  void fill(const Lookup& lookup, std::string_view user_id, const Validation* verdict,
            Asked asked) {
    if (!lookup.needsFill()) return;
    CacheAside::Fill fill{&lookup, Answer::kFailed, {}, {}, asked == Asked::kYes};
    if (verdict != nullptr) {
      fill.answer = Answer::kValue;
      fill.payload = encodeJson(CachedValidation{std::string(user_id), verdict->is_valid,
                                                 verdict->checked_at, verdict->tenant_id});
    }
    aside_->fill({&fill, 1});
  }

 private:
  const std::shared_ptr<GuardedCache> cache_;
  const std::unique_ptr<CacheAside> aside_;
};

absl::StatusOr<std::unique_ptr<Tier>> makeTier(std::shared_ptr<GuardedCache> cache,
                                               const std::string& name,
                                               const ValidationCacheOptions& options,
                                               FailureTier failure_tier,
                                               const std::shared_ptr<Metrics>& metrics,
                                               const Clock& clock,
                                               const std::shared_ptr<Executor>& executor) {
  auto aside = CacheAside::create(cache, entityInfo<CachedValidation>(),
                                  {.store = name,
                                   .app = options.app,
                                   .ttl = options.ttl,
                                   .lease_ttl = options.max_asking_time,
                                   .failure_tier = failure_tier},
                                  metrics, clock, executor);
  if (!aside.ok()) return aside.status();
  return std::make_unique<Tier>(std::move(cache), *std::move(aside));
}

std::string tableName() { return std::string(entityInfo<CachedValidation>().table); }

}  // namespace

struct TieredValidationCache::Core {
  Core(ValidationCacheOptions options_in, std::shared_ptr<Metrics> metrics_in,
       const Clock& clock_in)
      : options(std::move(options_in)),
        metrics(std::move(metrics_in)),
        clock(clock_in),
        asked(counter("asked")),
        remembered(counter("cached")),
        failed(counter("error")),
        on_fallback(metrics->gauge("strata_validation_fallback", {})),
        asks(clock) {}

  Counter& counter(const char* result) const {
    return metrics->counter("strata_validations_total", {{"result", result}});
  }
  bool isCritical() const { return options.cache_failure_tier == FailureTier::kCritical; }
  bool serverAnswers() const { return server != nullptr && server->cache().breaker().allows(); }
  // Where verdicts are kept now; null: nowhere. In the critical tier the server where there is one,
  // whether or not it answers.
  Tier* present();
  Tier* answeringServer();
  void dropLocal();
  absl::StatusOr<Validation> counted(absl::StatusOr<Validation> answer) const;
  std::string keyOf(const Id& id) const {
    return entityInfo<CachedValidation>().keys.key(options.app, id);
  }
  // Not ok in the critical tier alone.
  absl::Status forget(const Id& id, Deadline deadline) const;

  const ValidationCacheOptions options;
  const std::shared_ptr<Metrics> metrics;
  const Clock& clock;
  Counter& asked;
  Counter& remembered;
  Counter& failed;
  Gauge& on_fallback;
  std::shared_ptr<LruCache> lru;
  std::unique_ptr<Tier> local;
  std::unique_ptr<Tier> server;  // null: there is none
  // Which outage the LRU's content is of, and whether there may be any.
  std::atomic<std::uint64_t> outage{0};
  std::atomic<bool> local_in_use{false};
  internal::SharedAsks asks;
};

void TieredValidationCache::Core::dropLocal() {
  on_fallback.set(0);
  lru->clear();
}

Tier* TieredValidationCache::Core::answeringServer() {
  if (local_in_use.load(std::memory_order_relaxed) && local_in_use.exchange(false)) dropLocal();
  return server.get();
}

// An outage is told from the one before it by how often the breaker has closed. Who was late to
// notice that an outage is over drops once more than needed; a lease that he had is gone then.
Tier* TieredValidationCache::Core::present() {
  if (!options.enabled) return nullptr;
  if (server == nullptr) return local.get();
  if (isCritical()) return server.get();
  if (serverAnswers()) return answeringServer();
  // Which outage it is, and then whether it still lasts: were it asked the other way round, what is
  // kept now might pass for something of the next one.
  const std::uint64_t present_outage = server->cache().breaker().status().closings;
  if (serverAnswers()) return answeringServer();
  if (outage.exchange(present_outage) != present_outage) lru->clear();
  if (!local_in_use.exchange(true)) on_fallback.set(1);
  return local.get();
}

absl::StatusOr<Validation> TieredValidationCache::Core::counted(
    absl::StatusOr<Validation> answer) const {
  (answer.ok() ? asked : failed).increment();
  return answer;
}

absl::Status TieredValidationCache::Core::forget(const Id& id, Deadline deadline) const {
  const std::string key = keyOf(id);
  // In this process first: from here on nobody finds it here, even if the server takes its time.
  // Without a deadline of its own it cannot fail.
  lru->remove({&key, 1}).IgnoreError();
  if (server == nullptr) return absl::OkStatus();
  // Where it fails it is pending: this process does not read the key there until it is deleted.
  absl::Status removed = server->cache().remove({&key, 1}, deadline);
  return isCritical() ? removed : absl::OkStatus();
}

// ---- Creation ----

absl::StatusOr<std::unique_ptr<TieredValidationCache>> TieredValidationCache::create(
    std::shared_ptr<GuardedCache> server, ValidationCacheOptions options,
    std::shared_ptr<Metrics> metrics, const Clock& clock, std::shared_ptr<Executor> executor) {
  if (options.max_local_entries < 1) {
    return absl::InvalidArgumentError("validation cache: max_local_entries must be at least 1");
  }
  // The keys stay in this process.
  if (server == nullptr && options.app.empty()) options.app = "local";
  auto core = std::make_unique<Core>(options, metrics, clock);
  core->lru = std::make_shared<LruCache>(
      LruCacheOptions{.max_entries = options.max_local_entries, .shards = 1}, clock);
  auto guarded = GuardedCache::create(core->lru, {.breaker = {.name = "validation_fallback"}},
                                      Metrics::none(), clock, executor);
  if (!guarded.ok()) return guarded.status();
  auto local = makeTier(*std::move(guarded), tableName() + "_local", options,
                        FailureTier::kImportant, metrics, clock, executor);
  if (!local.ok()) return local.status();
  core->local = *std::move(local);
  if (server != nullptr) {
    auto made = makeTier(std::move(server), tableName(), options, options.cache_failure_tier,
                         metrics, clock, executor);
    if (!made.ok()) return made.status();
    core->server = *std::move(made);
  }
  return std::unique_ptr<TieredValidationCache>(new TieredValidationCache(std::move(core)));
}

TieredValidationCache::TieredValidationCache(std::unique_ptr<Core> core) : core_(std::move(core)) {}
TieredValidationCache::~TieredValidationCache() = default;

// ---- Verdicts ----

absl::StatusOr<std::optional<Validation>> TieredValidationCache::get(std::string_view user_id,
                                                                     Deadline deadline) {
  const Id id(user_id);
  if (absl::Status valid = id.check(); !valid.ok()) return valid;
  Tier* const tier = core_->present();
  if (tier == nullptr) return std::optional<Validation>();
  Lookup lookup = tier->glance(id, deadline);
  if (!lookup.status.ok()) return lookup.status;
  std::optional<Validation> verdict = tier->verdictOf(lookup);
  // The lease that a miss has taken is given back.
  tier->fill(lookup, user_id, nullptr, Tier::Asked::kNo);
  return verdict;
}

absl::StatusOr<Validation> TieredValidationCache::validate(std::string_view user_id, Ask ask,
                                                           Deadline deadline) {
  const Id id(user_id);
  if (absl::Status valid = id.check(); !valid.ok()) return valid;
  if (Tier* const tier = core_->present(); tier != nullptr) {
    Lookup lookup = tier->lookup(id, deadline);
    if (!lookup.status.ok()) return lookup.status;
    if (auto verdict = tier->verdictOf(lookup)) {
      core_->remembered.increment();
      return *std::move(verdict);
    }
    if (lookup.outcome == Outcome::kShared) return core_->counted(sharedVerdict(lookup));
    if (lookup.lead != nullptr) {
      absl::StatusOr<Validation> answer = core_->asks.ask(id.canonical(), ask, deadline);
      tier->share(lookup, answer, deadline);
      return core_->counted(std::move(answer));
    }
    if (lookup.needsFill()) {
      absl::StatusOr<Validation> answer = internal::callOut("validation", ask);
      tier->fill(lookup, user_id, answer.ok() ? &*answer : nullptr, Tier::Asked::kYes);
      return core_->counted(std::move(answer));
    }
  }
  return core_->counted(core_->asks.ask(id.canonical(), ask, deadline));
}

// A removal and then a fill, rather than one plain set: a set that arrives late would put an old
// verdict back.
absl::Status TieredValidationCache::set(std::string_view user_id, const Validation& verdict,
                                        Deadline deadline) {
  const Id id(user_id);
  if (absl::Status valid = id.check(); !valid.ok()) return valid;
  if (absl::Status forgotten = core_->forget(id, deadline); !forgotten.ok()) return forgotten;
  Tier* const tier = core_->present();
  if (tier == nullptr) return absl::OkStatus();
  const Lookup lookup = tier->glance(id, deadline);
  tier->fill(lookup, user_id, &verdict, Tier::Asked::kNo);
  return lookup.status;
}

absl::Status TieredValidationCache::invalidate(std::string_view user_id, Deadline deadline) {
  const Id id(user_id);
  if (absl::Status valid = id.check(); !valid.ok()) return valid;
  return core_->forget(id, deadline);
}

absl::Status TieredValidationCache::clear(Deadline deadline) {
  core_->lru->clear();
  if (core_->server == nullptr) return absl::OkStatus();
  return CacheAdmin(core_->server->sharedCache(), core_->options.app, core_->metrics, core_->clock)
      .invalidateAll<CachedValidation>({.deadline = deadline})
      .status;
}

// ---- State ----

ValidationCacheStats TieredValidationCache::stats() {
  ValidationCacheStats stats{.size = std::nullopt,
                             .max_size = std::nullopt,
                             .ttl = core_->options.ttl,
                             .backend = core_->options.backend};
  const Tier* const tier = core_->present();
  if (tier == core_->local.get()) {
    stats.size = core_->lru->stats().entries;
    stats.max_size = core_->options.max_local_entries;
    stats.backend = kInProcess;
  } else if (tier == nullptr) {
    stats.size = 0;
    stats.max_size = 0;
    stats.backend = "none";
  }
  return stats;
}

CircuitBreaker* TieredValidationCache::breaker() {
  return core_->server == nullptr ? nullptr : &core_->server->cache().breaker();
}

Health TieredValidationCache::healthCheck() {
  Health health{.component = "validation-cache", .backend = stats().backend};
  if (!core_->options.enabled || core_->server == nullptr) return health;
  Health server = core_->server->cache().healthCheck();
  health.latency = server.latency;
  if (!server.healthy()) {
    const auto state = core_->isCritical() ? HealthState::kFail : HealthState::kWarn;
    health.state = state;
    health.error = server.component + ": " + server.error;
    server.state = state;
  }
  health.children.push_back(std::move(server));
  return health;
}

}  // namespace strata
