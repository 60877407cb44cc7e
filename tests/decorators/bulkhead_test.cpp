// Bulkhead: who gets a place, in which order, and who is refused.
#include "strata/decorators/bulkhead.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "tests/decorators/gated_store.h"

namespace strata::gated {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::IsOk;
using testing::StatusIs;
using Admission = Bulkhead::Admission;

class BulkheadTest : public ::testing::Test {
 protected:
  void make(BulkheadOptions options) {
    auto made = Bulkhead::create(options, clock_);
    ASSERT_THAT(made, IsOk());
    bulkhead_ = *std::move(made);
  }
  Admission tryToEnter(Deadline deadline = Deadline::never()) {
    return bulkhead_->enter(deadline).admission();
  }
  Deadline in(absl::Duration time) const { return Deadline::in(time, clock_); }

  WaitingClock clock_;
  std::shared_ptr<Bulkhead> bulkhead_;
};

TEST_F(BulkheadTest, APlaceThatIsFreeCostsNoLookAtTheClock) {
  make({.max_concurrent = 2});
  const auto one = bulkhead_->enter(in(absl::Seconds(1)));
  const int reads = clock_.reads();
  const auto two = bulkhead_->enter(Deadline::never());
  EXPECT_EQ(one.admission(), Admission::kAdmitted);
  EXPECT_EQ(two.admission(), Admission::kAdmitted);
  EXPECT_EQ(two.waited(), absl::ZeroDuration());
  EXPECT_EQ(clock_.reads(), reads);
}

TEST_F(BulkheadTest, ThePlacesGoToThoseWhoWaitInTheirOrder) {
  make({.max_concurrent = 1});
  auto first = std::make_unique<Bulkhead::Place>(bulkhead_->enter(Deadline::never()));
  std::mutex mutex;
  std::vector<int> order;
  Crowd<int> crowd;
  for (std::size_t i = 0; i < 5; ++i) {
    crowd.add([&, i] {
      const auto place = bulkhead_->enter(Deadline::never());
      EXPECT_EQ(place.admission(), Admission::kAdmitted);
      const std::lock_guard lock(mutex);
      order.push_back(static_cast<int>(i));
      return 0;
    });
    EXPECT_TRUE(clock_.awaitWaiting(i + 1));
  }
  first.reset();
  crowd.results();
  EXPECT_THAT(order, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(BulkheadTest, WhoComesToAFullLineIsRefusedAtOnce) {
  make({.max_concurrent = 1, .max_queue = 1});
  auto first = std::make_unique<Bulkhead::Place>(bulkhead_->enter(Deadline::never()));
  Crowd<Admission> waiting;
  waiting.add([this] { return tryToEnter(); });
  ASSERT_TRUE(clock_.awaitWaiting(1));
  EXPECT_EQ(tryToEnter(), Admission::kQueueFull);
  first.reset();
  EXPECT_EQ(waiting.result(), Admission::kAdmitted);
  EXPECT_EQ(tryToEnter(), Admission::kAdmitted);
}

TEST_F(BulkheadTest, WithoutALineNobodyWaits) {
  make({.max_concurrent = 1, .max_queue = 0});
  const auto first = bulkhead_->enter(Deadline::never());
  EXPECT_EQ(tryToEnter(), Admission::kQueueFull);
}

TEST_F(BulkheadTest, NobodyWaitsLongerThanHeHasTimeOrThanIsAllowed) {
  make({.max_concurrent = 1, .max_wait = absl::Seconds(1)});
  const auto first = bulkhead_->enter(Deadline::never());
  Crowd<Admission> patient;
  patient.add([this] { return tryToEnter(in(absl::Seconds(5))); });
  patient.add([this] { return tryToEnter(); });
  Crowd<Admission> hasty;
  hasty.add([this] { return tryToEnter(in(absl::Milliseconds(20))); });
  ASSERT_TRUE(clock_.awaitWaiting(3));
  clock_.advance(absl::Milliseconds(20));
  EXPECT_EQ(hasty.result(), Admission::kDeadlinePassed);
  ASSERT_TRUE(clock_.awaitWaiting(2));
  clock_.advance(absl::Milliseconds(980));
  EXPECT_THAT(patient.results(), Each(Admission::kWaitedTooLong));
}

TEST_F(BulkheadTest, WhoHasLeftTheLineIsPassedOver) {
  make({.max_concurrent = 1});
  auto first = std::make_unique<Bulkhead::Place>(bulkhead_->enter(Deadline::never()));
  Crowd<Admission> hasty;
  hasty.add([this] { return tryToEnter(in(absl::Milliseconds(20))); });
  ASSERT_TRUE(clock_.awaitWaiting(1));
  Crowd<Admission> patient;
  patient.add([this] { return tryToEnter(); });
  ASSERT_TRUE(clock_.awaitWaiting(2));
  clock_.advance(absl::Milliseconds(20));
  EXPECT_EQ(hasty.result(), Admission::kDeadlinePassed);
  first.reset();
  EXPECT_EQ(patient.result(), Admission::kAdmitted);
}

// B-48: places are neither lost nor made, whatever happens in which order.
TEST_F(BulkheadTest, ThereAreNeverMoreInsideThanPlaces) {
  constexpr std::size_t kPlaces = 3;
  auto made = Bulkhead::create(
      {.max_concurrent = kPlaces, .max_queue = 4, .max_wait = absl::Microseconds(200)});
  ASSERT_THAT(made, IsOk());
  Bulkhead& bulkhead = **made;
  std::atomic<std::size_t> inside{0};
  std::atomic<std::size_t> most{0};
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  Crowd<int> crowd(nullptr, 12, [&](std::size_t thread) {
    std::minstd_rand random(seed + static_cast<std::uint32_t>(thread));
    for (int round = 0; round < 2000; ++round) {
      const auto deadline =
          random() % 2 == 0 ? Deadline::never() : Deadline::in(absl::Microseconds(random() % 300));
      const auto place = bulkhead.enter(deadline);
      if (place.admission() != Admission::kAdmitted) continue;
      const std::size_t now = ++inside;
      std::size_t before = most;
      while (before < now && !most.compare_exchange_weak(before, now)) {
      }
      std::this_thread::yield();
      --inside;
    }
    return 0;
  });
  crowd.results();
  EXPECT_EQ(most, kPlaces);
  std::vector<Bulkhead::Place> places;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    places.push_back(bulkhead.enter(Deadline::never()));
    EXPECT_EQ(places.back().admission(), Admission::kAdmitted) << "all were given back";
  }
  EXPECT_EQ(bulkhead.enter(Deadline::never()).admission(), Admission::kWaitedTooLong);
}

TEST(BulkheadOptions, AreRefusedOutOfTheirRange) {
  const auto refused = [](const std::string& name) {
    return StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr(name));
  };
  EXPECT_THAT(validate(BulkheadOptions{}), IsOk());
  EXPECT_THAT(validate(BulkheadOptions{.max_concurrent = 0}), refused("max_concurrent"));
  EXPECT_THAT(validate(BulkheadOptions{.max_queue = 1'000'001}), refused("max_queue"));
  EXPECT_THAT(validate(BulkheadOptions{.max_wait = absl::ZeroDuration()}), refused("max_wait"));
  EXPECT_THAT(validate(BulkheadOptions{.max_wait = absl::Hours(2)}), refused("max_wait"));
  EXPECT_THAT(Bulkhead::create({.max_concurrent = 0}), refused("max_concurrent"));
}

}  // namespace
}  // namespace strata::gated
