#include "src/events/queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "src/events/event_budget.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/status_matchers.h"

namespace strata::internal {
namespace {

using ::testing::ElementsAre;
using testing::StatusIs;

using Reason = EventGap::Reason;

constexpr std::size_t kRoomy = std::size_t{1} << 30;

Event numberedEvent(std::uint64_t sequence, std::size_t data_bytes = 2) {
  Event event{.name = "e", .data = {}, .timestamp = {}, .instance_id = {}, .sequence = sequence};
  if (data_bytes > 2)
    event.data = Json::parse('"' + std::string(data_bytes - 2, 'x') + '"').value();
  return event;
}

std::shared_ptr<const WaitingEvent> eventOf(std::uint64_t sequence, std::size_t data_bytes = 2) {
  static const auto budget = std::make_shared<EventBudget>(kRoomy);
  return WaitingEvent::make(std::make_shared<const Event>(numberedEvent(sequence, data_bytes)),
                            budget);
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
  EventQueue queue({.max_events = 8, .max_bytes = kRoomy}, nullptr, clock_);
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_TRUE(queue.push(eventOf(i)).stored);
  EXPECT_EQ(queue.next({})->event->sequence, 1U);
  EXPECT_THAT(drained(queue), ElementsAre("2", "3"));
  EXPECT_FALSE(queue.tryNext().has_value());
}

TEST_F(EventQueueTest, WhatDoesNotFitIsOneGapWhereItWasDropped) {
  EventQueue queue({.max_events = 2, .max_bytes = kRoomy}, nullptr, clock_);
  for (std::uint64_t i = 1; i <= 5; ++i) queue.push(eventOf(i));
  EXPECT_EQ(queue.next({})->event->sequence, 1U);
  EXPECT_TRUE(queue.push(eventOf(6)).stored);
  EXPECT_FALSE(queue.push(eventOf(7)).stored);
  EXPECT_THAT(drained(queue), ElementsAre("2", "slow:3", "6", "slow:1"));
  EXPECT_TRUE(queue.push(eventOf(8)).stored);
  EXPECT_THAT(drained(queue), ElementsAre("8"));
}

TEST_F(EventQueueTest, AQueueOfOneStillTellsOfEveryGap) {
  EventQueue queue({.max_events = 1, .max_bytes = kRoomy}, nullptr, clock_);
  for (std::uint64_t i = 1; i <= 4; ++i) queue.push(eventOf(i));
  EXPECT_THAT(drained(queue), ElementsAre("1", "slow:3"));
  queue.push(eventOf(5));
  EXPECT_THAT(drained(queue), ElementsAre("5"));
}

TEST_F(EventQueueTest, GapsBetweenTheSameEventsAreOneForEachReason) {
  EventQueue queue({.max_events = 1, .max_bytes = kRoomy}, nullptr, clock_);
  queue.push(eventOf(1));
  for (int i = 0; i < 100; ++i) {
    queue.push(eventOf(2));
    queue.pushGap({.reason = Reason::kDisconnected, .missed = 0});
    queue.pushGap({.reason = Reason::kSequence, .missed = 2});
  }
  EXPECT_THAT(drained(queue), ElementsAre("1", "slow:100", "disconnected:0", "sequence:200"));
}

// Only the number of events was bounded: 1 024 of 16 MiB each for one slow reader.
TEST_F(EventQueueTest, IsBoundedInBytesToTheByte) {
  constexpr std::size_t kCharge = 1000 + kEventOverhead;
  EventQueue fits({.max_events = 8, .max_bytes = 2 * kCharge}, nullptr, clock_);
  for (std::uint64_t i = 1; i <= 3; ++i) EXPECT_EQ(fits.push(eventOf(i, 1000)).stored, i <= 2);
  EXPECT_EQ(fits.next({})->event->sequence, 1U);
  EXPECT_FALSE(fits.push(eventOf(4, 1001)).stored);
  EXPECT_TRUE(fits.push(eventOf(5, 1000)).stored);
  EXPECT_THAT(drained(fits), ElementsAre("2", "slow:2", "5"));

  EventQueue lacks_one({.max_events = 8, .max_bytes = 2 * kCharge - 1}, nullptr, clock_);
  for (std::uint64_t i = 1; i <= 2; ++i) lacks_one.push(eventOf(i, 1000));
  EXPECT_THAT(drained(lacks_one), ElementsAre("1", "slow:1"));

  EventQueue small({.max_events = 8, .max_bytes = 1}, nullptr, clock_);
  EXPECT_FALSE(small.push(eventOf(1)).stored);
  EXPECT_THAT(drained(small), ElementsAre("slow:1"));
}

TEST_F(EventQueueTest, AnEventIsChargedToItsHubUntilTheLastQueueLetsGoOfIt) {
  const auto budget = std::make_shared<EventBudget>(kRoomy);
  const auto made = [&](std::size_t data_bytes) {
    return WaitingEvent::make(std::make_shared<const Event>(numberedEvent(1, data_bytes)), budget);
  };
  EventQueue first({.max_events = 8, .max_bytes = kRoomy}, nullptr, clock_);
  auto second = std::make_unique<EventQueue>(
      EventQueue::Limits{.max_events = 8, .max_bytes = kRoomy}, nullptr, clock_);
  auto event = made(1000);
  first.push(event);
  second->push(event);
  event.reset();
  EXPECT_EQ(budget->used(), 1000 + kEventOverhead + 2 * kPlaceInQueue);
  const auto delivered = first.tryNext();
  EXPECT_EQ(budget->used(), 1000 + kEventOverhead + kPlaceInQueue);
  second.reset();
  EXPECT_EQ(budget->used(), 0U);
  EXPECT_NE(delivered->event, nullptr);

  first.push(made(1000));
  first.close();
  EXPECT_THAT(drained(first), ElementsAre("1"));
  first.push(made(1000));
  EXPECT_EQ(budget->used(), 0U);
}

TEST_F(EventQueueTest, TheBudgetOfTheHubIsExactAndAnEventWithoutRoomIsAGap) {
  constexpr std::size_t kCharge = 1000 + kEventOverhead;
  const auto budget = std::make_shared<EventBudget>(kCharge + 2 * kPlaceInQueue);
  const auto event =
      WaitingEvent::make(std::make_shared<const Event>(numberedEvent(1, 1000)), budget);
  ASSERT_NE(event, nullptr);
  const EventQueue::Limits limits{.max_events = 8, .max_bytes = kRoomy};
  EventQueue first(limits, nullptr, clock_);
  EventQueue second(limits, nullptr, clock_);
  EventQueue third(limits, nullptr, clock_);
  EXPECT_TRUE(first.push(event).stored);
  EXPECT_TRUE(second.push(event).stored);
  EXPECT_FALSE(third.push(event).stored);
  EXPECT_EQ(WaitingEvent::make(std::make_shared<const Event>(), budget), nullptr);
  EXPECT_FALSE(third.push(nullptr).new_gap);
  EXPECT_THAT(drained(third), ElementsAre("slow:2"));
  EXPECT_EQ(drained(first).size() + drained(second).size(), 2U);
  EXPECT_TRUE(third.push(event).stored);
}

TEST_F(EventQueueTest, AGapIsToldAlsoToAnEmptyQueue) {
  EventQueue queue({.max_events = 1, .max_bytes = kRoomy}, nullptr, clock_);
  EXPECT_TRUE(queue.pushGap({.reason = Reason::kDisconnected}).new_gap);
  EXPECT_EQ(queue.next({})->gap.reason, Reason::kDisconnected);
}

TEST_F(EventQueueTest, NextWaitsUntilItsDeadline) {
  EventQueue queue({.max_events = 1, .max_bytes = kRoomy}, nullptr, clock_);
  EXPECT_THAT(queue.next(Deadline::at(clock_.now())),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  const Deadline deadline = Deadline::at(clock_.now() + absl::Milliseconds(500));
  std::thread other([&] { clock_.advance(absl::Seconds(1)); });
  EXPECT_THAT(queue.next(deadline), StatusIs(absl::StatusCode::kDeadlineExceeded));
  other.join();
}

TEST_F(EventQueueTest, CloseWakesWhoWaitsAndLeavesWhatIsThere) {
  EventQueue queue({.max_events = 4, .max_bytes = kRoomy}, nullptr, clock_);
  std::thread waiting([&] { EXPECT_THAT(queue.next({}), StatusIs(absl::StatusCode::kCancelled)); });
  queue.close();
  waiting.join();

  EventQueue full({.max_events = 4, .max_bytes = kRoomy}, nullptr, clock_);
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
      {.max_events = 2, .max_bytes = kRoomy}, [&] { ++told; }, clock_);
  EXPECT_TRUE(queue.push(eventOf(1)).was_empty);
  EXPECT_FALSE(queue.push(eventOf(2)).was_empty);
  EXPECT_FALSE(queue.push(eventOf(3)).was_empty);
  drained(queue);
  EXPECT_TRUE(queue.pushGap({}).was_empty);
  EXPECT_TRUE(queue.tellReady());
  EXPECT_EQ(told, 1);

  EventQueue nobody({.max_events = 2, .max_bytes = kRoomy}, nullptr, clock_);
  EXPECT_FALSE(nobody.push(eventOf(1)).was_empty);
}

// B-89
TEST_F(EventQueueTest, WhatOnReadyThrowsGoesNoFurther) {
  EventQueue queue(
      {.max_events = 2, .max_bytes = kRoomy}, [] { throw std::runtime_error("listener"); }, clock_);
  EXPECT_FALSE(queue.tellReady());
}

TEST_F(EventQueueTest, DetachWaitsForOnReadyAndLetsNoneBegin) {
  std::atomic<bool> entered{false};
  std::atomic<bool> let_go{false};
  std::atomic<bool> left{false};
  EventQueue queue(
      {.max_events = 2, .max_bytes = kRoomy},
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
  EventQueue queue({.max_events = 16, .max_bytes = kRoomy}, nullptr, Clock::system());
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
