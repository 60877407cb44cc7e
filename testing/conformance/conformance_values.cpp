#include "strata/testing/conformance/conformance_values.h"

#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include "absl/status/status.h"
#include "strata/base/timestamp.h"
#include "strata/records/json.h"

namespace strata::testing {
namespace {

// A struct may hold a list of itself.
constexpr int kMaxDepth = 5;

// 2^53 + 1, the least positive integer that a double cannot hold.
constexpr std::int64_t kPastDouble = (std::int64_t{1} << 53) + 1;

constexpr std::string_view kOtherText =
    "Grüße, 世界 🌍 \"quoted\" 'single' back\\slash\ttab\nline\r\x01\x7f {a,b} NULL \\N";
constexpr std::string_view kSqlText =
    "'; DROP TABLE strata_conformance_records; -- $1 :id ? %s \\' \" E'\\x27' {\"a\":1}";

template <typename T>
T& as(void* value) {
  return *static_cast<T*>(value);
}

template <typename T>
void fillInteger(void* value, ValueCase value_case) {
  using Limits = std::numeric_limits<T>;
  if (value_case == ValueCase::kSmallest) as<T>(value) = Limits::min();
  if (value_case == ValueCase::kLargest) as<T>(value) = Limits::max();
  if (value_case == ValueCase::kFinest) as<T>(value) = static_cast<T>(kPastDouble);
  if (value_case == ValueCase::kEmpty) as<T>(value) = 0;
}

template <typename T>
void fillFloating(void* value, ValueCase value_case) {
  using Limits = std::numeric_limits<T>;
  if (value_case == ValueCase::kSmallest) as<T>(value) = Limits::lowest();
  if (value_case == ValueCase::kLargest) as<T>(value) = Limits::max();
  if (value_case == ValueCase::kFinest) as<T>(value) = Limits::denorm_min();
  if (value_case == ValueCase::kOtherText) as<T>(value) = T{1} / T{3};
  if (value_case == ValueCase::kEmpty) as<T>(value) = 0;
}

void fillText(void* value, ValueCase value_case) {
  if (value_case == ValueCase::kEmpty) as<std::string>(value).clear();
  if (value_case == ValueCase::kOtherText) as<std::string>(value) = kOtherText;
  if (value_case == ValueCase::kSql) as<std::string>(value) = kSqlText;
}

void fillTime(void* value, ValueCase value_case) {
  const std::chrono::microseconds one(1);
  if (value_case == ValueCase::kEmpty) as<Timestamp>(value) = Timestamp{};
  if (value_case == ValueCase::kSmallest) as<Timestamp>(value) = kMinTimestamp;
  if (value_case == ValueCase::kLargest) as<Timestamp>(value) = kMaxTimestamp;
  if (value_case == ValueCase::kFinest) as<Timestamp>(value) = Timestamp{} - one;
}

// No text here is canonical: a store must give back what Json::parse made of it.
std::string_view jsonText(ValueCase value_case) {
  switch (value_case) {
    case ValueCase::kEmpty:
      return "{ }";
    case ValueCase::kSmallest:
      return R"([-9223372036854775808, -1.7976931348623157e308, -0.0, -1E2, [], [[{}]], ""])";
    case ValueCase::kLargest:
      return R"({"z": 18446744073709551615, "y": 18446744073709551616, "bb": 1e300, "c": 1e22,
                 "a": 1.7976931348623157e308})";
    case ValueCase::kFinest:
      return R"({"e": 5e-324, "d": [0.1, 1E2, 1.0], "c": 9007199254740993, "b": 1e-7})";
    case ValueCase::kOtherText:
      return R"({"b": {"Grüße": ["世界 🌍", "\u00e9\ud83c\udf89\t\"\\\/\u0001\u007f"]}, "": [null],
                 "aa": {}, "ключ": true, "b": {"é": 1, "z": [{"b": null, "a": [], "b": false}]}})";
    case ValueCase::kSql:
      return R"( "'; DROP TABLE strata_conformance_records; -- $1 :id ? %s \\' \" {\"a\":1} NULL")";
  }
  return "";
}

