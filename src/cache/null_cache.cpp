#include "strata/cache/null_cache.h"

#include "src/cache/cache_ttl.h"

namespace strata {

CacheCapabilities NullCache::capabilities() const {
  return {.fenced_reads = true, .incarnation = true};
}

Incarnation NullCache::incarnation(std::string_view /*key*/) const { return {1}; }

std::vector<absl::StatusOr<std::optional<std::string>>> NullCache::getMany(
    absl::Span<const std::string> keys, Deadline /*deadline*/) {
  return std::vector<absl::StatusOr<std::optional<std::string>>>(keys.size(),
                                                                 std::optional<std::string>());
}

absl::Status NullCache::set(const std::string& /*key*/, std::string_view /*value*/,
                            absl::Duration ttl, Deadline /*deadline*/) {
  return internal::checkedTtl(ttl).status();
}

absl::Status NullCache::remove(absl::Span<const std::string> /*keys*/, Deadline /*deadline*/) {
  return absl::OkStatus();
}

std::vector<absl::StatusOr<LeaseReply>> NullCache::getOrLease(
    absl::Span<const LeaseRequest> requests, absl::Duration ttl, Deadline /*deadline*/) {
  const absl::Status refused = internal::checkedTtl(ttl).status();
  if (!refused.ok()) return std::vector<absl::StatusOr<LeaseReply>>(requests.size(), refused);
  return std::vector<absl::StatusOr<LeaseReply>>(requests.size(),
                                                 LeaseReply{.incarnation = incarnation()});
}

std::vector<absl::StatusOr<bool>> NullCache::compareAndSet(absl::Span<const CompareAndSet> requests,
                                                           Deadline /*deadline*/) {
  std::vector<absl::StatusOr<bool>> stored;
  for (const CompareAndSet& request : requests) {
    const absl::Status refused = internal::checkedTtl(request.ttl).status();
    stored.push_back(refused.ok() ? absl::StatusOr<bool>(false) : absl::StatusOr<bool>(refused));
  }
  return stored;
}

absl::StatusOr<KeyPage> NullCache::scan(std::string_view /*prefix*/, const std::string& /*cursor*/,
                                        Deadline /*deadline*/) {
  return KeyPage{};
}

absl::Status NullCache::ping(Deadline /*deadline*/) { return absl::OkStatus(); }

Health NullCache::healthCheck() { return {.component = "cache", .backend = "none"}; }

}  // namespace strata
