// Dream: something a user wants to reach.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/timestamp.h"
#include "strata/records/entity.h"
#include "strata/records/text_limits.h"

namespace strata {

enum class DreamStatus : std::uint8_t { kActive, kAchieved, kArchived, kReleased };
BOOST_DESCRIBE_ENUM(DreamStatus, kActive, kAchieved, kArchived, kReleased)

// Counted in code points.
inline constexpr std::size_t kMaxDreamTitle = 200;
inline constexpr std::size_t kMaxDreamDescription = 2000;

struct Dream {
  std::string id;  // a UUID
  std::string user_id;
  std::string title;
  std::optional<std::string> description;
  DreamStatus status = DreamStatus::kActive;
  std::optional<std::string> category;
  Timestamp created_at;
  Timestamp updated_at;

  friend bool operator==(const Dream&, const Dream&) = default;
};
BOOST_DESCRIBE_STRUCT(Dream, (),
                      (user_id, id, title, description, status, category, created_at, updated_at))

// What a context shows of a user's dreams: the active ones, changed last first.
struct ActiveDreams {
  static constexpr int kLimit = 5;

  std::string user_id;
  std::vector<Dream> dreams;

  friend bool operator==(const ActiveDreams&, const ActiveDreams&) = default;
};
BOOST_DESCRIBE_STRUCT(ActiveDreams, (), (user_id, dreams))

template <>
struct Entity<ActiveDreams> {
  static constexpr auto table = "active_dreams";
  static constexpr KeySpace keys{"ctx", "dreams"};
  static constexpr std::array<std::string_view, 1> key_columns{"user_id"};
  static Id id(const ActiveDreams& dreams) { return dreams.user_id; }
};

// Beside kMaxDreamTitle and kMaxDreamDescription.
template <>
struct TextLimits<Dream> {
  static constexpr std::array<TextLimit, 1> all{{{"category", kMaxName}}};
};

}  // namespace strata
