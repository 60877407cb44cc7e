// TieredValidationCache: verdicts on a cache server, and in this process while that is down.
//
//   auto cache = TieredValidationCache::create(guarded_redis, {.app = "shop"});
//
// While the server answers, this process keeps nothing of its own, and in FailureTier::kCritical it
// never does: the server's error is the answer then. Otherwise, while its breaker is open,
// verdicts are kept in an LRU of this process, which every outage begins with empty. Both are
// filled through leases (docs/caching.md), so that a slow answer never puts back what `invalidate`
// has dropped.
//
// What another process invalidates during an outage is seen here when the server is back, or when
// the verdict's time to live has passed.
#pragma once

#include <boost/describe/class.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/base/failure_tier.h"
#include "strata/base/metrics.h"
#include "strata/cache/guarded_cache.h"
#include "strata/records/entity.h"
#include "strata/validation/validation_cache.h"

namespace strata {

// A verdict as it is cached, under `{app}:auth:validation:{userId}`.
struct CachedValidation {
  std::string user_id;
  bool is_valid = false;
  Timestamp checked_at;
  std::optional<std::string> tenant_id;
};
BOOST_DESCRIBE_STRUCT(CachedValidation, (), (user_id, is_valid, checked_at, tenant_id))

template <>
struct Entity<CachedValidation> {
  static constexpr auto table = "auth_validations";  // of metrics; no database has it
  static constexpr KeySpace keys{"auth", "validation"};
  static std::string id(const CachedValidation& v) { return v.user_id; }
};

struct ValidationCacheOptions {
  // First part of every key: see checkApp. Has to be set where there is a server.
  std::string app;
  // Above zero, at most `kMaxTtl`.
  absl::Duration ttl = absl::Seconds(300);
  // Off: every call of `validate` asks. Invalidations go to the server all the same, for others may
  // have it on.
  bool enabled = true;
  // How many verdicts this process keeps while there is no server, at least 1.
  std::size_t max_local_entries = 10'000;
  // An answer that takes longer is not remembered, and others may ask meanwhile.
  absl::Duration max_asking_time = absl::Seconds(5);
  // What a server that does not answer means. kCritical: its error is the answer of every call, and
  // nothing is kept in this process. Otherwise this process keeps verdicts while the server is down;
  // kBestEffort allows no user that `ask` did not allow.
  FailureTier cache_failure_tier = FailureTier::kImportant;
  // What the server is called in stats and health.
  std::string backend = "redis";
};

// Thread-safe.
class TieredValidationCache final : public ValidationCache {
 public:
  // `server` null: there is none, and verdicts are kept in this process. `clock` must outlive it.
  //
  // InvalidArgument: an option is out of its range. FailedPrecondition: the server has no fenced
  // reads.
  static absl::StatusOr<std::unique_ptr<TieredValidationCache>> create(
      std::shared_ptr<GuardedCache> server, ValidationCacheOptions options = {},
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system(),
      std::shared_ptr<Executor> executor = Executor::shared());
  ~TieredValidationCache() override;

  absl::StatusOr<std::optional<Validation>> get(std::string_view user_id,
                                                Deadline deadline = {}) override;
  absl::StatusOr<Validation> validate(std::string_view user_id, Ask ask,
                                      Deadline deadline = {}) override;
  absl::Status set(std::string_view user_id, const Validation& verdict,
                   Deadline deadline = {}) override;
  absl::Status invalidate(std::string_view user_id, Deadline deadline = {}) override;
  absl::Status clear(Deadline deadline = {}) override;
  ValidationCacheStats stats() override;
  Health healthCheck() override;
  CircuitBreaker* breaker() override;

 private:
  struct Core;
  explicit TieredValidationCache(std::unique_ptr<Core> core);
  const std::unique_ptr<Core> core_;
};

}  // namespace strata
