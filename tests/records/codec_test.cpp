// The description of a type, and what is derived from it: JSON, columns, DDL, fingerprint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cmath>
#include <limits>
#include <map>

#include "strata/records/json_codec.h"
#include "strata/records/row_codec.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace codec_test {

// A name that is not in our style is stored as it is.
enum class Color { kRed, kDarkBlue, plain };  // NOLINT(readability-identifier-naming)
BOOST_DESCRIBE_ENUM(Color, kRed, kDarkBlue, plain)

struct Point {
  double x = 0;
  double y = 0;
  friend bool operator==(const Point&, const Point&) = default;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, y))

struct Everything {
  std::int8_t i8 = 0;
  std::uint16_t u16 = 0;
  std::int64_t i64 = 0;
  std::uint64_t u64 = 0;
  float f = 0;
  double d = 0;
  bool flag = true;
  std::string text = "fresh";
  std::optional<int> maybe = 7;
  std::vector<Point> points;
  std::vector<bool> bits;
  std::map<std::string, std::int32_t> counts;
  Color color = Color::kDarkBlue;
  Timestamp at;
  friend bool operator==(const Everything&, const Everything&) = default;
};
BOOST_DESCRIBE_STRUCT(Everything, (),
                      (i8, u16, i64, u64, f, d, flag, text, maybe, points, bits, counts, color, at))

struct Tree {
  std::string name;
  std::vector<Tree> children;
};
BOOST_DESCRIBE_STRUCT(Tree, (), (name, children))

struct Flag {
  std::string name;
  bool enabled = false;
  std::vector<std::string> audiences;
  std::optional<std::string> owner;
  std::string order = "it's";
};
BOOST_DESCRIBE_STRUCT(Flag, (), (name, enabled, audiences, owner, order))

struct Member {
  std::string tenant;
  std::string user;
  std::int32_t level = 1;
};
BOOST_DESCRIBE_STRUCT(Member, (), (tenant, user, level))

// A member that the description left out was kept in memory and lost in PostgreSQL and in caches.
// Such a struct does not compile as a record: makeTypeInfo asserts what follows.
struct Forgetful {
  std::string name;
  std::optional<int> left_out;
};
BOOST_DESCRIBE_STRUCT(Forgetful, (), (name))
struct ForgetsAnArray {
  std::string name;
  char left_out[16] = {};
};
BOOST_DESCRIBE_STRUCT(ForgetsAnArray, (), (name))
struct ForgetsAll {
  std::vector<Point> left_out;
};
BOOST_DESCRIBE_STRUCT(ForgetsAll, (), ())
struct NothingToForget {};
BOOST_DESCRIBE_STRUCT(NothingToForget, (), ())
struct Derived : Point {
  int z = 0;
};
BOOST_DESCRIBE_STRUCT(Derived, (Point), (z))
struct OverAnEmptyBase : NothingToForget {
  int z = 0;
};
BOOST_DESCRIBE_STRUCT(OverAnEmptyBase, (), (z))
// Cannot be counted.
class WithAConstructor {
 public:
  WithAConstructor() {}
  int z = 0;
  int left_out = 0;
};
BOOST_DESCRIBE_STRUCT(WithAConstructor, (), (z))

using internal::has_every_member;
static_assert(has_every_member<Everything> && has_every_member<Tree>);
static_assert(has_every_member<NothingToForget> && has_every_member<Derived>);
static_assert(has_every_member<OverAnEmptyBase> && has_every_member<WithAConstructor>);
static_assert(!has_every_member<Forgetful> && !has_every_member<ForgetsAnArray>);
static_assert(!has_every_member<ForgetsAll>);

}  // namespace codec_test

template <>
struct Entity<codec_test::Flag> {
  static constexpr auto table = "flags";
  static constexpr KeySpace keys{"flags", "flag"};
  static std::string id(const codec_test::Flag& flag) { return flag.name; }
};

template <>
struct Entity<codec_test::Member> {
  static constexpr auto table = "app.members";
  static constexpr KeySpace keys{"members", "member"};
  static constexpr std::array<std::string_view, 2> key_columns{"tenant", "user"};
  static Id id(const codec_test::Member& member) { return {member.tenant, member.user}; }
};

