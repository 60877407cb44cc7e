// Records for the conformance suite of stores: between them they have every kind of field and every
// kind of id. See store_conformance.h.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "strata/records/entity.h"

namespace strata::testing {

enum class ConformanceColour : std::uint8_t { kRed, kDeepBlue, kGreen };
BOOST_DESCRIBE_ENUM(ConformanceColour, kRed, kDeepBlue, kGreen)

struct ConformancePart {
  std::string label;
  std::int64_t weight = 0;
  std::optional<Timestamp> made;
  ConformanceColour colour = ConformanceColour::kRed;

  friend bool operator==(const ConformancePart&, const ConformancePart&) = default;
};
BOOST_DESCRIBE_STRUCT(ConformancePart, (), (label, weight, made, colour))

// Every kind of field. Its id is any Id at all, in its canonical text.
struct ConformanceRecord {
  std::string key;
  std::string text;
  bool flag = false;
  std::int8_t int8 = 0;
  std::int16_t int16 = 0;
  std::int32_t int32 = 0;
  std::int64_t int64 = 0;
  std::uint8_t uint8 = 0;
  std::uint16_t uint16 = 0;
  std::uint32_t uint32 = 0;
  std::uint64_t uint64 = 0;
  float real = 0;
  double number = 0;
  Timestamp at;
  ConformanceColour colour = ConformanceColour::kRed;
  std::optional<bool> maybe_flag;
  std::optional<std::int64_t> maybe_int;
  std::optional<std::string> maybe_text;
  std::optional<Timestamp> maybe_at;
  std::optional<ConformancePart> maybe_part;
  std::vector<std::string> texts;
  std::vector<bool> flags;
  std::vector<double> numbers;
  std::map<std::string, std::int64_t> counts;
  std::unordered_map<std::string, std::string> labels;
  ConformancePart part;
  std::vector<ConformancePart> parts;
  Json json;
  std::optional<Json> maybe_json;
  std::vector<Json> jsons;
  std::map<std::string, Json> named_jsons;

  friend bool operator==(const ConformanceRecord&, const ConformanceRecord&) = default;
};
BOOST_DESCRIBE_STRUCT(ConformanceRecord, (),
                      (key, text, flag, int8, int16, int32, int64, uint8, uint16, uint32, uint64,
                       real, number, at, colour, maybe_flag, maybe_int, maybe_text, maybe_at,
                       maybe_part, texts, flags, numbers, counts, labels, part, parts, json,
                       maybe_json, jsons, named_jsons))

// A composite id, whose segments are columns of their own, and a name that SQL reserves.
struct ConformancePair {
  std::string tenant;
  std::string user;
  std::int64_t order = 0;
  std::vector<std::string> notes;

  friend bool operator==(const ConformancePair&, const ConformancePair&) = default;
};
BOOST_DESCRIBE_STRUCT(ConformancePair, (), (tenant, user, order, notes))

}  // namespace strata::testing

template <>
struct strata::Entity<strata::testing::ConformanceRecord> {
  static constexpr auto table = "strata_conformance_records";
  static constexpr strata::KeySpace keys{"conformance", "record"};
  static strata::Id id(const strata::testing::ConformanceRecord& record) {
    return strata::Id::fromCanonical(record.key);
  }
};

template <>
struct strata::Entity<strata::testing::ConformancePair> {
  static constexpr auto table = "strata_conformance_pairs";
  static constexpr strata::KeySpace keys{"conformance", "pair"};
  static constexpr std::array<std::string_view, 2> key_columns{"tenant", "user"};
  static strata::Id id(const strata::testing::ConformancePair& pair) {
    return {pair.tenant, pair.user};
  }
};
