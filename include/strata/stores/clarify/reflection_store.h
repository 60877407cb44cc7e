// ReflectionStore: the looks back that users took.
//
//   stores->reflections->create({.user_id = "ada", .tone = ReflectionTone::kGentle});
//
// Not for: reading what a context shows; ContextSources::reflections has it cached.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/stores/clarify/reflection.h"

namespace strata {

// Thread-safe. For users and errors see UserProfileStore; reflections are named by UUIDs.
class ReflectionStore {
 public:
  virtual ~ReflectionStore() = default;

  // Under `reflection.id`, or a new UUID where that is empty. Counts
  // UserProfile::total_reflections up.
  // AlreadyExists: the user has a reflection of that id; nothing was counted.
  virtual absl::StatusOr<Reflection> create(const Reflection& reflection,
                                            const WriteOptions& options = {}) = 0;

  // The latest first; `limit` is from 1 to 1000. None for a user that is not there.
  virtual absl::StatusOr<std::vector<Reflection>> list(std::string_view user_id,
                                                       std::int64_t limit = 50,
                                                       const ReadOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

}  // namespace strata