namespace codec_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::Not;
using testing::StatusIs;

constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

Everything extreme() {
  return {.i8 = std::numeric_limits<std::int8_t>::min(),
          .u16 = std::numeric_limits<std::uint16_t>::max(),
          .i64 = std::numeric_limits<std::int64_t>::min(),
          .u64 = std::numeric_limits<std::uint64_t>::max(),
          .f = std::numeric_limits<float>::denorm_min(),
          .d = std::numeric_limits<double>::max(),
          .flag = false,
          .text = "quote \" backslash \\ line\nbell\a zażółć 🎉",
          .maybe = std::nullopt,
          .points = {{0.1, -0.3}, {5e-324, 1e300}},
          .bits = {true, false, true},
          .counts = {{"", 1}, {"ключ", -2}},
          .color = Color::kRed,
          .at = kMaxTimestamp};
}

TEST(JsonCodec, WritesFieldsInTheOrderOfTheDescription) {
  EXPECT_EQ(encodeJson(Flag{.name = "a", .audiences = {"x", "y"}}),
            R"({"name":"a","enabled":false,"audiences":["x","y"],"owner":null,"order":"it's"})");
  EXPECT_EQ(encodeJson(Tree{}), R"({"name":"","children":[]})");
}

// B-7
TEST(JsonCodec, RoundTripsExtremes) {
  EXPECT_THAT(decodeJson<Everything>(encodeJson(extreme())), IsOkAndHolds(extreme()));
  EXPECT_THAT(decodeJson<Everything>(encodeJson(Everything{})), IsOkAndHolds(Everything{}));
}

// B-7
TEST(JsonCodec, RoundTripsEveryFiniteNumberExactly) {
  const bool holds = rc::check([](double x, double y, std::int64_t i, std::uint64_t u) {
    const Everything in{.i64 = i, .u64 = u, .d = x, .points = {{x, y}}};
    const auto out = decodeJson<Everything>(encodeJson(in));
    RC_ASSERT(out.ok());
    RC_ASSERT(*out == in);
  });
  EXPECT_TRUE(holds);
}

// B-7
TEST(JsonCodec, RoundTripsDoublesOfEveryExponent) {
  const bool holds = rc::check([](std::uint64_t bits) {
    const auto number = std::bit_cast<double>(bits);
    RC_PRE(std::isfinite(number));
    RC_ASSERT(decodeJson<Point>(encodeJson(Point{number, 0}))->x == number);
    const auto small = std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    RC_PRE(std::isfinite(small));
    RC_ASSERT(decodeJson<Everything>(encodeJson(Everything{.f = small}))->f == small);
  });
  EXPECT_TRUE(holds);
}

// B-7
TEST(JsonCodec, RoundTripsAnyText) {
  const bool holds = rc::check([](const std::vector<std::uint16_t>& code_units) {
    std::string text;  // every code point below the surrogates
    for (std::uint16_t unit : code_units) {
      const unsigned c = unit % 0xD800;
      if (c < 0x80) text += static_cast<char>(c == 0 ? 1 : c);
      if (c >= 0x80 && c < 0x800)
        text += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
      if (c >= 0x800) {
        text += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
                 static_cast<char>(0x80 | (c & 0x3F))};
      }
    }
    const Tree tree{.name = text};
    RC_ASSERT(validate(typeInfo<Tree>(), &tree).ok());
    RC_ASSERT(decodeJson<Tree>(encodeJson(tree))->name == text);
  });
  EXPECT_TRUE(holds);
}

// The shortest text of the largest float is larger than it, and was once refused as out of range.
TEST(JsonCodec, RoundTripsTheLargestFloats) {
  for (const float number :
       {std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest()}) {
    EXPECT_EQ(decodeJson<Everything>(encodeJson(Everything{.f = number}))->f, number);
  }
  EXPECT_THAT(decodeJson<Everything>(R"({"f":3.4028236e38})"), StatusIs(kDataLoss));
}

