// strata::Json: one text for all spellings of a value, and a field of a record like any other.
#include "strata/records/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "strata/records/json_codec.h"
#include "strata/records/row_codec.h"
#include "strata/testing/printers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace json_test {

struct Message {
  std::string name = "fresh";
  Json metadata;
  std::optional<Json> usage;
  std::vector<Json> parts;
  std::map<std::string, Json> named;
  std::int32_t after = 1;
  friend bool operator==(const Message&, const Message&) = default;
};
BOOST_DESCRIBE_STRUCT(Message, (), (name, metadata, usage, parts, named, after))

}  // namespace json_test

template <>
struct Entity<json_test::Message> {
  static constexpr auto table = "messages";
  static constexpr KeySpace keys{"json_test", "message"};
  static std::string id(const json_test::Message& message) { return message.name; }
};

namespace json_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::Not;
using testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kDataLoss = absl::StatusCode::kDataLoss;

Json parsed(std::string_view text) {
  const auto json = Json::parse(text);
  EXPECT_THAT(json, IsOk()) << text;
  return json.value_or(Json());
}

// Also that the canonical text is its own.
std::string canonical(std::string_view text) {
  const Json json = parsed(text);
  EXPECT_EQ(parsed(json.text()), json) << text;
  return json.text();
}

std::string nested(std::size_t levels, std::string_view inmost = "") {
  return std::string(levels, '[') + std::string(inmost) + std::string(levels, ']');
}

TEST(Json, IsAnEmptyObjectUnlessSetAndAfterAMove) {
  EXPECT_EQ(Json().text(), "{}");
  EXPECT_EQ(Json(), parsed(" { } "));
  Json from = parsed("[1]");
  const Json made = std::move(from);
  EXPECT_EQ(made.text(), "[1]");
  EXPECT_EQ(from, Json());  // NOLINT(bugprone-use-after-move): that is the promise
  from = parsed("2");
  Json to;
  to = std::move(from);
  EXPECT_EQ(to.text(), "2");
  EXPECT_EQ(from, Json());  // NOLINT(bugprone-use-after-move)
}

TEST(Json, HasNoWhiteSpaceAndSortsKeysByTheirBytes) {
  EXPECT_EQ(canonical("\t{ \"b\" : [ 1 , { } ] ,\r\n \"a\" : null } "), R"({"a":null,"b":[1,{}]})");
  EXPECT_EQ(canonical(R"({"é":1,"z":2,"aa":3,"a":4,"":5,"Z":6,"a ":7})"),
            R"({"":5,"Z":6,"a":4,"a ":7,"aa":3,"z":2,"é":1})");
  EXPECT_EQ(canonical(R"({"a\"":1,"a!":2,"a#":3})"), R"({"a!":2,"a\"":1,"a#":3})")
      << "by the key, not by how it is spelt";
  EXPECT_EQ(canonical(R"([{"b":{"d":1,"c":2},"a":[{"f":3,"e":4}]},{"y":5,"x":6}])"),
            R"([{"a":[{"e":4,"f":3}],"b":{"c":2,"d":1}},{"x":6,"y":5}])");
}

TEST(Json, KeepsTheLastOfDuplicateKeys) {
  EXPECT_EQ(canonical(R"({"a":1,"a":2})"), R"({"a":2})");
  EXPECT_EQ(canonical(R"({"b":{"a":1},"a":[1,2],"b":0,"c":4,"\u0061":{"z":1,"z":[]}})"),
            R"({"a":{"z":[]},"b":0,"c":4})");
}

TEST(Json, EscapesNoMoreThanItMust) {
  EXPECT_EQ(canonical(R"("\u0041\/\u00e9\ud83c\udf89\b\f\n\r\t\"\\\u001f\u007f é 世界")"),
            "\"A/é🎉\\u0008\\u000c\\n\\r\\t\\\"\\\\\\u001f\x7f é 世界\"");
  const std::string tail(10'000, 'x');  // more than the parser's buffer for escapes
  EXPECT_EQ(canonical(R"({"k\u0061)" + tail + R"(":"\u0062)" + tail + "\"}"),
            R"({"ka)" + tail + R"(":"b)" + tail + "\"}");
}

