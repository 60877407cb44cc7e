#include "src/cache/shared_loads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "src/cache/load_times.h"
#include "src/store/page_bound.h"
#include "strata/base/backend_error.h"
#include "strata/base/deadline.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_clock.h"

namespace strata::internal {
namespace {

using strata::testing::eventually;
using Told = SharedLoads::Told;

SharedLoads::Answer answerOf(int number) {
  return {absl::OkStatus(), std::make_shared<int>(number), Version(number)};
}

class SharedLoadsTest : public ::testing::Test {
 protected:
  int numberOf(const SharedLoads::Party& party) const {
    return *std::static_pointer_cast<const int>(SharedLoads::answerOf(party).value);
  }

  strata::testing::FakeClock clock_;
  SharedLoads loads_{clock_};
};

TEST_F(SharedLoadsTest, OneLoadsForAllWhoCameBeforeItBegan) {
  const auto first = loads_.join("a");
  ASSERT_TRUE(first.leads);
  std::atomic<int> answered = 0;
  std::vector<std::jthread> others;
  for (int i = 0; i < 8; ++i) {
    const auto seat = loads_.join("a");
    EXPECT_FALSE(seat.leads);
    others.emplace_back([this, &answered, seat] {
      EXPECT_EQ(loads_.await(*seat.party, MonotonicTime::max()), Told::kAnswer);
      EXPECT_EQ(numberOf(*seat.party), 7);
      ++answered;
    });
  }
  EXPECT_TRUE(loads_.join("b").leads) << "another key";
  ASSERT_TRUE(loads_.begin(*first.party, MonotonicTime::max()));
  const auto late = loads_.join("a");
  EXPECT_TRUE(late.leads) << "the answer may be older than what it knows of";
  loads_.finish(*first.party, answerOf(7));
  others.clear();
  EXPECT_EQ(answered, 8);
  EXPECT_TRUE(loads_.begin(*late.party, MonotonicTime::max()));
  loads_.finish(*late.party, answerOf(8));
}

// Those who shared a load had its error without its marks, so a service took a complaint of the
// database for a mistake of its client.
TEST_F(SharedLoadsTest, AnErrorKeepsItsMarks) {
  const auto first = loads_.join("a");
  const auto other = loads_.join("a");
  ASSERT_TRUE(loads_.begin(*first.party, MonotonicTime::max()));
  loads_.finish(*first.party,
                {backendError(absl::PermissionDeniedError("no"), "42501"), nullptr, Version()});
  ASSERT_EQ(loads_.await(*other.party, MonotonicTime::max()), Told::kAnswer);
  EXPECT_TRUE(isBackendError(SharedLoads::answerOf(*other.party).status));
}

// A caller that waited for a record was refused where the leader had read it together with too many
// others.
TEST_F(SharedLoadsTest, APageThatIsTooLargeIsNoAnswerForTheOthers) {
  const auto leader = loads_.join("a");
  const auto other = loads_.join("a");
  ASSERT_TRUE(loads_.begin(*leader.party, MonotonicTime::max()));
  loads_.finish(*leader.party, {pageTooLarge(), nullptr, {}});
  EXPECT_EQ(loads_.await(*other.party, MonotonicTime::max()), Told::kLookAgain);
}

TEST_F(SharedLoadsTest, TheNextLoadWaitsForTheOneThatIsOut) {
  const auto first = loads_.join("a");
  ASSERT_TRUE(loads_.begin(*first.party, MonotonicTime::max()));
  const auto next = loads_.join("a");
  ASSERT_TRUE(next.leads);
  EXPECT_FALSE(loads_.begin(*next.party, clock_.now()));
  std::atomic<bool> began = false;
  std::jthread leader([&] { began = loads_.begin(*next.party, MonotonicTime::max()); });
  loads_.finish(*first.party, answerOf(1));
  EXPECT_TRUE(eventually([&] { return began.load(); }));
  loads_.finish(*next.party, answerOf(2));
}

TEST_F(SharedLoadsTest, ALeadThatEndsWithoutAnAnswerSendsTheOthersToLookAgain) {
  for (const bool begins : {false, true}) {
    const auto first = loads_.join("a");
    ASSERT_TRUE(first.leads);
    const auto other = loads_.join("a");
    {
      SharedLead lead(loads_, first.party);
      if (begins) {
        EXPECT_TRUE(lead.begin(MonotonicTime::max()));
      }
    }
    EXPECT_EQ(loads_.await(*other.party, MonotonicTime::max()), Told::kLookAgain);
  }
}

TEST_F(SharedLoadsTest, ACallerThatWaitsLeavesAtItsDeadline) {
  const auto first = loads_.join("a");
  const auto other = loads_.join("a");
  EXPECT_EQ(loads_.await(*other.party, clock_.now()), Told::kTimeIsUp);
  loads_.dissolve(*first.party);
}

TEST(LoadTimes, AreTheNearestRankOfTheLast) {
  LoadTimes times;
  EXPECT_EQ(times.percentile95(), absl::Milliseconds(250)) << "nothing is known";
  times.note(absl::Seconds(1));
  EXPECT_EQ(times.percentile95(), absl::Seconds(1)) << "the longest of few";
  for (int i = 1; i <= 20; ++i) times.note(absl::Milliseconds(i));
  EXPECT_EQ(times.percentile95(), absl::Milliseconds(20)) << "the 20th of 21";
  for (int i = 0; i < 100; ++i) times.note(absl::Milliseconds(3));
  EXPECT_EQ(times.percentile95(), absl::Milliseconds(3)) << "of the last 64";
}

}  // namespace
}  // namespace strata::internal