TEST(JsonCodec, IsLenientTowardsOtherVersionsOfTheType) {
  const auto decoded = decodeJson<Everything>(R"({"i8":3,"newer":{"a":[1]},"text":null})");
  ASSERT_THAT(decoded, IsOk());
  EXPECT_EQ(decoded->i8, 3);
  EXPECT_EQ(decoded->text, "fresh") << "a null that is no optional keeps the default";
  EXPECT_EQ(decoded->maybe, 7) << "an absent optional keeps its default";
  EXPECT_EQ(decodeJson<Everything>(R"({"maybe":null})")->maybe, std::nullopt);
  EXPECT_EQ(decodeJson<Everything>(R"({"d":5})")->d, 5.0);
}

// B-9
TEST(JsonCodec, NamesTheMemberAndNotItsValueWhenTheTypeIsWrong) {
  const auto bad = [](std::string_view json) { return decodeJson<Everything>(json).status(); };
  EXPECT_THAT(bad(R"({"points":[{"x":1},{"x":"hunter2"}]})"),
              StatusIs(kDataLoss, AllOf(HasSubstr("points[1].x"), Not(HasSubstr("hunter2")))));
  EXPECT_THAT(bad(R"({"i8":128})"), StatusIs(kDataLoss, HasSubstr("i8")));
  EXPECT_THAT(bad(R"({"u16":-1})"), StatusIs(kDataLoss, HasSubstr("u16")));
  EXPECT_THAT(bad(R"({"f":1e39})"), StatusIs(kDataLoss, HasSubstr("f")));
  EXPECT_THAT(bad(R"({"d":1e999})"), StatusIs(kDataLoss, HasSubstr("d")));
  EXPECT_THAT(bad(R"({"color":"green"})"), StatusIs(kDataLoss, HasSubstr("color")));
  EXPECT_THAT(bad(R"({"at":"yesterday"})"), StatusIs(kDataLoss, HasSubstr("at")));
  EXPECT_THAT(bad(R"({"counts":{"secret":"x"}})"),
              StatusIs(kDataLoss, AllOf(HasSubstr("counts[0]"), Not(HasSubstr("secret")))));
  EXPECT_THAT(bad("{\"text\":\"\xC3\x28\"}"), StatusIs(kDataLoss));
  EXPECT_THAT(bad("{} x"), StatusIs(kDataLoss));
  EXPECT_THAT(bad(""), StatusIs(kDataLoss));
}

TEST(JsonCodec, SurvivesAnyBytes) {
  const bool holds = rc::check([](const std::string& bytes) {
    decodeJson<Everything>(bytes).IgnoreError();  // whatever it says, it comes back
    decodeJson<Tree>(bytes).IgnoreError();
  });
  EXPECT_TRUE(holds);
}

