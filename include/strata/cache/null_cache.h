// NullCache: the cache for "off". It holds nothing, so reads find nothing, and it never leases, so
// nobody tries to fill it.
//
// Not for: a cache that is down (that one fails; see testing/fakes/fake_cache.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/cache/cache.h"

namespace strata {

// Thread-safe. Answers at once, so no deadline is ever missed. Its only error is InvalidArgument
// for a time to live that any other cache would refuse too.
class NullCache final : public Cache {
 public:
  // All of them: what is never stored is never wrong, so no consistency level is refused.
  CacheCapabilities capabilities() const override;
  Incarnation incarnation(std::string_view key = {}) const override;

  std::vector<absl::StatusOr<std::optional<std::string>>> getMany(
      absl::Span<const std::string> keys, Deadline deadline = {}) override;
  absl::Status set(const std::string& key, std::string_view value, absl::Duration ttl,
                   Deadline deadline = {}) override;
  absl::Status remove(absl::Span<const std::string> keys, Deadline deadline = {}) override;
  std::vector<absl::StatusOr<LeaseReply>> getOrLease(absl::Span<const LeaseRequest> requests,
                                                     absl::Duration ttl,
                                                     Deadline deadline = {}) override;
  std::vector<absl::StatusOr<bool>> compareAndSet(absl::Span<const CompareAndSet> requests,
                                                  Deadline deadline = {}) override;
  absl::StatusOr<KeyPage> scan(std::string_view prefix, const std::string& cursor,
                               Deadline deadline = {}) override;
  absl::Status ping(Deadline deadline = {}) override;
  // Passes, backend "none".
  Health healthCheck() override;
};

}  // namespace strata
