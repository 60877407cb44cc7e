// Reflection: a look back that a user took, and in which tone.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/timestamp.h"
#include "strata/records/entity.h"
#include "strata/records/text_limits.h"

namespace strata {

enum class ReflectionTone : std::uint8_t { kGentle, kIntense, kFusion };
BOOST_DESCRIBE_ENUM(ReflectionTone, kGentle, kIntense, kFusion)

struct Reflection {
  std::string id;  // a UUID
  std::string user_id;
  ReflectionTone tone = ReflectionTone::kGentle;
  Timestamp created_at;

  friend bool operator==(const Reflection&, const Reflection&) = default;
};
BOOST_DESCRIBE_STRUCT(Reflection, (), (user_id, id, tone, created_at))

// What a context shows of a user's reflections: the latest ones.
struct RecentReflections {
  static constexpr int kLimit = 3;

  std::string user_id;
  std::vector<Reflection> reflections;

  friend bool operator==(const RecentReflections&, const RecentReflections&) = default;
};
BOOST_DESCRIBE_STRUCT(RecentReflections, (), (user_id, reflections))

template <>
struct Entity<RecentReflections> {
  static constexpr auto table = "recent_reflections";
  static constexpr KeySpace keys{"ctx", "reflections"};
  static constexpr std::array<std::string_view, 1> key_columns{"user_id"};
  static Id id(const RecentReflections& reflections) { return reflections.user_id; }
};

template <>
struct TextLimits<Reflection> {
  static constexpr std::array<TextLimit, 0> all{};  // it has no text
};

}  // namespace strata
