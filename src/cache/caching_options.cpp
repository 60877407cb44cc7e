#include "strata/cache/caching_options.h"

#include <fmt/format.h>

#include "strata/base/status.h"
#include "strata/cache/cache.h"
#include "strata/records/key_space.h"

namespace strata {
namespace {

// What Redis takes as one value.
constexpr std::size_t kMostBytes = std::size_t{512} << 20;
constexpr std::size_t kMostDecoded = 1'000'000;

absl::Status outOfRange(const char* what) {
  return absl::InvalidArgumentError(fmt::format("caching: {}", what));
}

}  // namespace

absl::Status validate(const CachingOptions& options) {
  const auto positive = [](absl::Duration d) { return d > absl::ZeroDuration() && d <= kMaxTtl; };
  if (absl::Status app = checkApp(options.app); !app.ok()) return annotate(app, "caching");
  if (!positive(options.ttl)) return outOfRange("ttl must be above zero and at most ten years");
  if (!positive(options.lease_ttl)) return outOfRange("lease_ttl must be above zero");
  if (options.negative_ttl < absl::ZeroDuration() || options.negative_ttl > options.ttl) {
    return outOfRange("negative_ttl must be between zero and ttl");
  }
  if (!(options.ttl_jitter >= 0 && options.ttl_jitter <= 0.5)) {
    return outOfRange("ttl_jitter must be between 0 and 0.5");
  }
  if (options.max_value_bytes < 1 || options.max_value_bytes > kMostBytes) {
    return outOfRange("max_value_bytes must be between 1 and 512 MiB");
  }
  if (options.max_decoded > kMostDecoded)
    return outOfRange("max_decoded must be at most 1 000 000");
  return absl::OkStatus();
}

}  // namespace strata
