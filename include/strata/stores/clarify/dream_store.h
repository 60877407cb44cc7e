// DreamStore: what users want to reach.
//
//   auto dream = stores->dreams->create({.user_id = "ada", .title = "Write a book"});
//   stores->dreams->setStatus("ada", dream->id, DreamStatus::kAchieved);
//
// Not for: reading what a context shows; ContextSources::dreams has it cached.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/stores/clarify/dream.h"

namespace strata {

// What is absent stays as it is; std::nullopt inside clears.
struct DreamUpdate {
  std::optional<std::string> title = {};
  std::optional<std::optional<std::string>> description = {};
  std::optional<std::optional<std::string>> category = {};
};

struct DreamQuery {
  // None: of any status.
  std::optional<DreamStatus> status = {};
  // From 1 to 1000.
  std::int64_t limit = 50;
};

// Thread-safe. For users and errors see UserProfileStore; dreams are named by UUIDs.
class DreamStore {
 public:
  virtual ~DreamStore() = default;

  // Under `dream.id`, or a new UUID where that is empty; answers it with its id and times.
  // AlreadyExists: the user has a dream of that id, which is left as it is.
  virtual absl::StatusOr<Dream> create(const Dream& dream, const WriteOptions& options = {}) = 0;

  // Both answer the dream as it is now. What changes nothing does not stamp `updated_at` either.
  virtual absl::StatusOr<Dream> update(std::string_view user_id, std::string_view dream_id,
                                       const DreamUpdate& update,
                                       const WriteOptions& options = {}) = 0;
  virtual absl::StatusOr<Dream> setStatus(std::string_view user_id, std::string_view dream_id,
                                          DreamStatus status, const WriteOptions& options = {}) = 0;

  virtual absl::Status remove(std::string_view user_id, std::string_view dream_id,
                              const WriteOptions& options = {}) = 0;

  virtual absl::StatusOr<Dream> get(std::string_view user_id, std::string_view dream_id,
                                    const ReadOptions& options = {}) = 0;

  // Changed last first. None for a user that is not there.
  virtual absl::StatusOr<std::vector<Dream>> list(std::string_view user_id,
                                                  const DreamQuery& query = {},
                                                  const ReadOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

}  // namespace strata