TEST(Json, WritesWholeNumbersOf64BitsAsIntegers) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"0", "0"},
      {"-0", "0"},
      {"-0.0", "0"},
      {"0e9", "0"},
      {"-0.000E-7", "0"},
      {"1.0", "1"},
      {"1E2", "100"},
      {"1e+2", "100"},
      {"-12.50e1", "-125"},
      {"1000e-3", "1"},
      {"1e19", "10000000000000000000"},
      {"9223372036854775808", "9223372036854775808"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"-9223372036854775808.0", "-9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"18446744073709551615.00", "18446744073709551615"},
      {"1.8446744073709551615e19", "18446744073709551615"},
      {"9007199254740993", "9007199254740993"},
      {"9007199254740993e0", "9007199254740993"},
      {"1.0489478276541907e18", "1048947827654190700"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(canonical(text), expected) << text;
}

TEST(Json, WritesOtherNumbersAsTheShortestTextOfTheirDouble) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"0.10", "0.1"},
      {"-1.5e0", "-1.5"},
      {"5e-324", "5e-324"},
      {"4.9406564584124654e-324", "5e-324"},
      {"1e-400", "0"},
      {"-1e-400", "0"},
      {"1e22", "1e+22"},
      {"1" + std::string(300, '0'), "1e+300"},
      {"1" + std::string(300, '0') + ".000", "1e+300"},
      {"0." + std::string(323, '0') + "5", "5e-324"},
      {"1.7976931348623157e308", "1.7976931348623157e+308"},
      {"18446744073709551616", "18446744073709551616"},
      {"18446744073709552000", "18446744073709551616"},
      {"-9223372036854775809", "-9223372036854775808"},
      {"9007199254740993.2", "9007199254740994"},
      {"0.3000000000000000166533453693773481063544750213623046875", "0.30000000000000004"}};
  for (const auto& [text, expected] : cases) EXPECT_EQ(canonical(text), expected) << text;
}

TEST(Json, MayBeAnythingButNull) {
  for (const char* text : {"true", "false", "7", "0.5", R"("")", R"("x")", "[]", "[null]", "{}"}) {
    EXPECT_EQ(canonical(text), text);
  }
  EXPECT_THAT(Json::parse("null"), StatusIs(kInvalid, HasSubstr("null")));
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "nul",
                           "{'a':1}",
                           "[1,]",
                           "{\"a\":1,}",
                           "01",
                           "1.",
                           ".5",
                           "+1",
                           "NaN",
                           "Infinity",
                           "\"a",
                           "\"\t\"",
                           "\"\\ud800\"",
                           "\"\\udc00x\"",
                           "\"\xC3\x28\"",
                           "\"\xED\xA0\x80\"",
                           "[] []",
                           "// c\n1",
                           "1e99999999999",
                           "\"a\\x\""}) {
    EXPECT_EQ(Json::parse(text).status(), absl::InvalidArgumentError("not JSON")) << text;
  }
  EXPECT_THAT(Json::parse(std::string_view("1\0", 2)), StatusIs(kInvalid));
}

TEST(Json, RefusesWhatAStoreCannotGiveBackAndQuotesNothing) {
  const auto refused = [](std::string_view why) {
    return StatusIs(kInvalid, AllOf(HasSubstr(std::string(why)), Not(HasSubstr("s3cret"))));
  };
  EXPECT_THAT(Json::parse(R"({"a":["s3cret\u0000"]})"), refused("NUL"));
  EXPECT_THAT(Json::parse(R"({"s3cret\u0000":1})"), refused("NUL"));
  EXPECT_THAT(Json::parse(R"({"a":"\u0000","a":1})"), refused("NUL"));
  for (const std::string text : {"1e309", "-1e309", "1.7976931348623159e308"}) {
    EXPECT_THAT(Json::parse(text), refused("double")) << text;
    EXPECT_THAT(Json::parse("{\"s3cret\":[" + text + "]}"), refused("double")) << text;
  }
  EXPECT_THAT(Json::parse("1" + std::string(400, '0')), refused("double"));
}

TEST(Json, HasOneHundredLevelsAtMost) {
  EXPECT_EQ(canonical(nested(100)), nested(100));
  EXPECT_EQ(canonical(nested(100, "1")), nested(100, "1"));
  EXPECT_THAT(Json::parse(nested(101)), StatusIs(kInvalid, HasSubstr("100 levels")));
  EXPECT_THAT(Json::parse(std::string(1'000'000, '[')), StatusIs(kInvalid));
  // A field of a record has as many.
  const auto field = [](std::size_t levels) {
    return decodeJson<Message>(R"({"metadata":)" + nested(levels) + "}");
  };
  ASSERT_THAT(field(100), IsOk());
  EXPECT_EQ(field(100)->metadata.text(), nested(100));
  EXPECT_THAT(field(101), StatusIs(kDataLoss, HasSubstr("metadata: expected JSON of at most 100")));
}

