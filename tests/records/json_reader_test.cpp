// readJson against what it must do with every kind of text, and against a slower reader over
// Boost.JSON's tree, on texts with random damage.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <map>
#include <random>
#include <unordered_map>

#include "src/records/scalars.h"
#include "strata/records/json_codec.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace json_reader_test {
namespace json = boost::json;

enum class Mood { kCalm, kVeryBad };
BOOST_DESCRIBE_ENUM(Mood, kCalm, kVeryBad)

struct Part {
  std::string name = "part";
  std::int16_t size = 4;
  friend bool operator==(const Part&, const Part&) = default;
};
BOOST_DESCRIBE_STRUCT(Part, (), (name, size))

struct Whole {
  std::string text = "fresh";
  std::int32_t count = 1;
  std::uint64_t large = 2;
  float f = 0.5F;
  double d = 1.5;
  bool flag = true;
  Mood mood = Mood::kVeryBad;
  Timestamp at;
  Part part{.name = "inner", .size = 9};
  std::optional<Part> maybe = Part{};
  std::vector<Part> parts;
  std::vector<std::optional<std::int32_t>> gaps;
  std::vector<std::vector<std::string>> grid = {{"x"}};
  std::vector<bool> bits;
  std::optional<std::vector<bool>> maybe_bits;
  std::map<std::string, std::vector<Part>> shelves;
  std::map<std::string, std::optional<bool>> votes;
  std::unordered_map<std::string, Part> named;
  Json json;
  std::vector<std::optional<Json>> jsons;
  friend bool operator==(const Whole&, const Whole&) = default;
};
BOOST_DESCRIBE_STRUCT(Whole, (),
                      (text, count, large, f, d, flag, mood, at, part, maybe, parts, gaps, grid,
                       bits, maybe_bits, shelves, votes, named, json, jsons))

namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

absl::Status statusOf(std::string_view text) { return decodeJson<Whole>(text).status(); }

// ---- The oracle: a tree, then a walk over it ----

struct TreeHandler {
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();
  using Error = json::error_code;
  using View = json::string_view;

  TreeHandler() { stack.reset(); }

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return true; }
  bool on_array_begin(Error&) { return true; }
  bool on_object_end(std::size_t n, Error&) {
    members += n;
    return stack.push_object(n), true;
  }
  bool on_array_end(std::size_t n, Error&) { return stack.push_array(n), true; }
  bool on_key_part(View text, std::size_t, Error&) { return stack.push_chars(text), true; }
  bool on_key(View text, std::size_t, Error&) { return stack.push_key(text), true; }
  bool on_string_part(View text, std::size_t, Error&) { return stack.push_chars(text), true; }
  bool on_string(View text, std::size_t, Error&) { return stack.push_string(text), true; }
  bool on_number_part(View, Error&) { return true; }
  bool on_int64(std::int64_t number, View, Error&) { return stack.push_int64(number), true; }
  bool on_uint64(std::uint64_t number, View, Error&) { return stack.push_uint64(number), true; }
  bool on_double(double number, View text, Error&) {
    std::from_chars(text.data(), text.data() + text.size(), number);
    return stack.push_double(number), true;
  }
  bool on_bool(bool value, Error&) { return stack.push_bool(value), true; }
  bool on_null(Error&) { return stack.push_null(), true; }
  bool on_comment_part(View, Error&) { return true; }
  bool on_comment(View, Error&) { return true; }

  std::size_t members = 0;
  json::value_stack stack;
};

std::size_t membersIn(const json::value& value) {
  std::size_t count = 0;
  if (const json::array* array = value.if_array()) {
    for (const json::value& element : *array) count += membersIn(element);
  } else if (const json::object* object = value.if_object()) {
    for (const auto& member : *object) count += 1 + membersIn(member.value());
  }
  return count;
}

absl::Status fill(const TypeInfo& type, const json::value& from, void* to);

