#include "strata/testing/fakes/fake_cache.h"

#include <array>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <numeric>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "src/base/outage.h"
#include "strata/base/status.h"
#include "strata/cache/lru_cache.h"

namespace strata::testing {
namespace {

enum class When : std::uint8_t { kBefore, kAfter };

struct Hook {
  When when;
  FakeCache::Operation operation;
  std::string key;
  std::function<void()> run;
};

// One answer for each of `count` keys.
template <typename T>
std::vector<absl::StatusOr<T>> toAll(std::size_t count, const absl::Status& status) {
  return std::vector<absl::StatusOr<T>>(count, status);
}

absl::Status downError() { return absl::UnavailableError("fake cache: it is down"); }
absl::Status partlyDownError() {
  return internal::markOfOneServer(
      absl::UnavailableError("fake cache: the server of the key is down"));
}

}  // namespace

struct FakeCache::Impl {
  explicit Impl(const Clock& clock) : content({.shards = 1}, clock), life(content.incarnation()) {}

  // Counts a call of `operation`; not ok while the cache is down.
  absl::Status enter(Operation operation) {
    const std::lock_guard lock(mutex);
    ++calls[static_cast<std::size_t>(operation)];
    return down ? downError() : absl::OkStatus();
  }

  // Runs and forgets the hooks of these keys. They run unlocked, because they may call the cache.
  template <typename Keyed, typename KeyOf>
  void runHooks(When when, Operation operation, absl::Span<const Keyed> keyed, KeyOf key_of) {
    for (const Keyed& item : keyed) {
      while (const auto hook = takeHook(when, operation, key_of(item))) hook();
    }
  }

  std::function<void()> takeHook(When when, Operation operation, std::string_view key) {
    const std::lock_guard lock(mutex);
    for (auto hook = hooks.begin(); hook != hooks.end(); ++hook) {
      if (hook->when != when || hook->operation != operation || hook->key != key) continue;
      std::function<void()> run = std::move(hook->run);
      hooks.erase(hook);
      return run;
    }
    return nullptr;
  }

  void addHook(Hook hook) {
    const std::lock_guard lock(mutex);
    hooks.push_back(std::move(hook));
  }

  bool isDownFor(std::string_view key) const {
    const std::lock_guard lock(mutex);
    return down_for.contains(key);
  }

  // The answer for each of `all`: from `ask` for those whose server is up, all at once.
  template <typename Answer, typename Keyed, typename KeyOf, typename Ask>
  std::vector<Answer> answerEach(absl::Span<const Keyed> all, KeyOf key_of, Ask ask) const {
    std::vector<Answer> answers(all.size(), partlyDownError());
    std::vector<Keyed> asked;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (isDownFor(key_of(all[i]))) continue;
      asked.push_back(all[i]);
      places.push_back(i);
    }
    std::vector<Answer> from_others = ask(asked);
    for (std::size_t i = 0; i < places.size(); ++i) answers[places[i]] = std::move(from_others[i]);
    return answers;
  }

  std::optional<Lost> takeLostRemove() {
    const std::lock_guard lock(mutex);
    return std::exchange(lost_remove, std::nullopt);
  }

  LruCache content;
  mutable std::mutex mutex;
  Incarnation life ABSL_GUARDED_BY(mutex);
  bool down ABSL_GUARDED_BY(mutex) = false;
  std::set<std::string, std::less<>> down_for ABSL_GUARDED_BY(mutex);
  std::optional<Lost> lost_remove ABSL_GUARDED_BY(mutex);
  std::vector<Hook> hooks ABSL_GUARDED_BY(mutex);
  std::array<std::int64_t, 7> calls ABSL_GUARDED_BY(mutex) = {};
};

namespace {

std::string_view ownKey(const std::string& key) { return key; }
std::string_view requestKey(const LeaseRequest& request) { return request.key; }
std::string_view setKey(const CompareAndSet& request) { return request.key; }

}  // namespace

FakeCache::FakeCache(const Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}
FakeCache::~FakeCache() = default;

void FakeCache::setDown(bool down) {
  const std::lock_guard lock(impl_->mutex);
  impl_->down = down;
}

