#include "strata/cache/guarded_cache.h"

#include <string_view>
#include <utility>

#include "src/base/mutants.h"
#include "src/base/outage.h"
#include "src/base/refused_tasks.h"
#include "src/cache/pending_deletes.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/status.h"

namespace strata {
namespace {

constexpr std::string_view kCache = "cache";

using internal::callOut;
using internal::exceptOfOneServer;
using internal::isAlive;
using internal::isOfOneServer;
using internal::isOutage;
using internal::Mutant;

const absl::Status& statusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& statusOf(const absl::StatusOr<T>& answer) {
  return answer.status();
}

// A cache of the application's own may throw, or answer for fewer keys than it was asked for.
template <typename Answers, typename Ask>
Answers askMany(std::size_t count, Ask ask) {
  const auto all = [count](const absl::Status& status) { return Answers(count, status); };
  Answers answers = callOut(kCache, ask, all);
  if (answers.size() == count) return answers;
  return all(absl::InternalError("cache: it has not answered for each key"));
}

}  // namespace

struct GuardedCache::Core {
  Core(std::shared_ptr<Cache> cache_in, const GuardedCacheOptions& options,
       std::shared_ptr<Metrics> metrics_in, const Clock& clock_in,
       const std::shared_ptr<Executor>& executor)
      : cache(std::move(cache_in)),
        metrics(std::move(metrics_in)),
        clock(clock_in),
        backend(options.backend),
        pending(*cache,
                {.max_keys = options.max_pending_deletes,
                 .epoch_key = options.epoch_key,
                 .name = options.breaker.name,
                 .may_retry = [this] { return breaker.allows(); }},
                *metrics, clock, executor),
        breaker(
            options.breaker, [this] { return recover(); }, metrics, clock, executor) {}

  ~Core() {
    pending.end();
    // What cannot be deleted now goes with its time to live.
    if (breaker.allows() && pending.size() > 0) pending.drain().IgnoreError();
  }

  // The breaker's probe. Whoever reads after it must not find what was to be deleted.
  // One of several servers that does not serve, and has a breaker of its own, does not keep the keys
  // of the others away: what could not be deleted there stays pending, which holds reads off.
  absl::Status recover() {
    if (absl::Status met = exceptOfOneServer(cache->ping()); !met.ok()) return met;
    if (isAlive(Mutant::kReadBeforeDrain)) return absl::OkStatus();
    return exceptOfOneServer(pending.drain());
  }

  std::vector<absl::Status> remove(absl::Span<const std::string> keys, Deadline deadline) const {
    return askMany<std::vector<absl::Status>>(keys.size(),
                                              [&] { return cache->removeEach(keys, deadline); });
  }
  Health failure(const absl::Status& why) const {
    return {.component = "cache",
            .backend = backend,
            .state = HealthState::kFail,
            .error = describe(why)};
  }

  void note(const absl::Status& status, Deadline deadline) {
    if (status.ok()) return breaker.noteSuccess();
    if (isOutage(status, deadline, clock)) breaker.noteFailure(status);
  }
  // Of one call for many keys. A server that answers for some of them is there.
  template <typename Answers>
  void noteAll(const Answers& answers, Deadline deadline) {
    const absl::Status* failure = nullptr;
    for (const auto& answer : answers) {
      if (answer.ok()) return breaker.noteSuccess();
      if (failure == nullptr || isOfOneServer(*failure)) failure = &statusOf(answer);
    }
    if (failure != nullptr) note(*failure, deadline);
  }

