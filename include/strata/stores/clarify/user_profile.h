// UserProfile: who a user of the context platform is, and how much they have done.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "strata/base/timestamp.h"
#include "strata/records/entity.h"
#include "strata/records/text_limits.h"

namespace strata {

enum class UserTier : std::uint8_t { kFree, kPro, kUnlimited };
BOOST_DESCRIBE_ENUM(UserTier, kFree, kPro, kUnlimited)

// Ids of users are any text of 1 to 200 bytes. Times are stamped by the store.
struct UserProfile {
  std::string id;
  // None: the user gave none. An empty one is a name.
  std::optional<std::string> name;
  UserTier tier = UserTier::kFree;
  // Counted by the stores of reflections and sessions: what was ever created.
  std::int64_t total_reflections = 0;
  std::int64_t total_clarify_sessions = 0;
  Timestamp created_at;
  Timestamp updated_at;

  friend bool operator==(const UserProfile&, const UserProfile&) = default;
};
BOOST_DESCRIBE_STRUCT(UserProfile, (),
                      (id, name, tier, total_reflections, total_clarify_sessions, created_at,
                       updated_at))

template <>
struct Entity<UserProfile> {
  static constexpr auto table = "users";
  static constexpr KeySpace keys{"ctx", "user"};
  static Id id(const UserProfile& user) { return user.id; }
};

template <>
struct TextLimits<UserProfile> {
  static constexpr std::array<TextLimit, 1> all{{{"name", kMaxName}}};
};

}  // namespace strata
