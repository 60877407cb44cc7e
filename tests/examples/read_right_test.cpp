#include "examples/copilot_server/read_right.h"

#include <gtest/gtest.h>

#include "strata/base/backend_error.h"
#include "strata/testing/fakes/fake_clock.h"

namespace copilot {
namespace {

class ReadRightTest : public ::testing::Test {
 protected:
  absl::Status answer_;
  int asked_ = 0;
  strata::testing::FakeClock clock_;
  ReadRight right_{[this] {
                     ++asked_;
                     return answer_;
                   },
                   clock_};
};

TEST_F(ReadRightTest, IsAskedAgainAfterFiveSeconds) {
  EXPECT_TRUE(right_.isFresh());
  EXPECT_EQ(right_.untilDue(), absl::Seconds(5));
  clock_.advance(absl::Milliseconds(4999));
  EXPECT_TRUE(right_.isFresh());
  clock_.advance(absl::Milliseconds(1));
  EXPECT_FALSE(right_.isFresh());
  EXPECT_EQ(right_.untilDue(), absl::ZeroDuration());
  right_.renew();
  EXPECT_TRUE(right_.isFresh());
  EXPECT_EQ(right_.untilDue(), absl::Seconds(5));
  EXPECT_EQ(asked_, 1);
}

TEST_F(ReadRightTest, EndsWhereTheAnswerIsNo) {
  for (const absl::Status& no :
       {absl::NotFoundError(""), absl::PermissionDeniedError(""), absl::UnauthenticatedError("")}) {
    ReadRight right([&] { return no; }, clock_);
    right.renew();
    EXPECT_TRUE(right.hasEnded()) << no;
    EXPECT_FALSE(right.isFresh()) << no;
  }
}

// The streams of all readers ended at once when the service's own password had been changed.
TEST_F(ReadRightTest, DoesNotEndWhereTheDatabaseDeniesTheServiceSomething) {
  answer_ =
      strata::backendError(absl::PermissionDeniedError("permission denied for table"), "42501");
  clock_.advance(absl::Seconds(5));
  right_.renew();
  EXPECT_FALSE(right_.hasEnded());
  EXPECT_FALSE(right_.isFresh());
}

// Events were sent for up to five seconds more.
TEST_F(ReadRightTest, EndsWithItsLife) {
  ReadRight right([] { return absl::OkStatus(); }, clock_, {.life = absl::Seconds(7)});
  clock_.advance(absl::Seconds(5));
  right.renew();
  EXPECT_EQ(right.untilDue(), absl::Seconds(2));
  clock_.advance(absl::Milliseconds(1999));
  EXPECT_TRUE(right.isFresh());
  clock_.advance(absl::Milliseconds(1));
  EXPECT_FALSE(right.isFresh());
  right.renew();
  EXPECT_TRUE(right.hasEnded());
}

// A store that could not be asked was taken for a yes, without an end.
TEST_F(ReadRightTest, SendsNothingWhileTheStoreCannotBeAskedAndEndsAfterHalfAMinute) {
  answer_ = absl::UnavailableError("down");
  clock_.advance(absl::Seconds(5));
  for (int second = 5; second < 30; ++second) {
    right_.renew();
    EXPECT_FALSE(right_.isFresh()) << second;
    EXPECT_FALSE(right_.hasEnded()) << second;
    EXPECT_EQ(right_.untilDue(), absl::Seconds(1));
    clock_.advance(absl::Seconds(1));
  }
  right_.renew();
  EXPECT_TRUE(right_.hasEnded());
}

TEST_F(ReadRightTest, GoesOnWhereTheStoreIsBackInTime) {
  answer_ = absl::DeadlineExceededError("slow");
  clock_.advance(absl::Seconds(29));
  right_.renew();
  answer_ = absl::OkStatus();
  right_.renew();
  EXPECT_TRUE(right_.isFresh());
  EXPECT_FALSE(right_.hasEnded());
}

TEST_F(ReadRightTest, IsAskedAgainAfterAGap) {
  right_.expire();
  EXPECT_FALSE(right_.isFresh());
  EXPECT_EQ(right_.untilDue(), absl::ZeroDuration());
  right_.renew();
  EXPECT_TRUE(right_.isFresh());
}

// The answer is as old as the question: a store that takes long must not lengthen it.
TEST_F(ReadRightTest, AgesFromWhenItWasAskedFor) {
  ReadRight right(
      [&] {
        clock_.advance(absl::Seconds(4));
        return absl::OkStatus();
      },
      clock_);
  right.renew();
  EXPECT_EQ(right.untilDue(), absl::Seconds(1));
}

}  // namespace
}  // namespace copilot