  const std::shared_ptr<Cache> cache;
  const std::shared_ptr<Metrics> metrics;
  const Clock& clock;
  const std::string backend;
  internal::PendingDeletes pending;
  CircuitBreaker breaker;  // ends first: its probe uses what is pending
};

absl::StatusOr<std::shared_ptr<GuardedCache>> GuardedCache::create(
    std::shared_ptr<Cache> cache, GuardedCacheOptions options, std::shared_ptr<Metrics> metrics,
    const Clock& clock, std::shared_ptr<Executor> executor) {
  if (absl::Status valid = validate(options.breaker); !valid.ok()) return valid;
  if (options.max_pending_deletes < 1) {
    return absl::InvalidArgumentError("guarded cache: max_pending_deletes must be at least 1");
  }
  if (options.epoch_key.empty()) {
    return absl::InvalidArgumentError("guarded cache: epoch_key must not be empty");
  }
  return std::shared_ptr<GuardedCache>(new GuardedCache(
      std::make_unique<Core>(std::move(cache), options, std::move(metrics), clock, executor)));
}

std::shared_ptr<GuardedCache> GuardedCache::over(std::shared_ptr<Cache> cache,
                                                 std::shared_ptr<Metrics> metrics,
                                                 const Clock& clock,
                                                 std::shared_ptr<Executor> executor) {
  if (auto guarded = std::dynamic_pointer_cast<GuardedCache>(cache)) return guarded;
  return *create(std::move(cache), {}, std::move(metrics), clock, std::move(executor));
}

GuardedCache::GuardedCache(std::unique_ptr<Core> core) : core_(std::move(core)) {}
GuardedCache::~GuardedCache() = default;

CacheCapabilities GuardedCache::capabilities() const {
  return callOut(
      kCache, [this] { return core_->cache->capabilities(); },
      [](const absl::Status& /*thrown*/) { return CacheCapabilities{}; });
}

Incarnation GuardedCache::incarnation(std::string_view key) const {
  return callOut(
      kCache, [&] { return core_->cache->incarnation(key); },
      [](const absl::Status& /*thrown*/) { return Incarnation{}; });
}

std::vector<absl::StatusOr<std::optional<std::string>>> GuardedCache::getMany(
    absl::Span<const std::string> keys, Deadline deadline) {
  if (!core_->breaker.allows()) return {keys.size(), core_->breaker.refusal()};
  auto answers = askMany<std::vector<absl::StatusOr<std::optional<std::string>>>>(
      keys.size(), [&] { return core_->cache->getMany(keys, deadline); });
  core_->noteAll(answers, deadline);
  return answers;
}

absl::Status GuardedCache::set(const std::string& key, std::string_view value, absl::Duration ttl,
                               Deadline deadline) {
  if (!core_->breaker.allows()) return core_->breaker.refusal();
  absl::Status status =
      callOut(kCache, [&] { return core_->cache->set(key, value, ttl, deadline); });
  core_->note(status, deadline);
  return status;
}

absl::Status GuardedCache::remove(absl::Span<const std::string> keys, Deadline deadline) {
  absl::Status first;
  for (absl::Status& removed : removeEach(keys, deadline)) first.Update(std::move(removed));
  return first;
}

std::vector<absl::Status> GuardedCache::removeEach(absl::Span<const std::string> keys,
                                                   Deadline deadline) {
  internal::retryRefused();  // in a process that only writes nothing else offers what waits
  const bool allowed = core_->breaker.allows();
  auto removed = allowed ? core_->remove(keys, deadline)
                         : std::vector<absl::Status>(keys.size(), core_->breaker.refusal());
  if (allowed) core_->noteAll(removed, deadline);
  const bool forgets = isAlive(Mutant::kLostDeleteAcknowledged) ||
                       (isAlive(Mutant::kDeleteSkippedWhileOpen) && !allowed);
  if (forgets) return removed;
  std::vector<std::string> failed;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!removed[i].ok()) failed.push_back(keys[i]);
  }
  if (!failed.empty()) core_->pending.add(failed);
  return removed;
}

std::vector<absl::StatusOr<LeaseReply>> GuardedCache::getOrLease(
    absl::Span<const LeaseRequest> requests, absl::Duration ttl, Deadline deadline) {
  if (!core_->breaker.allows()) return {requests.size(), core_->breaker.refusal()};
  auto answers = askMany<std::vector<absl::StatusOr<LeaseReply>>>(
      requests.size(), [&] { return core_->cache->getOrLease(requests, ttl, deadline); });
  core_->noteAll(answers, deadline);
  return answers;
}

std::vector<absl::StatusOr<bool>> GuardedCache::compareAndSet(
    absl::Span<const CompareAndSet> requests, Deadline deadline) {
  if (!core_->breaker.allows()) return {requests.size(), core_->breaker.refusal()};
  auto answers = askMany<std::vector<absl::StatusOr<bool>>>(
      requests.size(), [&] { return core_->cache->compareAndSet(requests, deadline); });
  core_->noteAll(answers, deadline);
  return answers;
}

absl::StatusOr<KeyPage> GuardedCache::scan(std::string_view prefix, const std::string& cursor,
                                           Deadline deadline) {
  if (!core_->breaker.allows()) return core_->breaker.refusal();
  auto page = callOut(kCache, [&] { return core_->cache->scan(prefix, cursor, deadline); });
  // What an ACL forbids to list says nothing about the rest.
  const bool is_ours =
      absl::IsPermissionDenied(page.status()) || absl::IsFailedPrecondition(page.status());
  if (!is_ours) core_->note(page.status(), deadline);
  return page;
}

absl::Status GuardedCache::ping(Deadline deadline) {
  if (!core_->breaker.allows()) return core_->breaker.refusal();
  absl::Status status = callOut(kCache, [&] { return core_->cache->ping(deadline); });
  core_->note(status, deadline);
  return status;
}

Health GuardedCache::healthCheck() {
  if (core_->breaker.allows()) {
    Health health = callOut(
        kCache, [&] { return core_->cache->healthCheck(); },
        [&](const absl::Status& thrown) { return core_->failure(thrown); });
    if (health.healthy()) core_->breaker.noteSuccess();
    return health;
  }
  return core_->failure(core_->breaker.refusal());
}

void GuardedCache::removeUncertain(absl::Span<const std::string> keys) {
  if (isAlive(Mutant::kUncertainDeletedOnce)) return (void)remove(keys);
  // Remembered first: from here on nobody here believes the cache about them.
  core_->pending.addUncertain(keys);
  if (core_->breaker.allows()) core_->noteAll(core_->remove(keys, {}), Deadline::never());
}

bool GuardedCache::owesDeletion(std::string_view key) const {
  return core_->pending.covers(key) && !isAlive(Mutant::kReadBeforeDrain);
}

std::size_t GuardedCache::pendingDeletes() const { return core_->pending.size(); }

std::uint64_t GuardedCache::epoch() const { return core_->pending.epoch(); }

void GuardedCache::noteEpoch(std::uint64_t seen) { core_->pending.noteEpoch(seen); }

CircuitBreaker& GuardedCache::breaker() { return core_->breaker; }

}  // namespace strata
