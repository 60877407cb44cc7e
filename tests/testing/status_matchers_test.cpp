#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "strata/testing/eventually.h"
#include "strata/testing/printers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::Not;
using testing::StatusIs;

const absl::Status kDown = absl::UnavailableError("connection refused");

template <typename T, typename Matcher>
std::string explanation(const T& value, const Matcher& matcher) {
  ::testing::StringMatchResultListener listener;
  ::testing::SafeMatcherCast<const T&>(matcher).MatchAndExplain(value, &listener);
  return listener.str();
}

TEST(StatusMatchers, MatchStatusesByCodeAndMessage) {
  EXPECT_THAT(absl::OkStatus(), IsOk());
  EXPECT_THAT(kDown, Not(IsOk()));
  EXPECT_THAT(kDown, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(kDown, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("refused")));
  EXPECT_THAT(kDown, StatusIs(absl::StatusCode::kUnavailable, "connection refused"));
  EXPECT_THAT(kDown, Not(StatusIs(absl::StatusCode::kUnavailable, HasSubstr("timeout"))));
  EXPECT_THAT(kDown, Not(StatusIs(absl::StatusCode::kInternal)));
}

TEST(StatusMatchers, MatchResultsByTheirStatusOrTheirValue) {
  const absl::StatusOr<int> number = 3;
  const absl::StatusOr<int> failed = kDown;
  EXPECT_THAT(number, IsOk());
  EXPECT_THAT(number, IsOkAndHolds(3));
  EXPECT_THAT(number, IsOkAndHolds(Gt(2)));
  EXPECT_THAT(number, Not(IsOkAndHolds(4)));
  EXPECT_THAT(failed, Not(IsOkAndHolds(3)));
  EXPECT_THAT(failed, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT((std::vector<absl::StatusOr<int>>{1, kDown}),
              ElementsAre(IsOkAndHolds(1), Not(IsOk())));
}

TEST(StatusMatchers, MatchResultsThatCannotBeCopied) {
  const absl::StatusOr<std::unique_ptr<int>> result = std::make_unique<int>(3);
  EXPECT_THAT(result, IsOkAndHolds(::testing::Pointee(3)));
}

TEST(StatusMatchers, SayWhatTheStatusWas) {
  EXPECT_THAT(explanation(kDown, IsOk()), HasSubstr("UNAVAILABLE: connection refused"));
  EXPECT_THAT(explanation(absl::StatusOr<int>(kDown), IsOkAndHolds(3)),
              HasSubstr("UNAVAILABLE: connection refused"));
  EXPECT_THAT(::testing::PrintToString(absl::StatusOr<int>(3)), "ok, 3");
  EXPECT_THAT(::testing::PrintToString(absl::StatusOr<int>(kDown)), HasSubstr("UNAVAILABLE"));
}

TEST(StatusMatchers, AssignTheValueOfAnOkResult) {
  const auto make = [](int a, int b) -> absl::StatusOr<std::unique_ptr<int>> {
    return std::make_unique<int>(a + b);
  };
  STRATA_ASSERT_OK_AND_ASSIGN(const std::unique_ptr<int> sum, make(1, 2));
  EXPECT_EQ(*sum, 3);
  std::unique_ptr<int> assigned;
  ASSERT_OK_AND_ASSIGN(assigned, make(2, 2));
  EXPECT_EQ(*assigned, 4);
}

void assignsTheValueOfAFailure() {
  ASSERT_OK_AND_ASSIGN([[maybe_unused]] const int number, absl::StatusOr<int>(kDown));
  ADD_FAILURE() << "reached";
}

TEST(StatusMatchers, EndTheTestWhenThereIsNoValueToAssign) {
  EXPECT_FATAL_FAILURE(assignsTheValueOfAFailure(), "UNAVAILABLE: connection refused");
}

TEST(Printers, ShowIdsVersionsAndSnapshots) {
  EXPECT_EQ(::testing::PrintToString(Id{"a", "b:c"}), "\"a:b%3Ac\"");
  EXPECT_EQ(::testing::PrintToString(Version(7)), "version 7");
}

TEST(Eventually, LooksUntilItIsTrue) {
  int looks = 0;
  EXPECT_TRUE(testing::eventually([&] { return ++looks == 5; }));
  EXPECT_EQ(looks, 5);
}

TEST(Eventually, GivesUpAtItsTimeoutAfterAtLeastOneLook) {
  int looks = 0;
  const auto never = [&] {
    ++looks;
    return false;
  };
  EXPECT_FALSE(testing::eventually(never, absl::ZeroDuration()));
  EXPECT_EQ(looks, 1);
}

}  // namespace
}  // namespace strata
