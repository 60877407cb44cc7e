// PatternStore: what was observed of users, as a job that looks through their sessions finds it.
//
//   stores->patterns->consolidate(
//       "ada", {{.pattern_type = PatternType::kValue, .content = "honesty", .strength = 8}});
//
// Not for: reading what a context shows; ContextSources::patterns has it cached.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/stores/clarify/clarify_pattern.h"

namespace strata {

// Of one user.
inline constexpr std::size_t kMaxPatterns = 1000;

// Thread-safe. For users and errors see UserProfileStore; patterns are named by UUIDs.
class PatternStore {
 public:
  virtual ~PatternStore() = default;

  // Replaces all patterns of the user by these; answers them as `list` does. A pattern whose id is
  // given and was there before keeps its `created_at`; one without an id gets one, and is new.
  // InvalidArgument also: more than kMaxPatterns, the same id twice, or another user's pattern (no
  // `user_id` is fine).
  virtual absl::StatusOr<std::vector<ClarifyPattern>> consolidate(
      std::string_view user_id, const std::vector<ClarifyPattern>& patterns,
      const WriteOptions& options = {}) = 0;

  // All, the strongest first, the newest first among equals. None for a user that is not there.
  virtual absl::StatusOr<std::vector<ClarifyPattern>> list(std::string_view user_id,
                                                           const ReadOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

}  // namespace strata
