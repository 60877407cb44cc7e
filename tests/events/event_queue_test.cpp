#include "src/events/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/status_matchers.h"

namespace strata::internal {
namespace {

using ::testing::ElementsAre;
using testing::StatusIs;

using Reason = EventGap::Reason;

std::shared_ptr<const Event> eventOf(std::uint64_t sequence) {
  return std::make_shared<const Event>(Event{.name = "e", .sequence = sequence});
}

// "3" for event 3, "slow:2" for a gap.
std::vector<std::string> drained(EventQueue& queue) {
  std::vector<std::string> all;
  while (auto delivery = queue.tryNext()) {
    all.push_back(delivery->event != nullptr ? std::to_string(delivery->event->sequence)
                                             : std::string(toString(delivery->gap.reason)) + ":" +
                                                   std::to_string(delivery->gap.missed));
  }
  return all;
}

class EventQueueTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
};

TEST_F(EventQueueTest, GivesBackWhatWasPushedInOrder) {
  EventQueue queue(8, nullptr, clock_);
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_TRUE(queue.push(eventOf(i)).stored);
  EXPECT_EQ(queue.next({})->event->sequence, 1U);
  EXPECT_THAT(drained(queue), ElementsAre("2", "3"));
  EXPECT_FALSE(queue.tryNext().has_value());
}

TEST_F(EventQueueTest, WhatDoesNotFitIsOneGapWhereItWasDropped) {
  EventQueue queue(2, nullptr, clock_);
  for (std::uint64_t i = 1; i <= 5; ++i) queue.push(eventOf(i));
  EXPECT_EQ(queue.next({})->event->sequence, 1U);
  EXPECT_TRUE(queue.push(eventOf(6)).stored);
  EXPECT_FALSE(queue.push(eventOf(7)).stored);
  EXPECT_THAT(drained(queue), ElementsAre("2", "slow:3", "6", "slow:1"));
  EXPECT_TRUE(queue.push(eventOf(8)).stored);
  EXPECT_THAT(drained(queue), ElementsAre("8"));
}

TEST_F(EventQueueTest, AQueueOfOneStillTellsOfEveryGap) {
  EventQueue queue(1, nullptr, clock_);
  for (std::uint64_t i = 1; i <= 4; ++i) queue.push(eventOf(i));
  EXPECT_THAT(drained(queue), ElementsAre("1", "slow:3"));
  queue.push(eventOf(5));
  EXPECT_THAT(drained(queue), ElementsAre("5"));
}

TEST_F(EventQueueTest, GapsBetweenTheSameEventsAreOneForEachReason) {
  EventQueue queue(1, nullptr, clock_);
  queue.push(eventOf(1));
  for (int i = 0; i < 100; ++i) {
    queue.push(eventOf(2));
    queue.pushGap({.reason = Reason::kDisconnected, .missed = 0});
    queue.pushGap({.reason = Reason::kSequence, .missed = 2});
  }
  EXPECT_THAT(drained(queue), ElementsAre("1", "slow:100", "disconnected:0", "sequence:200"));
}

TEST_F(EventQueueTest, AGapIsToldAlsoToAnEmptyQueue) {
  EventQueue queue(1, nullptr, clock_);
  EXPECT_TRUE(queue.pushGap({.reason = Reason::kDisconnected}).new_gap);
  EXPECT_EQ(queue.next({})->gap.reason, Reason::kDisconnected);
}

TEST_F(EventQueueTest, NextWaitsUntilItsDeadline) {
  EventQueue queue(1, nullptr, clock_);
  EXPECT_THAT(queue.next(Deadline::at(clock_.now())),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  const Deadline deadline = Deadline::at(clock_.now() + absl::Milliseconds(500));
  std::thread other([&] { clock_.advance(absl::Seconds(1)); });
  EXPECT_THAT(queue.next(deadline), StatusIs(absl::StatusCode::kDeadlineExceeded));
  other.join();
}

TEST_F(EventQueueTest, CloseWakesWhoWaitsAndLeavesWhatIsThere) {
  EventQueue queue(4, nullptr, clock_);
  std::thread waiting([&] { EXPECT_THAT(queue.next({}), StatusIs(absl::StatusCode::kCancelled)); });
  queue.close();
  waiting.join();

  EventQueue full(4, nullptr, clock_);
  full.push(eventOf(1));
  full.close();
  EXPECT_FALSE(full.push(eventOf(2)).stored);
  EXPECT_FALSE(full.pushGap({}).new_gap);
  EXPECT_EQ(full.next({})->event->sequence, 1U);
  EXPECT_THAT(full.next({}), StatusIs(absl::StatusCode::kCancelled));
}

TEST_F(EventQueueTest, TellsWhenItTurnsFromEmptyToNotEmpty) {
  int told = 0;
  EventQueue queue(
      2, [&] { ++told; }, clock_);
  EXPECT_TRUE(queue.push(eventOf(1)).was_empty);
  EXPECT_FALSE(queue.push(eventOf(2)).was_empty);
  EXPECT_FALSE(queue.push(eventOf(3)).was_empty);
  drained(queue);
  EXPECT_TRUE(queue.pushGap({}).was_empty);
  EXPECT_TRUE(queue.tellReady());
  EXPECT_EQ(told, 1);

  EventQueue nobody(2, nullptr, clock_);
  EXPECT_FALSE(nobody.push(eventOf(1)).was_empty);
}

// B-89
TEST_F(EventQueueTest, WhatOnReadyThrowsGoesNoFurther) {
  EventQueue queue(
      2, [] { throw std::runtime_error("listener"); }, clock_);
  EXPECT_FALSE(queue.tellReady());
}

TEST_F(EventQueueTest, DetachWaitsForOnReadyAndLetsNoneBegin) {
  std::atomic<bool> entered{false};
  std::atomic<bool> let_go{false};
  std::atomic<bool> left{false};
  EventQueue queue(
      2,
      [&] {
        entered = true;
        while (!let_go) std::this_thread::yield();
        left = true;
      },
      clock_);
  std::thread teller([&] { queue.tellReady(); });
  while (!entered) std::this_thread::yield();
  std::thread helper([&] { let_go = true; });
  queue.detach();
  EXPECT_TRUE(left);
  entered = false;
  EXPECT_TRUE(queue.tellReady());
  EXPECT_FALSE(entered);
  teller.join();
  helper.join();
}

TEST_F(EventQueueTest, ManyThreadsLoseNothingUncounted) {
  constexpr std::uint64_t kEach = 5'000;
  EventQueue queue(16, nullptr, Clock::system());
  std::vector<std::thread> pushers;
  for (int t = 0; t < 4; ++t) {
    pushers.emplace_back([&] {
      for (std::uint64_t i = 1; i <= kEach; ++i) queue.push(eventOf(i));
    });
  }
  std::uint64_t seen = 0;
  std::thread taker([&] {
    while (true) {
      const auto delivery = queue.next({});
      if (!delivery.ok()) return;
      seen += delivery->event != nullptr ? 1 : delivery->gap.missed;
    }
  });
  for (std::thread& pusher : pushers) pusher.join();
  queue.close();
  taker.join();
  EXPECT_EQ(seen, 4 * kEach);
}

}  // namespace
}  // namespace strata::internal
