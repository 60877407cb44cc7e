// FakeCache: a cache that a test can break, watch and interfere with. Behaves like LruCache
// otherwise.
//
//   FakeCache cache(clock);
//   cache.before(FakeCache::Operation::kCompareAndSet, key, [&] { writer.put(item); });
//   cache.setDown(true);
//   EXPECT_EQ(cache.calls(FakeCache::Operation::kGetOrLease), 1);
//
// Not for: a cache that answers slowly or at random (see fault_injecting_store.h for stores).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/clock.h"
#include "strata/cache/cache.h"

namespace strata::testing {

// Thread-safe.
class FakeCache final : public Cache {
 public:
  enum class Operation : std::uint8_t {
    kGetMany,
    kSet,
    kRemove,
    kGetOrLease,
    kCompareAndSet,
    kPing,  // health checks too
    kScan,  // its key, for a hook, is the prefix
  };

  // `clock` must outlive the cache.
  explicit FakeCache(const Clock& clock = Clock::system());
  ~FakeCache() override;

  // ---- To break it ----

  // While it is down every call is counted and answered Unavailable, hooks and all.
  void setDown(bool down);
  // As when the cache is a cluster and the one server that has these keys is down: they are answered
  // Unavailable, all others as ever. None: it is back. A call counts, and runs its hooks, as ever.
  void setDownFor(std::vector<std::string> keys);
  // The next `remove` answers Unavailable: either it was never executed, or it was and only its
  // reply was lost.
  enum class Lost : std::uint8_t { kRequest, kReply };
  void loseNextRemove(Lost lost);
  // As after a restart from a snapshot: the content stays, the life of the server is another.
  void changeIncarnation();

  // ---- To interfere ----

  // Runs `hook` once, in the calling thread, right before (after) the next such operation on `key`
  // is executed. A hook may use the cache itself. Hooks of one operation run in the order given.
  void before(Operation operation, std::string key, std::function<void()> hook);
  void after(Operation operation, std::string key, std::function<void()> hook);

  // ---- To watch ----

  // How often it was called; a call of many keys is one call.
  std::int64_t calls(Operation operation) const;
  std::int64_t calls() const;
  void resetCalls();

  // What is stored, without counting as a call, up or down.
  std::optional<std::string> peek(std::string_view key) const;
  // How long it will stay.
  std::optional<absl::Duration> storedTtl(std::string_view key) const;
  // Stores any bytes.
  void plant(std::string_view key, std::string_view bytes, absl::Duration ttl = absl::Hours(1));
  void erase(std::string_view key);

  // ---- Cache ----

  CacheCapabilities capabilities() const override;
  Incarnation incarnation(std::string_view key = {}) const override;
  std::vector<absl::StatusOr<std::optional<std::string>>> getMany(
      absl::Span<const std::string> keys, Deadline deadline = {}) override;
  absl::Status set(const std::string& key, std::string_view value, absl::Duration ttl,
                   Deadline deadline = {}) override;
  absl::Status remove(absl::Span<const std::string> keys, Deadline deadline = {}) override;
  std::vector<absl::Status> removeEach(absl::Span<const std::string> keys,
                                       Deadline deadline = {}) override;
  std::vector<absl::StatusOr<LeaseReply>> getOrLease(absl::Span<const LeaseRequest> requests,
                                                     absl::Duration ttl,
                                                     Deadline deadline = {}) override;
  std::vector<absl::StatusOr<bool>> compareAndSet(absl::Span<const CompareAndSet> requests,
                                                  Deadline deadline = {}) override;
  absl::StatusOr<KeyPage> scan(std::string_view prefix, const std::string& cursor,
                               Deadline deadline = {}) override;
  absl::Status ping(Deadline deadline = {}) override;
  Health healthCheck() override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata::testing
