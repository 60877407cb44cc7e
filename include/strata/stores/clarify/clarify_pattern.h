// ClarifyPattern: something that was observed of a user again and again.
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

enum class PatternType : std::uint8_t { kRecurringTheme, kValue, kStrength, kBlocker };
BOOST_DESCRIBE_ENUM(PatternType, kRecurringTheme, kValue, kStrength, kBlocker)

struct ClarifyPattern {
  std::string id;  // a UUID
  std::string user_id;
  PatternType pattern_type = PatternType::kRecurringTheme;
  std::string content;
  // 1 to 10.
  std::int32_t strength = 1;
  Timestamp created_at;

  friend bool operator==(const ClarifyPattern&, const ClarifyPattern&) = default;
};
BOOST_DESCRIBE_STRUCT(ClarifyPattern, (),
                      (user_id, id, pattern_type, content, strength, created_at))

// What a context shows of a user's patterns: the strongest ones, the newest first among equals.
struct ObservedPatterns {
  static constexpr int kLimit = 10;
  static constexpr int kMinStrength = 3;

  std::string user_id;
  std::vector<ClarifyPattern> patterns;

  friend bool operator==(const ObservedPatterns&, const ObservedPatterns&) = default;
};
BOOST_DESCRIBE_STRUCT(ObservedPatterns, (), (user_id, patterns))

template <>
struct Entity<ObservedPatterns> {
  static constexpr auto table = "observed_patterns";
  static constexpr KeySpace keys{"ctx", "patterns"};
  static constexpr std::array<std::string_view, 1> key_columns{"user_id"};
  static Id id(const ObservedPatterns& patterns) { return patterns.user_id; }
};

template <>
struct TextLimits<ClarifyPattern> {
  static constexpr std::array<TextLimit, 1> all{{{"content", 16 << 10}}};
};

}  // namespace strata
