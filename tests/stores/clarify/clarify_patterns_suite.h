// What the store of patterns does, on whatever it stands.
#pragma once

#include "tests/stores/clarify/clarify_fixture.h"

namespace strata {

class ClarifyPatternsSuite : public ClarifyStoresTest {};

TEST_P(ClarifyPatternsSuite, ReplacesAllPatternsAndKeepsTheTimeOfThoseThatStay) {
  const auto first = must(stores_.patterns->consolidate(
      user_, {pattern("weak", 1), pattern("\"strong\" ü", 10), pattern("middle", 5)}));
  ASSERT_THAT(first, SizeIs(3));
  EXPECT_EQ(first[0].content, "\"strong\" ü");
  EXPECT_EQ(first[0].created_at, now());
  EXPECT_EQ(first[0].user_id, user_);
  EXPECT_THAT(stores_.patterns->list(user_), IsOkAndHolds(first));
  tick();
  ClarifyPattern kept = first[1];
  kept.strength = 7;
  kept.pattern_type = PatternType::kBlocker;
  const auto second =
      must(stores_.patterns->consolidate(user_, {pattern("new", 7), kept, pattern("also new", 2)}));
  ASSERT_THAT(second, SizeIs(3));
  EXPECT_EQ(second[0].content, "new") << "the newest first among equals";
  EXPECT_EQ(second[0].created_at, now());
  EXPECT_EQ(second[1], kept);
  EXPECT_THAT(stores_.patterns->list(user_), IsOkAndHolds(second));
  EXPECT_THAT(stores_.patterns->list(other_user_), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(stores_.patterns->consolidate(user_, {}), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(stores_.patterns->list(user_), IsOkAndHolds(IsEmpty()));
}

TEST_P(ClarifyPatternsSuite, RefusesPatternsThatCannotBeAndKeepsWhatThereIs) {
  const auto before = must(stores_.patterns->consolidate(user_, {pattern("p", 5)}));
  const auto with = [&](const ClarifyPattern& wrong) {
    return stores_.patterns->consolidate(user_, {pattern("fine", 3), wrong});
  };
  EXPECT_THAT(with(pattern("p", 0)), refused("strength"));
  EXPECT_THAT(with(pattern("p", 11)), refused("strength"));
  EXPECT_THAT(with(pattern("\xff", 3)), refused("content"));
  EXPECT_THAT(with({.id = "x", .content = "p", .strength = 3}), refused("id"));
  EXPECT_THAT(with({.user_id = other_user_, .content = "p", .strength = 3}), refused("user_id"));
  EXPECT_THAT(with({.pattern_type = static_cast<PatternType>(9), .strength = 3}),
              refused("pattern_type"));
  const ClarifyPattern one{.id = newId(), .content = "p", .strength = 3};
  EXPECT_THAT(stores_.patterns->consolidate(user_, {one, one}), refused("id"));
  EXPECT_THAT(stores_.patterns->consolidate(
                  user_, std::vector<ClarifyPattern>(kMaxPatterns + 1, pattern("p", 3))),
              refused("patterns"));
  EXPECT_THAT(stores_.patterns->list(user_), IsOkAndHolds(before));
  EXPECT_THAT(stores_.patterns->consolidate(
                  user_, std::vector<ClarifyPattern>(kMaxPatterns, pattern("p", 3))),
              IsOkAndHolds(SizeIs(kMaxPatterns)));
}

}  // namespace strata