TEST(JsonCodec, RefusesWhatIsTooDeepForTheStack) {
  std::string json;
  for (int i = 0; i < 100'000; ++i) json += R"({"children":[)";
  EXPECT_THAT(decodeJson<Tree>(json), StatusIs(kDataLoss));
}

TEST(Enums, AreStoredInSnakeCaseWithoutTheirPrefix) {
  EXPECT_EQ(internal::storedEnumeratorName("kDarkBlue"), "dark_blue");
  EXPECT_EQ(internal::storedEnumeratorName("kHTTPError"), "http_error");
  EXPECT_EQ(internal::storedEnumeratorName("plain"), "plain");
  EXPECT_EQ(internal::storedEnumeratorName("k"), "k");
  EXPECT_EQ(internal::storedEnumeratorName("kind"), "kind");
}

TEST(Validate, RefusesWhatSomeStoreCannotHold) {
  const auto check = [](const Everything& e) { return validate(typeInfo<Everything>(), &e); };
  EXPECT_THAT(check(extreme()), IsOk());
  EXPECT_THAT(check({.d = std::nan("")}), StatusIs(kInvalid, HasSubstr("d is not a finite")));
  EXPECT_THAT(check({.f = HUGE_VALF}), StatusIs(kInvalid, HasSubstr("f ")));
  EXPECT_THAT(check({.text = std::string("a\0b", 3)}), StatusIs(kInvalid, HasSubstr("text")));
  EXPECT_THAT(check({.text = "\xFF"}), StatusIs(kInvalid, HasSubstr("text is not UTF-8")));
  EXPECT_THAT(check({.points = {{}, {.y = HUGE_VAL}}}),
              StatusIs(kInvalid, HasSubstr("points[1].y")));
  EXPECT_THAT(check({.counts = {{"\xFF", 1}}}), StatusIs(kInvalid, HasSubstr("counts")));
  EXPECT_THAT(check({.color = static_cast<Color>(9)}), StatusIs(kInvalid, HasSubstr("color")));
  EXPECT_THAT(check({.at = kMaxTimestamp + std::chrono::microseconds(1)}),
              StatusIs(kInvalid, HasSubstr("at")));
}

TEST(RowCodec, GivesEveryKindItsColumn) {
  std::map<std::string_view, std::string_view> columns;
  for (const Field& field : typeInfo<Everything>().fields) {
    columns[field.name] = columnType(field.type());
  }
  EXPECT_EQ(columns["i8"], "smallint");
  EXPECT_EQ(columns["u16"], "integer");
  EXPECT_EQ(columns["i64"], "bigint");
  EXPECT_EQ(columns["u64"], "numeric(20)");
  EXPECT_EQ(columns["f"], "real");
  EXPECT_EQ(columns["d"], "double precision");
  EXPECT_EQ(columns["flag"], "boolean");
  EXPECT_EQ(columns["text"], "text");
  EXPECT_EQ(columns["maybe"], "integer");
  EXPECT_EQ(columns["points"], "jsonb");
  EXPECT_EQ(columns["color"], "text");
  EXPECT_EQ(columns["at"], "timestamptz");
}

TEST(RowCodec, RoundTripsEveryColumn) {
  const Everything in = extreme();
  Everything out;
  for (const Field& field : typeInfo<Everything>().fields) {
    auto text = toColumnText(field.type(), field.in(&in));
    if (field.name == "flag") text = text == "true" ? "t" : "f";  // as PostgreSQL answers
    const auto view = text ? std::optional<std::string_view>(*text) : std::nullopt;
    EXPECT_THAT(fromColumnText(field.type(), view, field.address(&out)), IsOk()) << field.name;
  }
  EXPECT_EQ(out, in);
}

// B-9
TEST(RowCodec, RefusesTextThatIsNoSuchValue) {
  Everything out;
  const auto read = [&](std::string_view name, std::string_view text) {
    for (const Field& field : typeInfo<Everything>().fields) {
      if (field.name == name) return fromColumnText(field.type(), text, field.address(&out));
    }
    return absl::NotFoundError("no such field");
  };
  EXPECT_THAT(read("i8", "300"), StatusIs(kDataLoss));
  EXPECT_THAT(read("i64", "12x"), StatusIs(kDataLoss));
  EXPECT_THAT(read("d", "NaN"), StatusIs(kDataLoss));
  EXPECT_THAT(read("d", "Infinity"), StatusIs(kDataLoss));
  EXPECT_THAT(read("flag", "maybe"), StatusIs(kDataLoss));
  EXPECT_THAT(read("color", "green"), StatusIs(kDataLoss, Not(HasSubstr("green"))));
  EXPECT_THAT(read("points", "{}"), StatusIs(kDataLoss));
  EXPECT_THAT(read("at", "infinity"), StatusIs(kDataLoss));
}

TEST(CreateTableSql, HasDefaultsKeyAndRowVersion) {
  EXPECT_EQ(createTableSql<Flag>(),
            R"(CREATE SEQUENCE IF NOT EXISTS "strata_row_version";
CREATE TABLE IF NOT EXISTS "flags" (
  "id" text NOT NULL,
  "name" text NOT NULL DEFAULT '',
  "enabled" boolean NOT NULL DEFAULT 'false',
  "audiences" jsonb NOT NULL DEFAULT '[]',
  "owner" text,
  "order" text NOT NULL DEFAULT 'it''s',
  "row_version" bigint NOT NULL DEFAULT nextval('strata_row_version'),
  PRIMARY KEY ("id")
);
ALTER TABLE "flags" ADD COLUMN IF NOT EXISTS "id" text NOT NULL;
ALTER TABLE "flags" ADD COLUMN IF NOT EXISTS "name" text NOT NULL DEFAULT '';
ALTER TABLE "flags" ADD COLUMN IF NOT EXISTS "enabled" boolean NOT NULL DEFAULT 'false';
ALTER TABLE "flags" ADD COLUMN IF NOT EXISTS "audiences" jsonb NOT NULL DEFAULT '[]';
ALTER TABLE "flags" ADD COLUMN IF NOT EXISTS "owner" text;
ALTER TABLE "flags" ADD COLUMN IF NOT EXISTS "order" text NOT NULL DEFAULT 'it''s';
ALTER TABLE "flags" ADD COLUMN IF NOT EXISTS "row_version" bigint NOT NULL DEFAULT nextval('strata_row_version');
)");
}

TEST(CreateTableSql, AddsOnlyTheColumnsThatAreNamed) {
  EXPECT_EQ(addColumnsSql(entityInfo<Flag>(), {"owner", "id"}),
            R"(ALTER TABLE "flags" ADD COLUMN IF NOT EXISTS "id" text NOT NULL, )"
            R"(ADD COLUMN IF NOT EXISTS "owner" text;)"
            "\n");
}

TEST(CreateTableSql, OfACompositeIdHasItsColumnsAsKey) {
  const std::string sql = createTableSql<Member>();
  EXPECT_THAT(sql, HasSubstr(R"(CREATE TABLE IF NOT EXISTS "app"."members")"));
  EXPECT_THAT(sql, HasSubstr("\"tenant\" text NOT NULL,\n"));
  EXPECT_THAT(sql, HasSubstr(R"(PRIMARY KEY ("tenant", "user"))"));
}

TEST(Fingerprint, ChangesWithNamesTypesAndEnumeratorsAndNothingElse) {
  EXPECT_EQ(fingerprint(typeInfo<Point>()), fingerprint(typeInfo<Point>()));
  EXPECT_NE(fingerprint(typeInfo<Point>()), fingerprint(typeInfo<Tree>()));
  EXPECT_NE(fingerprint(typeInfo<std::vector<int>>()), fingerprint(typeInfo<std::optional<int>>()));
  EXPECT_NE(fingerprint(typeInfo<std::vector<int>>()), fingerprint(typeInfo<std::vector<long>>()));
  // Pinned: cached values of a fleet must not become unreadable by a new compiler or machine.
  EXPECT_EQ(fingerprint(typeInfo<Point>()), 568412448803615680U);
}

TEST(Timestamps, RoundTripWithMicroseconds) {
  for (const std::string text : {"0001-01-01T00:00:00.000000Z", "1969-12-31T23:59:59.999999Z",
                                 "2024-02-29T12:34:56.000001Z", "9999-12-31T23:59:59.999999Z"}) {
    const auto time = parseTimestamp(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(formatTimestamp(*time), text);
  }
  EXPECT_EQ(parseTimestamp("0001-01-01 00:00:00+00"), kMinTimestamp);
  EXPECT_EQ(parseTimestamp("9999-12-31 23:59:59.999999+00"), kMaxTimestamp);
}

TEST(Timestamps, AreReadWithOffsetsAndShortFractions) {
  const auto noon = parseTimestamp("2026-01-31T12:00:00Z");
  EXPECT_EQ(parseTimestamp("2026-01-31 14:00:00+02"), noon);
  EXPECT_EQ(parseTimestamp("2026-01-31T06:30:00.0-05:30"), noon);
  EXPECT_EQ(parseTimestamp("2026-01-31T12:00:00.5Z"), *noon + std::chrono::milliseconds(500));
  EXPECT_EQ(parseTimestamp("2026-01-31T12:00:00.1234569Z"),
            *noon + std::chrono::microseconds(123456));
}

TEST(Timestamps, RefuseWhatIsNoTime) {
  for (const char* text :
       {"", "2026-01-31", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z", "2026-01-31T12:00:00", "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00Zx", "infinity", "0001-01-01 00:00:00+00 BC"}) {
    EXPECT_EQ(parseTimestamp(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace codec_test
}  // namespace strata