TEST(Json, EqualsWhatDiffersOnlyInSpelling) {
  EXPECT_EQ(parsed(R"({"a":1.0,"b":[1E2]})"), parsed(R"({"b":[100],"a":1})"));
  EXPECT_NE(parsed(R"({"a":1})"), parsed(R"({"a":"1"})"));
  EXPECT_NE(parsed("[1,2]"), parsed("[2,1]"));
  EXPECT_NE(parsed("{}"), parsed("[]"));
}

// ---- Random values ----

std::uint64_t seed() {
  const char* given = std::getenv("STRATA_SEED");
  return given == nullptr ? std::random_device{}() : std::strtoull(given, nullptr, 10);
}

// Writes random JSON in a random spelling, so that the same choices can be spelt twice: `choices`
// decides what is said, `spelling` how.
class Writer {
 public:
  Writer(std::uint64_t choices, std::uint64_t spelling) : choices_(choices), spelling_(spelling) {}

  std::string value(int depth = 0) {
    const std::size_t kind = choices_() % (depth < 4 ? 8 : 6);
    if (kind == 0) return spaced("true");
    if (kind == 1) return spaced(depth == 0 ? "false" : "null");
    if (kind == 2) return spaced(integer());
    if (kind <= 4) return spaced(floating());
    if (kind == 5) return spaced(text());
    return spaced(kind == 6 ? array(depth) : object(depth));
  }

 private:
  std::string spaced(const std::string& text) {
    static constexpr std::array<std::string_view, 4> kSpaces{"", " ", "\n\t", "\r "};
    return std::string(kSpaces[spelling_() % 4]) + text + std::string(kSpaces[spelling_() % 4]);
  }

  // Of all magnitudes.
  std::string integer() {
    const std::uint64_t magnitude = choices_() >> (choices_() % 64);
    if (magnitude == 0) return spelling_() % 2 == 0 ? "0" : "-0.0";
    const bool is_negative = choices_() % 2 == 0 && magnitude <= 1ULL << 63;
    std::string digits = (is_negative ? "-" : "") + std::to_string(magnitude);
    const std::size_t zeros = spelling_() % 4;
    if (zeros == 0) return digits;
    if (zeros == 1) return digits + ".0E+0";
    return digits + std::string(zeros, '0') + "e-" + std::to_string(zeros);
  }

  std::string floating() {
    // The texts of one double from 2^53 to 2^64 may be those of different integers.
    const auto is_usable = [](double number) {
      return std::isfinite(number) && (std::fabs(number) < 0x1p53 || std::fabs(number) >= 0x1p64);
    };
    double number = HUGE_VAL;
    while (!is_usable(number)) number = std::bit_cast<double>(choices_());
    // Shortest, with 17 digits, or in full, as jsonb does.
    if (spelling_() % 3 == 0) return written(number, std::chars_format::scientific);
    if (spelling_() % 2 == 0) return written(number, std::chars_format::fixed);
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.17gE0", number);
    const std::string digits = text.data();
    return digits.find('e') == digits.npos ? digits : digits.substr(0, digits.find('E'));
  }

