#include "strata/records/id.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <set>

#include "strata/records/key_space.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

constexpr KeySpace kFlags{"flags", "flag"};

Id compositeId(const std::vector<std::string>& segments) {
  // An Id takes its segments as a braced list; a property has them as a vector.
  std::string canonical;
  for (const std::string& segment : segments) {
    if (!canonical.empty()) canonical += ':';
    canonical += encodeSegment(segment);
  }
  return Id::fromCanonical(canonical);
}

TEST(Id, OfPlainTextIsThatText) {
  EXPECT_EQ(Id("checkout-v2").canonical(), "checkout-v2");
  EXPECT_THAT(Id("checkout-v2").check(), IsOk());
}

// B-5
TEST(Id, EncodesWhatKeysUseAndNothingElse) {
  EXPECT_EQ(Id("a:b%c*d e\tf").canonical(), "a%3Ab%25c%2Ad%20e%09f");
  EXPECT_EQ(Id("zażółć/\"'").canonical(), "zażółć/\"'");
}

// B-5
TEST(Id, OfTwoSegmentsIsNotTheIdOfTheirJoinedText) {
  EXPECT_NE(Id({"a", "b"}), Id("a:b"));
  EXPECT_THAT(Id({"a:", "b"}).segments(), ElementsAre("a:", "b"));
}

// B-6
TEST(Id, IsRefusedWhenEmptyOrWithNulOrNotUtf8) {
  const auto invalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Id("").check(), StatusIs(invalid, HasSubstr("empty")));
  EXPECT_THAT(Id({"tenant", ""}).check(), StatusIs(invalid, HasSubstr("empty")));
  EXPECT_THAT(Id({}).check(), StatusIs(invalid, HasSubstr("empty")));
  EXPECT_THAT(Id(std::string_view("a\0b", 3)).check(), StatusIs(invalid, HasSubstr("NUL")));
  EXPECT_THAT(Id("\xC3\x28").check(), StatusIs(invalid, HasSubstr("UTF-8")));
  EXPECT_THAT(Id("\xED\xA0\x80").check(), StatusIs(invalid, HasSubstr("UTF-8")));
  EXPECT_THAT(Id("12345678\xF4\x90\x80\x80").check(), StatusIs(invalid, HasSubstr("UTF-8")));
}

// The canonical text of {"", "a"} was once that of "a", so the two compared equal.
TEST(Id, WithAnEmptySegmentIsNotTheIdWithoutIt) {
  EXPECT_NE(Id({"", "a"}), Id("a"));
  EXPECT_NE(Id({"a", ""}), Id("a"));
}

TEST(Id, FromCanonicalRefusesWhatNoIdEncodesTo) {
  EXPECT_EQ(Id::fromCanonical("a%3Ab:c"), Id({"a:b", "c"}));
  EXPECT_THAT(Id::fromCanonical("a%3ab").check(), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Id::fromCanonical("a b").check(), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Id::fromCanonical("a%4").check(), StatusIs(absl::StatusCode::kInvalidArgument));
}

// B-5
TEST(Id, RoundTripsAndNoTwoCollide) {
  const bool holds = rc::check([] {
    const auto segment = rc::gen::nonEmpty(rc::gen::container<std::string>(
        rc::gen::element(':', '%', '*', ' ', '\n', 'a', '2', '3', 'A', '~')));
    const auto ids =
        *rc::gen::pair(rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(segment)),
                       rc::gen::nonEmpty(rc::gen::container<std::vector<std::string>>(segment)));
    const Id a = compositeId(ids.first);
    const Id b = compositeId(ids.second);
    RC_ASSERT(a.check().ok());
    RC_ASSERT(a.segments() == ids.first);
    RC_ASSERT((a == b) == (ids.first == ids.second));
    RC_ASSERT((kFlags.key("app", a) == kFlags.key("app", b)) == (ids.first == ids.second));
  });
  EXPECT_TRUE(holds);
}

TEST(KeySpace, NamesAppDomainEntityAndId) {
  EXPECT_EQ(kFlags.key("copilot", "checkout-v2"), "copilot:flags:flag:checkout-v2");
  EXPECT_EQ(kFlags.key("my app", {"t:1", "u"}), "my%20app:flags:flag:t%3A1:u");
}

TEST(KeySpace, TakesAnAppThatStandsInAKeyAsItIs) {
  for (const std::string& app : {std::string("shop"), std::string("shop-2_EU"),
                                 std::string("Läden"), std::string(kMaxAppBytes, 'x')}) {
    EXPECT_THAT(checkApp(app), IsOk()) << app;
  }
  for (const std::string& app :
       {std::string(), std::string(" "), std::string("a b"), std::string("a:b"), std::string("a%"),
        std::string("a*"), std::string("a\n"), std::string("a\0b", 3), std::string("\xff"),
        std::string(kMaxAppBytes + 1, 'x')}) {
    EXPECT_THAT(checkApp(app), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("app")))
        << app;
  }
}

// B-5
TEST(KeySpace, HashesTheTailOfAnOverlongKeyAndStillTellsIdsApart) {
  const std::string text(1000, 'x');
  std::set<std::string> keys;
  for (const char* end : {"", "1", "2"}) {
    const std::string key = kFlags.key("copilot", text + end);
    EXPECT_EQ(key.size(), kMaxKeyBytes);
    EXPECT_TRUE(key.starts_with("copilot:flags:flag:xxx"));
    keys.insert(key);
  }
  EXPECT_EQ(keys.size(), 3U);
}

TEST(KeySpace, LeavesAKeyOfTheGreatestLengthAsItIs) {
  const std::string id(kMaxKeyBytes - kFlags.prefix("copilot").size(), 'x');
  EXPECT_TRUE(kFlags.key("copilot", id).ends_with("xxx"));
  EXPECT_EQ(kFlags.key("copilot", id + "x").size(), kMaxKeyBytes);
  EXPECT_FALSE(kFlags.key("copilot", id + "x").ends_with("xxx"));
}

}  // namespace
}  // namespace strata