void FakeCache::setDownFor(std::vector<std::string> keys) {
  const std::lock_guard lock(impl_->mutex);
  impl_->down_for = {keys.begin(), keys.end()};
}

void FakeCache::loseNextRemove(Lost lost) {
  const std::lock_guard lock(impl_->mutex);
  impl_->lost_remove = lost;
}

void FakeCache::changeIncarnation() {
  const std::lock_guard lock(impl_->mutex);
  ++impl_->life.value;
}

void FakeCache::before(Operation operation, std::string key, std::function<void()> hook) {
  impl_->addHook({When::kBefore, operation, std::move(key), std::move(hook)});
}

void FakeCache::after(Operation operation, std::string key, std::function<void()> hook) {
  impl_->addHook({When::kAfter, operation, std::move(key), std::move(hook)});
}

std::int64_t FakeCache::calls(Operation operation) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->calls[static_cast<std::size_t>(operation)];
}

std::int64_t FakeCache::calls() const {
  const std::lock_guard lock(impl_->mutex);
  return std::accumulate(impl_->calls.begin(), impl_->calls.end(), std::int64_t{0});
}

void FakeCache::resetCalls() {
  const std::lock_guard lock(impl_->mutex);
  impl_->calls.fill(0);
}

std::optional<std::string> FakeCache::peek(std::string_view key) const {
  auto entry = impl_->content.peek(key);
  return entry ? std::optional(std::move(entry->value)) : std::nullopt;
}

std::optional<absl::Duration> FakeCache::storedTtl(std::string_view key) const {
  const auto entry = impl_->content.peek(key);
  return entry ? std::optional(entry->ttl) : std::nullopt;
}

void FakeCache::plant(std::string_view key, std::string_view bytes, absl::Duration ttl) {
  const absl::Status planted = impl_->content.set(std::string(key), bytes, ttl);
  // What cannot be planted would silently test something else.
  if (!planted.ok()) std::abort();
}

void FakeCache::erase(std::string_view key) {
  const std::string name(key);
  // An in-process removal without a deadline cannot fail.
  impl_->content.remove({&name, 1}).IgnoreError();
}

CacheCapabilities FakeCache::capabilities() const { return impl_->content.capabilities(); }

Incarnation FakeCache::incarnation(std::string_view /*key*/) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->life;
}

std::vector<absl::StatusOr<std::optional<std::string>>> FakeCache::getMany(
    absl::Span<const std::string> keys, Deadline deadline) {
  if (const absl::Status entered = impl_->enter(Operation::kGetMany); !entered.ok()) {
    return toAll<std::optional<std::string>>(keys.size(), entered);
  }
  impl_->runHooks(When::kBefore, Operation::kGetMany, keys, ownKey);
  using Value = absl::StatusOr<std::optional<std::string>>;
  auto values = impl_->answerEach<Value>(keys, ownKey, [&](absl::Span<const std::string> some) {
    return impl_->content.getMany(some, deadline);
  });
  impl_->runHooks(When::kAfter, Operation::kGetMany, keys, ownKey);
  return values;
}

absl::Status FakeCache::set(const std::string& key, std::string_view value, absl::Duration ttl,
                            Deadline deadline) {
  if (absl::Status entered = impl_->enter(Operation::kSet); !entered.ok()) return entered;
  const absl::Span<const std::string> keys(&key, 1);
  impl_->runHooks(When::kBefore, Operation::kSet, keys, ownKey);
  absl::Status stored =
      impl_->isDownFor(key) ? partlyDownError() : impl_->content.set(key, value, ttl, deadline);
  impl_->runHooks(When::kAfter, Operation::kSet, keys, ownKey);
  return stored;
}

absl::Status FakeCache::remove(absl::Span<const std::string> keys, Deadline deadline) {
  absl::Status first;
  for (absl::Status& removed : removeEach(keys, deadline)) first.Update(std::move(removed));
  return first;
}