void fillJson(void* value, ValueCase value_case) {
  as<Json>(value) = Json::parse(jsonText(value_case)).value();
}

void fillEnum(const TypeInfo& type, void* value, ValueCase value_case) {
  const auto enumerators = type.enum_ops->enumerators;
  const bool last = value_case == ValueCase::kLargest;
  type.enum_ops->set(value, last ? enumerators.back().value : enumerators.front().value);
}

void fillAt(const TypeInfo& type, void* value, ValueCase value_case, int depth);

// Fills an element that is being added to a list or a map.
auto elementFiller(const TypeInfo& type, ValueCase value_case, int depth) {
  return [&type, value_case, depth](void* element) {
    fillAt(type.element(), element, value_case, depth + 1);
    return absl::OkStatus();
  };
}

void fillList(const TypeInfo& type, void* value, ValueCase value_case, int depth) {
  type.list->clear(value);
  if (value_case == ValueCase::kEmpty) return;
  for (int i = 0; i < 3; ++i) {
    type.list->append(value, elementFiller(type, value_case, depth)).IgnoreError();
  }
}

void fillMap(const TypeInfo& type, void* value, ValueCase value_case, int depth) {
  type.map->clear(value);
  if (value_case == ValueCase::kEmpty) return;
  for (const std::string_view key : {kOtherText, kSqlText, std::string_view("plain")}) {
    type.map->insert(value, key, elementFiller(type, value_case, depth)).IgnoreError();
  }
}

void fillOptional(const TypeInfo& type, void* value, ValueCase value_case, int depth) {
  if (value_case == ValueCase::kEmpty) {
    type.optional->reset(value);
  } else {
    fillAt(type.element(), type.optional->emplace(value), value_case, depth + 1);
  }
}

void fillAt(const TypeInfo& type, void* value, ValueCase value_case, int depth) {
  if (depth > kMaxDepth) return;
  switch (type.kind) {
    case Kind::kBool:
      as<bool>(value) = value_case == ValueCase::kLargest;
      return;
    case Kind::kInt8:
      return fillInteger<std::int8_t>(value, value_case);
    case Kind::kInt16:
      return fillInteger<std::int16_t>(value, value_case);
    case Kind::kInt32:
      return fillInteger<std::int32_t>(value, value_case);
    case Kind::kInt64:
      return fillInteger<std::int64_t>(value, value_case);
    case Kind::kUint8:
      return fillInteger<std::uint8_t>(value, value_case);
    case Kind::kUint16:
      return fillInteger<std::uint16_t>(value, value_case);
    case Kind::kUint32:
      return fillInteger<std::uint32_t>(value, value_case);
    case Kind::kUint64:
      return fillInteger<std::uint64_t>(value, value_case);
    case Kind::kFloat:
      return fillFloating<float>(value, value_case);
    case Kind::kDouble:
      return fillFloating<double>(value, value_case);
    case Kind::kString:
      return fillText(value, value_case);
    case Kind::kTimestamp:
      return fillTime(value, value_case);
    case Kind::kJson:
      return fillJson(value, value_case);
    case Kind::kEnum:
      return fillEnum(type, value, value_case);
    case Kind::kOptional:
      return fillOptional(type, value, value_case, depth);
    case Kind::kList:
      return fillList(type, value, value_case, depth);
    case Kind::kMap:
      return fillMap(type, value, value_case, depth);
    case Kind::kStruct:
      for (const Field& field : type.fields) {
        fillAt(field.type(), field.address(value), value_case, depth + 1);
      }
      return;
  }
}

std::optional<std::string_view> badText(BadValue bad) {
  using namespace std::string_view_literals;
  if (bad == BadValue::kNulInText) return "nul\0byte"sv;
  if (bad == BadValue::kNotUtf8) return "\xC3\x28"sv;
  return std::nullopt;
}