bool fillScalar(const TypeInfo& type, const json::value& from, void* to) {
  if (internal::isInteger(type.kind)) {
    if (from.is_int64()) return internal::setSigned(type.kind, from.get_int64(), to);
    return from.is_uint64() && internal::setUnsigned(type.kind, from.get_uint64(), to);
  }
  if (internal::isFloating(type.kind)) {
    if (!from.is_number()) return false;
    const auto number = from.to_number<double>();
    return std::isfinite(number) && internal::setFloating(type.kind, number, to);
  }
  if (type.kind == Kind::kBool) {
    if (from.is_bool()) *static_cast<bool*>(to) = from.get_bool();
    return from.is_bool();
  }
  if (!from.is_string()) return false;
  const std::string_view text(from.get_string().data(), from.get_string().size());
  if (type.kind == Kind::kEnum) return internal::setEnumName(type, text, to);
  if (type.kind == Kind::kString) {
    *static_cast<std::string*>(to) = text;
    return true;
  }
  const auto time = parseTimestamp(text);
  if (time) *static_cast<Timestamp*>(to) = *time;
  return time.has_value();
}

absl::Status fillList(const TypeInfo& type, const json::array& from, void* to) {
  type.list->clear(to);
  for (const json::value& element : from) {
    absl::Status status =
        type.list->append(to, [&](void* filled) { return fill(type.element(), element, filled); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status fillMap(const TypeInfo& type, const json::object& from, void* to) {
  type.map->clear(to);
  for (const auto& member : from) {
    const std::string_view key(member.key().data(), member.key().size());
    absl::Status status = type.map->insert(
        to, key, [&](void* filled) { return fill(type.element(), member.value(), filled); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status fillStruct(const TypeInfo& type, const json::object& from, void* to) {
  for (const Field& field : type.fields) {
    const json::value* member = from.if_contains({field.name.data(), field.name.size()});
    if (member == nullptr) continue;
    absl::Status status = fill(field.type(), *member, field.address(to));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status fillJson(const json::value& from, void* to) {
  const std::string text = json::serialize(from);
  const auto parsed = Json::parse(text);
  if (!parsed.ok()) return absl::DataLossError("type");
  *static_cast<Json*>(to) = *parsed;
  return absl::OkStatus();
}

absl::Status fill(const TypeInfo& type, const json::value& from, void* to) {
  if (type.kind == Kind::kOptional) {
    if (!from.is_null()) return fill(type.element(), from, type.optional->emplace(to));
    type.optional->reset(to);
  }
  if (from.is_null()) return absl::OkStatus();
  if (type.kind == Kind::kJson) return fillJson(from, to);
  if (type.kind == Kind::kList && from.is_array()) return fillList(type, from.get_array(), to);
  if (type.kind == Kind::kMap && from.is_object()) return fillMap(type, from.get_object(), to);
  if (type.kind == Kind::kStruct && from.is_object()) {
    return fillStruct(type, from.get_object(), to);
  }
  const bool nested = type.kind >= Kind::kList;
  return !nested && fillScalar(type, from, to) ? absl::OkStatus() : absl::DataLossError("type");
}

struct Expected {
  absl::StatusOr<Whole> value = absl::DataLossError("not JSON");
  bool has_duplicates = false;  // where the tree and the reader may differ
};

Expected expectedOf(std::string_view text) {
  json::parse_options options;
  options.max_depth = 200;
  json::basic_parser<TreeHandler> parser(options);
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error || used != text.size()) return {};
  const json::value tree = parser.handler().stack.release();
  Whole whole;
  const absl::Status status = fill(typeInfo<Whole>(), tree, &whole);
  const bool has_duplicates = membersIn(tree) != parser.handler().members;
  if (!status.ok()) return {status, has_duplicates};
  return {whole, has_duplicates};
}

// ---- Random values and random damage ----

std::string textFrom(const std::vector<std::uint8_t>& bytes) {
  std::string text;
  for (std::uint8_t byte : bytes) text += static_cast<char>(byte % 127 + 1);
  return text;
}

Part randomPart() {
  return {.name = textFrom(*rc::gen::arbitrary<std::vector<std::uint8_t>>()),
          .size = *rc::gen::arbitrary<std::int16_t>()};
}

Whole randomWhole() {
  const auto bytes = [] { return *rc::gen::arbitrary<std::vector<std::uint8_t>>(); };
  Whole whole{.text = textFrom(bytes()),
              .count = *rc::gen::arbitrary<std::int32_t>(),
              .large = *rc::gen::arbitrary<std::uint64_t>(),
              .d = *rc::gen::arbitrary<double>(),
              .flag = *rc::gen::arbitrary<bool>(),
              .mood = *rc::gen::arbitrary<bool>() ? Mood::kCalm : Mood::kVeryBad,
              .at = kMaxTimestamp - std::chrono::seconds(*rc::gen::arbitrary<std::uint32_t>()),
              .part = randomPart(),
              .maybe = std::nullopt,
              .grid = {},
              .bits = *rc::gen::arbitrary<std::vector<bool>>()};
  if (whole.flag) whole.maybe = randomPart();
  if (!whole.flag) whole.maybe_bits = whole.bits;
  for (std::uint8_t byte : bytes()) {
    whole.parts.push_back(randomPart());
    whole.gaps.push_back(byte % 2 == 0 ? std::nullopt : std::optional<std::int32_t>(byte));
    whole.grid.push_back(std::vector<std::string>(byte % 3, textFrom({byte, byte})));
    whole.shelves[textFrom({byte})].resize(byte % 4);
    whole.votes[textFrom({byte, 33})] =
        byte % 3 == 0 ? std::nullopt : std::optional<bool>(byte % 3 == 1);
    whole.named[textFrom(bytes())] = randomPart();
  }
  return whole;
}

Whole sample() {
  return {.text = "a \"quoted\" line\nand zażółć",
          .d = 0.1,
          .at = kMinTimestamp,
          .parts = {{"a", 1}, {"b", 2}},
          .gaps = {1, std::nullopt, 3},
          .grid = {{"p", "q\t"}, {}, {"r"}},
          .bits = {true, false},
          .maybe_bits = std::vector<bool>{true},
          .shelves = {{"k\n", {{"c", 3}}}, {"l", {}}},
          .votes = {{"yes", true}, {"none", std::nullopt}},
          .named = {{"n", {"d", 4}}},
          .json = Json::parse(R"({"a":[1,0.5,"x\t",{"b":null}],"c":{}})").value(),
          .jsons = {Json(), std::nullopt, Json::parse("[[true],-7]").value()}};
}

class Damage {
 public:
  explicit Damage(std::uint64_t seed) : random_(seed) {}

  std::string of(std::string text) {
    for (std::size_t n = below(3) + 1; n > 0; --n) once(text);
    return text;
  }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }

  // Where something begins or ends, so that the damage is often still JSON.
  std::size_t anywhere(const std::string& text) {
    const std::size_t at = below(text.size() + 1);
    if (below(4) == 0) return at;
    return std::min(text.find_first_of(",:{}[]", at), text.size());
  }

  void once(std::string& text) {
    static constexpr std::array<std::string_view, 24> pieces{"null",
                                                             "true",
                                                             "1",
                                                             "-1",
                                                             "99999",
                                                             "18446744073709551615",
                                                             "99999999999999999999",
                                                             "1.5",
                                                             "1e999",
                                                             "1e39",
                                                             "-0.0",
                                                             "\"x\"",
                                                             "\"very_bad\"",
                                                             "{}",
                                                             "[]",
                                                             "[null]",
                                                             "{\"a\":[1,{}]}",
                                                             ",",
                                                             "\"text\":",
                                                             ",\"new\":[{\"name\":1}]",
                                                             "\\u0041",
                                                             "\xC3",
                                                             "\"",
                                                             "}"};
    const std::size_t from = anywhere(text);
    const std::size_t length = below(3) == 0 ? 0 : anywhere(text.substr(from));
    switch (below(4)) {
      case 0:  // another value in place of one
        if (from < text.size()) {
          const std::size_t end = std::min(text.find_first_of(",:{}[]", from + 1), text.size());
          text.replace(from + 1, end - from - 1, pieces[below(pieces.size())]);
        }
        break;
      case 1:
        text.insert(from, pieces[below(pieces.size())]);
        break;
      case 2:
        text.erase(from, length);
        break;
      default:
        if (from < text.size()) text[from] = static_cast<char>(below(256));
        break;
    }
  }

  std::mt19937_64 random_;
};

std::uint64_t seed() {
  const char* given = std::getenv("STRATA_SEED");
  return given == nullptr ? std::random_device{}() : std::strtoull(given, nullptr, 10);
}

// B-7
TEST(JsonReader, ReadsBackAnyNestedValue) {
  EXPECT_THAT(decodeJson<Whole>(encodeJson(sample())), IsOkAndHolds(sample()));
  const bool holds = rc::check([] {
    const Whole whole = randomWhole();
    const auto read = decodeJson<Whole>(encodeJson(whole));
    RC_ASSERT(read.ok());
    RC_ASSERT(*read == whole);
  });
  EXPECT_TRUE(holds);
}

TEST(JsonReader, AgreesWithAWalkOverATreeOnDamagedTexts) {
  const std::uint64_t chosen = seed();
  SCOPED_TRACE("STRATA_SEED=" + std::to_string(chosen));
  std::printf("STRATA_SEED=%llu\n", static_cast<unsigned long long>(chosen));
  Damage damage(chosen);
  const std::string intact = encodeJson(sample());
  int read = 0;
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = damage.of(intact);
    const auto actual = decodeJson<Whole>(text);
    const Expected expected = expectedOf(text);
    if (expected.has_duplicates) continue;
    ASSERT_EQ(actual.status().code(), expected.value.status().code()) << text;
    ASSERT_EQ(actual.status().message() == "not JSON",
              expected.value.status().message() == "not JSON")
        << text;
    if (actual.ok()) {
      ASSERT_EQ(*actual, *expected.value) << text;
    }
    read += actual.ok() ? 1 : 0;
    refused += !actual.ok() && actual.status().message() != "not JSON" ? 1 : 0;
  }
  EXPECT_GT(read, 500) << "the damage leaves too little JSON to compare";
  EXPECT_GT(refused, 500);
}

TEST(JsonReader, ReadsMembersInAnyOrderAndIgnoresUnknownOnesWhateverTheyHold) {
  const auto whole = decodeJson<Whole>(
      R"({"d":2,"x":{"text":[{"text":1}],"y":{}},"count":5,"z":[[],[{"count":6}]],"u":"a\n","text":"t"})");
  ASSERT_THAT(whole, IsOk());
  Whole expected;
  expected.d = 2;
  expected.count = 5;
  expected.text = "t";
  EXPECT_EQ(*whole, expected);
}

TEST(JsonReader, ReadsNullByWhatItStandsFor) {
  const auto whole = decodeJson<Whole>(
      R"({"part":null,"grid":null,"maybe":null,"parts":[null],"bits":[null,true],"gaps":[null],)"
      R"("votes":{"v":null},"named":{"n":null},"at":null,"mood":null,"flag":null})");
  ASSERT_THAT(whole, IsOk());
  Whole expected;
  expected.maybe = std::nullopt;
  expected.parts = {Part{}};
  expected.bits = {false, true};
  expected.gaps = {std::nullopt};
  expected.votes = {{"v", std::nullopt}};
  expected.named = {{"n", Part{}}};
  EXPECT_EQ(*whole, expected);
  EXPECT_THAT(decodeJson<Whole>("null"), IsOkAndHolds(Whole{}));
  EXPECT_THAT(decodeJson<std::vector<bool>>("[true,null]"),
              IsOkAndHolds(std::vector<bool>{true, false}));
}

TEST(JsonReader, WhatAStructDoesNotMentionKeepsItsDefault) {
  EXPECT_EQ(decodeJson<Whole>(R"({"part":{"size":1}})")->part, (Part{"inner", 1}));
  EXPECT_EQ(decodeJson<Whole>(R"({"maybe":{"size":1}})")->maybe, (Part{"part", 1}));
}

TEST(JsonReader, TheLastOfADuplicateMemberCounts) {
  const auto whole = decodeJson<Whole>(
      R"({"count":1,"count":2,"text":"a","text":"b","gaps":[1,2],"gaps":[3],)"
      R"("votes":{"a":true},"votes":{"b":true,"b":null},"named":{"n":{"size":1},"n":{"name":"x"}},)"
      R"("maybe":{"size":1},"maybe":{"name":"y"},"part":{"size":1},"part":{"name":"z"}})");
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(whole->count, 2);
  EXPECT_EQ(whole->text, "b");
  EXPECT_EQ(whole->gaps, (std::vector<std::optional<std::int32_t>>{3}));
  EXPECT_EQ(whole->votes, (std::map<std::string, std::optional<bool>>{{"b", std::nullopt}}));
  EXPECT_EQ(whole->named.at("n"), (Part{"x", 4}));
  EXPECT_EQ(whole->maybe, (Part{"y", 4}));
  EXPECT_EQ(whole->part, (Part{"z", 1})) << "a struct in place is read over the first one";
}

TEST(JsonReader, ReadsTextsAndKeysThatComeInParts) {
  const std::string tail(10'000, 'x');  // more than the parser's buffer for escapes
  const auto whole =
      decodeJson<Whole>(R"({"te\u0078t":"a\n\u00e9\ud83c\udf89)" + tail +
                        R"(","mood":"very\u005fbad","at":"2026\u002d01-31T00:00:00Z",)"
                        R"("named":{"k\t)" +
                        tail + R"(":{"n\u0061me":"\\"}}})");
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(whole->text, "a\né🎉" + tail);
  EXPECT_EQ(whole->mood, Mood::kVeryBad);
  EXPECT_EQ(formatTimestamp(whole->at), "2026-01-31T00:00:00.000000Z");
  EXPECT_EQ(whole->named.at("k\t" + tail).name, "\\");
}

// B-9
TEST(JsonReader, SaysWhatItExpectedAndWhere) {
  const auto says = [](std::string_view text, std::string_view message) {
    EXPECT_EQ(statusOf(text), absl::DataLossError(std::string(message))) << text;
  };
  says("[]", "value: expected an object");
  says("1", "value: expected an object");
  says(R"({"count":1.5})", "count: expected an integer");
  says(R"({"count":"1"})", "count: expected an integer");
  says(R"({"count":4294967296})", "count: expected an integer in range");
  says(R"({"count":18446744073709551615})", "count: expected an integer in range");
  says(R"({"d":true})", "d: expected a number");
  says(R"({"f":1e39})", "f: expected a number in range");
  says(R"({"flag":0})", "flag: expected true or false");
  says(R"({"text":[]})", "text: expected a string");
  says(R"({"mood":1})", "mood: expected a string");
  says(R"({"mood":"wild"})", "mood: expected one of the names of its enum");
  says(R"({"at":"noon"})", "at: expected an RFC 3339 time");
  says(R"({"bits":[true,1]})", "bits[1]: expected true or false");
  says(R"({"parts":{}})", "parts: expected an array");
  says(R"({"grid":[[],["a",{}]]})", "grid[1][1]: expected a string");
  says(R"({"shelves":{"a":[],"b":[{},{"size":[]}]}})", "shelves[1][1].size: expected an integer");
  says(R"({"maybe":{"size":40000}})", "maybe.size: expected an integer in range");
  says(R"({"count":"x","d":"y"})", "count: expected an integer");
}

TEST(JsonReader, SaysFirstWhetherItIsJsonAtAll) {
  for (const char* text : {R"({"count":"x")", R"({"count":"x"} {})", R"({"count":1,})", "{'a':1}",
                           R"({"count":[[}]]})", R"({"d":01})", R"({"d":1e99999999999})", "nul"}) {
    EXPECT_EQ(statusOf(text), absl::DataLossError("not JSON")) << text;
  }
  EXPECT_THAT(statusOf(" {\"count\" : 1 } \n"), IsOk());
}

TEST(JsonReader, ReadsTwoHundredLevelsAndNoMore) {
  const auto nested = [](int levels) {
    return R"({"new":)" + std::string(levels - 1, '[') + std::string(levels - 1, ']') + "}";
  };
  EXPECT_THAT(statusOf(nested(200)), IsOk());
  EXPECT_THAT(statusOf(nested(201)), StatusIs(kDataLoss, HasSubstr("not JSON")));
}

}  // namespace
}  // namespace json_reader_test
}  // namespace strata