std::vector<absl::Status> FakeCache::removeEach(absl::Span<const std::string> keys,
                                                Deadline deadline) {
  const auto all = [&keys](const absl::Status& status) {
    return std::vector<absl::Status>(keys.size(), status);
  };
  if (absl::Status entered = impl_->enter(Operation::kRemove); !entered.ok()) return all(entered);
  impl_->runHooks(When::kBefore, Operation::kRemove, keys, ownKey);
  const std::optional<Lost> lost = impl_->takeLostRemove();
  auto removed = all(absl::UnavailableError("fake cache: the removal was lost"));
  if (lost != Lost::kRequest) {
    auto executed =
        impl_->answerEach<absl::Status>(keys, ownKey, [&](absl::Span<const std::string> some) {
          return impl_->content.removeEach(some, deadline);
        });
    if (!lost) removed = std::move(executed);
  }
  impl_->runHooks(When::kAfter, Operation::kRemove, keys, ownKey);
  return removed;
}

std::vector<absl::StatusOr<LeaseReply>> FakeCache::getOrLease(
    absl::Span<const LeaseRequest> requests, absl::Duration ttl, Deadline deadline) {
  if (const absl::Status entered = impl_->enter(Operation::kGetOrLease); !entered.ok()) {
    return toAll<LeaseReply>(requests.size(), entered);
  }
  impl_->runHooks(When::kBefore, Operation::kGetOrLease, requests, requestKey);
  auto replies = impl_->answerEach<absl::StatusOr<LeaseReply>>(
      requests, requestKey, [&](absl::Span<const LeaseRequest> some) {
        return impl_->content.getOrLease(some, ttl, deadline);
      });
  const Incarnation life = incarnation();
  for (auto& reply : replies) {
    if (reply.ok()) reply->incarnation = life;
  }
  impl_->runHooks(When::kAfter, Operation::kGetOrLease, requests, requestKey);
  return replies;
}

std::vector<absl::StatusOr<bool>> FakeCache::compareAndSet(absl::Span<const CompareAndSet> requests,
                                                           Deadline deadline) {
  if (const absl::Status entered = impl_->enter(Operation::kCompareAndSet); !entered.ok()) {
    return toAll<bool>(requests.size(), entered);
  }
  impl_->runHooks(When::kBefore, Operation::kCompareAndSet, requests, setKey);
  // The content knows one life only, so the lives are compared here: what names the present one
  // is handed on as the content's own, what names another as one that it never had.
  const Incarnation life = incarnation();
  std::vector<CompareAndSet> translated(requests.begin(), requests.end());
  for (CompareAndSet& request : translated) {
    if (request.incarnation == Incarnation{}) continue;
    const std::uint64_t own = impl_->content.incarnation().value;
    request.incarnation = {request.incarnation == life ? own : ~own};
  }
  auto stored = impl_->answerEach<absl::StatusOr<bool>>(
      absl::MakeConstSpan(translated), setKey, [&](absl::Span<const CompareAndSet> some) {
        return impl_->content.compareAndSet(some, deadline);
      });
  impl_->runHooks(When::kAfter, Operation::kCompareAndSet, requests, setKey);
  return stored;
}

absl::StatusOr<KeyPage> FakeCache::scan(std::string_view prefix, const std::string& cursor,
                                        Deadline deadline) {
  if (absl::Status entered = impl_->enter(Operation::kScan); !entered.ok()) return entered;
  const std::string key(prefix);
  const absl::Span<const std::string> keys(&key, 1);
  impl_->runHooks(When::kBefore, Operation::kScan, keys, ownKey);
  auto page = impl_->content.scan(prefix, cursor, deadline);
  impl_->runHooks(When::kAfter, Operation::kScan, keys, ownKey);
  return page;
}

absl::Status FakeCache::ping(Deadline deadline) {
  if (absl::Status entered = impl_->enter(Operation::kPing); !entered.ok()) return entered;
  return impl_->content.ping(deadline);
}

Health FakeCache::healthCheck() {
  Health health = impl_->content.healthCheck();
  if (const absl::Status entered = impl_->enter(Operation::kPing); !entered.ok()) {
    health.state = HealthState::kFail;
    health.error = describe(entered);
  }
  return health;
}

}  // namespace strata::testing