template <typename T>
bool spoilFloating(void* value, BadValue bad) {
  if (bad == BadValue::kNotANumber) as<T>(value) = std::numeric_limits<T>::quiet_NaN();
  if (bad == BadValue::kInfinity) as<T>(value) = -std::numeric_limits<T>::infinity();
  return !std::isfinite(as<T>(value));
}

bool spoilText(void* value, BadValue bad) {
  const auto text = badText(bad);
  if (text) as<std::string>(value) = *text;
  return text.has_value();
}

bool spoilTime(void* value, BadValue bad) {
  const std::chrono::microseconds one(1);
  if (bad == BadValue::kTimeTooEarly) as<Timestamp>(value) = kMinTimestamp - one;
  if (bad == BadValue::kTimeTooLate) as<Timestamp>(value) = kMaxTimestamp + one;
  return bad == BadValue::kTimeTooEarly || bad == BadValue::kTimeTooLate;
}

bool spoilEnum(const TypeInfo& type, void* value, BadValue bad) {
  if (bad != BadValue::kNotAnEnumerator) return false;
  std::int64_t unnamed = 0;
  for (const Enumerator& enumerator : type.enum_ops->enumerators) {
    unnamed = std::max(unnamed, enumerator.value + 1);
  }
  type.enum_ops->set(value, unnamed);
  return true;
}

bool spoilAt(const TypeInfo& type, void* value, BadValue bad, int depth);

// Adds an element only if it could be spoilt.
bool spoilNewElement(const TypeInfo& type, void* value, BadValue bad, int depth) {
  const auto spoiler = [&](void* element) {
    return spoilAt(type.element(), element, bad, depth + 1) ? absl::OkStatus()
                                                            : absl::NotFoundError("");
  };
  if (type.kind == Kind::kList) return type.list->append(value, spoiler).ok();
  const auto bad_key = badText(bad);
  const auto leave = [](void*) { return absl::OkStatus(); };
  if (bad_key) return type.map->insert(value, *bad_key, leave).ok();
  return type.map->insert(value, "spoilt", spoiler).ok();
}

bool spoilOptional(const TypeInfo& type, void* value, BadValue bad, int depth) {
  if (spoilAt(type.element(), type.optional->emplace(value), bad, depth + 1)) return true;
  type.optional->reset(value);
  return false;
}

bool spoilAt(const TypeInfo& type, void* value, BadValue bad, int depth) {
  if (depth > kMaxDepth) return false;
  switch (type.kind) {
    case Kind::kFloat:
      return spoilFloating<float>(value, bad);
    case Kind::kDouble:
      return spoilFloating<double>(value, bad);
    case Kind::kString:
      return spoilText(value, bad);
    case Kind::kTimestamp:
      return spoilTime(value, bad);
    case Kind::kEnum:
      return spoilEnum(type, value, bad);
    case Kind::kOptional:
      return spoilOptional(type, value, bad, depth);
    case Kind::kList:
    case Kind::kMap:
      return spoilNewElement(type, value, bad, depth);
    case Kind::kStruct:
      for (const Field& field : type.fields) {
        if (spoilAt(field.type(), field.address(value), bad, depth + 1)) return true;
      }
      return false;
    default:
      return false;
  }
}

}  // namespace

std::string toString(ValueCase value_case) {
  static constexpr std::array kNames = {"empty",  "smallest",   "largest",
                                        "finest", "other text", "SQL"};
  return kNames[static_cast<std::size_t>(value_case)];
}

std::string toString(BadValue bad) {
  static constexpr std::array kNames = {"not a number", "infinity",         "a NUL in text",
                                        "not UTF-8",    "a time too early", "a time too late",
                                        "no enumerator"};
  return kNames[static_cast<std::size_t>(bad)];
}

void fill(const TypeInfo& type, void* value, ValueCase value_case) {
  fillAt(type, value, value_case, 0);
}

bool spoil(const TypeInfo& type, void* value, BadValue bad) { return spoilAt(type, value, bad, 0); }

}  // namespace strata::testing