  static std::string written(double number, std::chars_format format) {
    std::array<char, 1200> text;
    return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number, format).ptr};
  }

  std::string text() {
    static constexpr std::array<std::pair<const char*, const char*>, 8> kSpellings{
        {{"a", "\\u0061"},
         {"é", "\\u00E9"},
         {"🎉", "\\ud83c\\udf89"},
         {"\\n", "\\u000a"},
         {"/", "\\/"},
         {"\\\"", "\\u0022"},
         {"~", "~"},
         {"世", "\\u4e16"}}};
    std::string text = "\"";
    for (std::size_t n = choices_() % 6; n > 0; --n) {
      const auto& [plain, escaped] = kSpellings[choices_() % kSpellings.size()];
      text += spelling_() % 2 == 0 ? plain : escaped;
    }
    return text + "\"";
  }

  std::string array(int depth) {
    std::string text = "[";
    for (std::size_t n = choices_() % 4; n > 0; --n) {
      text += value(depth + 1) + (n > 1 ? "," : "");
    }
    return text + (text == "[" ? spaced("") : "") + "]";
  }

  std::string object(int depth) {
    std::map<std::string, std::string> members;  // with one spelling for a key: none is twice there
    for (std::size_t n = choices_() % 5; n > 0; --n) {
      const std::string key = std::to_string(choices_() % 20);
      members[key] = "\"" + key + "\"" + spaced(":") + value(depth + 1);
    }
    std::vector<std::string> order;
    for (const auto& [key, member] : members) order.push_back(member);
    std::ranges::shuffle(order, spelling_);
    std::string text;
    for (const std::string& member : order) {
      // A duplicate before the one that counts.
      if (spelling_() % 8 == 0) text += member.substr(0, member.find(':') + 1) + "[0],";
      text += member + ",";
    }
    if (!text.empty()) text.pop_back();
    return "{" + text + spaced("") + "}";
  }

  std::mt19937_64 choices_;
  std::mt19937_64 spelling_;
};

TEST(Json, IsOneTextForAllSpellingsOfRandomValues) {
  const std::uint64_t chosen = seed();
  SCOPED_TRACE("STRATA_SEED=" + std::to_string(chosen));
  std::printf("STRATA_SEED=%llu\n", static_cast<unsigned long long>(chosen));
  std::mt19937_64 random(chosen);
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t choices = random();
    const std::string one = Writer(choices, random()).value();
    const std::string other = Writer(choices, random()).value();
    const std::string text = canonical(one);
    ASSERT_EQ(text, canonical(other)) << one << "\n" << other;
    const Message message{.metadata = parsed(text), .usage = parsed(one), .parts = {parsed(other)}};
    ASSERT_THAT(decodeJson<Message>(encodeJson(message)), IsOkAndHolds(message)) << one;
  }
}

// ---- As a field ----

Message sample() {
  return {.name = "m",
          .metadata = parsed(R"({"b":[1,{"a":null}],"a":"\u00e9"})"),
          .usage = parsed("0.5"),
          .parts = {parsed("[]"), parsed(R"("text")"), parsed("true"), Json()},
          .named = {{"k", parsed("[[]]")}, {"l", Json()}},
          .after = 2};
}

// B-7
TEST(JsonField, IsWrittenInPlaceAndReadBack) {
  const std::string text = encodeJson(sample());
  EXPECT_EQ(text, R"({"name":"m","metadata":{"a":"é","b":[1,{"a":null}]},"usage":0.5,)"
                  R"("parts":[[],"text",true,{}],"named":{"k":[[]],"l":{}},"after":2})");
  EXPECT_THAT(decodeJson<Message>(text), IsOkAndHolds(sample()));
  EXPECT_THAT(decodeJson<Message>(encodeJson(Message{})), IsOkAndHolds(Message{}));
  EXPECT_THAT(decodeJson<Json>(R"([{"b":1,"a":2}])"), IsOkAndHolds(parsed(R"([{"a":2,"b":1}])")));
  const Message message = sample();
  EXPECT_THAT(validate(typeInfo<Message>(), &message), IsOk());
}

TEST(JsonField, IsMadeCanonicalByTheReader) {
  const auto message = decodeJson<Message>(
      R"({"usage":{"b":1,"b":[2.0,-0.0,1E2],"a":18446744073709551615},"metadata":"\u0041\n",)"
      R"("parts":[7,18446744073709551615,1e2,false,"x",[[1]],{"d":{"c":0},"c":{}}],)"
      R"("named":{"x":{"\u0062":0,"a":{"é\t":[true,null]}}},"after":3})");
  ASSERT_THAT(message, IsOk());
  EXPECT_EQ(message->usage->text(), R"({"a":18446744073709551615,"b":[2,0,100]})");
  EXPECT_EQ(message->metadata.text(), R"("A\n")");
  EXPECT_THAT(message->parts,
              ::testing::ElementsAre(parsed("7"), parsed("18446744073709551615"), parsed("100"),
                                     parsed("false"), parsed(R"("x")"), parsed("[[1]]"),
                                     parsed(R"({"c":{},"d":{"c":0}})")));
  EXPECT_EQ(message->named.at("x").text(), R"({"a":{"é\t":[true,null]},"b":0})");
  EXPECT_EQ(message->after, 3) << "what comes after a Json is a field again";
}

