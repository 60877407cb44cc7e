// UserProfileStore: the users of the context platform.
//
//   auto stores = createClarifyStores(backends);        // factories/clarify_store_factory.h
//   stores->users->put({.id = "ada", .name = "Ada", .tier = UserTier::kPro});
//
// Not for: reading often. This reads the database; ContextSources::user is the cached one.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/stores/clarify/user_profile.h"

namespace strata {

// In bytes.
inline constexpr std::size_t kMaxUserId = 200;

// Thread-safe. Users are named by any text of 1 to 200 bytes, in UTF-8 without NUL bytes. The
// errors of every method of the stores of this folder, beside those of Store<T>:
//
//   InvalidArgument  what was given cannot be; the message names it
//   NotFound         there is no such user, or no such record of this user; nothing was changed
class UserProfileStore {
 public:
  virtual ~UserProfileStore() = default;

  // Makes the user, or changes name and tier of the one there is; answers what is stored now. The
  // counters and times of `profile` do not count: they are the store's.
  virtual absl::StatusOr<UserProfile> put(const UserProfile& profile,
                                          const WriteOptions& options = {}) = 0;

  virtual absl::StatusOr<UserProfile> get(std::string_view user_id,
                                          const ReadOptions& options = {}) = 0;

  // Removes the user with everything of theirs: dreams, patterns, sessions and reflections.
  virtual absl::Status remove(std::string_view user_id, const WriteOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

}  // namespace strata