TEST(JsonField, TakesANullForNoValue) {
  const auto message = decodeJson<Message>(
      R"({"metadata":null,"usage":null,"parts":[null],"named":{"k":null},"after":null})");
  ASSERT_THAT(message, IsOk());
  EXPECT_EQ(*message, (Message{.parts = {Json()}, .named = {{"k", Json()}}}));
  EXPECT_EQ(decodeJson<Message>(R"({"metadata":[null]})")->metadata.text(), "[null]");
  EXPECT_EQ(decodeJson<Message>(R"({"metadata":[1],"metadata":{}})")->metadata, Json());
}

// B-9
TEST(JsonField, NamesTheMemberThatHoldsWhatNoJsonMay) {
  const auto says = [](std::string_view text, std::string_view message) {
    EXPECT_EQ(decodeJson<Message>(text).status(), absl::DataLossError(std::string(message)))
        << text;
  };
  says(R"({"metadata":{"a":["\u0000"]},"after":"x"})",
       "metadata: expected JSON without a NUL in its texts");
  says(R"({"metadata":"\u0000"})", "metadata: expected JSON without a NUL in its texts");
  says(R"({"parts":[1,{"a":1e999}],"metadata":[1]})",
       "parts[1]: expected JSON with numbers in the range of a double");
  says(R"({"named":{"secret":1e999}})",
       "named[0]: expected JSON with numbers in the range of a double");
  says(R"({"metadata":{"a":[1})", "not JSON");
  says(R"({"metadata":[1],"after":[]})", "after: expected an integer");
  says(R"([])", "value: expected an object");
}

TEST(JsonField, IsAJsonbColumn) {
  EXPECT_EQ(columnType(typeInfo<Json>()), "jsonb");
  EXPECT_EQ(columnType(typeInfo<std::optional<Json>>()), "jsonb");
  const std::string sql = createTableSql<Message>();
  EXPECT_THAT(sql, HasSubstr("\"metadata\" jsonb NOT NULL DEFAULT '{}',\n  \"usage\" jsonb,\n"));
}

TEST(JsonField, IsReadFromAColumnAsPostgresqlSpellsIt) {
  const std::string text = R"({"a": [1.0, 0.0, null], "bb": 100, "aaa": {"z": "é", "yy": []}})";
  Json json;
  ASSERT_THAT(fromColumnText(typeInfo<Json>(), text, &json), IsOk());
  EXPECT_EQ(json.text(), R"({"a":[1,0,null],"aaa":{"yy":[],"z":"é"},"bb":100})");
  EXPECT_EQ(toColumnText(typeInfo<Json>(), &json), json.text());
  std::optional<Json> maybe;
  ASSERT_THAT(fromColumnText(typeInfo<std::optional<Json>>(), text, &maybe), IsOk());
  EXPECT_EQ(maybe, json);
  ASSERT_THAT(fromColumnText(typeInfo<std::optional<Json>>(), "null", &maybe), IsOk());
  EXPECT_EQ(maybe, std::nullopt);
  maybe = json;
  ASSERT_THAT(fromColumnText(typeInfo<std::optional<Json>>(), std::nullopt, &maybe), IsOk());
  EXPECT_EQ(maybe, std::nullopt);
  EXPECT_EQ(toColumnText(typeInfo<std::optional<Json>>(), &maybe), std::nullopt);
}

// B-9
TEST(JsonField, RefusesAColumnThatIsNoJson) {
  const absl::Status expected = absl::DataLossError("expected JSON");
  for (const std::string text : {"", "s3cret", "{\"a\":1", "1e999", "\"\\u0000\""}) {
    Json json;
    std::optional<Json> maybe;
    EXPECT_EQ(fromColumnText(typeInfo<Json>(), text, &json), expected) << text;
    EXPECT_EQ(fromColumnText(typeInfo<std::optional<Json>>(), text, &maybe), expected) << text;
  }
}

TEST(JsonField, HasAFingerprintOfItsOwn) {
  EXPECT_NE(fingerprint(typeInfo<Json>()), fingerprint(typeInfo<std::string>()));
  EXPECT_NE(fingerprint(typeInfo<Json>()), fingerprint(typeInfo<std::optional<Json>>()));
}

}  // namespace
}  // namespace json_test
}  // namespace strata
