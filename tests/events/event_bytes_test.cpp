// How much of events waits for the subscribers of a hub.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "strata/base/metrics.h"
#include "strata/events/event_hub.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/status_matchers.h"
#include "tests/events/event_fixture.h"

namespace strata {
namespace {

const EventChannel kChannel("order", {"acme", "o1"});
constexpr std::int64_t kMebibyte = 1 << 20;

Json dataOf(std::int64_t bytes) {
  return Json::parse('"' + std::string(static_cast<std::size_t>(bytes) - 2, 'x') + '"').value();
}

// "3 events, gap slow 2": what is there, without what the events hold.
std::string shapeOf(EventSubscription& events) {
  std::vector<std::string> parts;
  int count = 0;
  const auto end = [&] {
    if (count > 0) parts.push_back(std::to_string(std::exchange(count, 0)) + " events");
  };
  while (const auto told = events.tryNext()) {
    if (told->event != nullptr) {
      ++count;
      continue;
    }
    end();
    parts.push_back(textOf(*told));
  }
  end();
  return absl::StrJoin(parts, ", ");
}

class EventBytes : public ::testing::Test {
 protected:
  std::int64_t count(const char* name, const Labels& labels = {}) const {
    return metrics_->count(name, labels);
  }

  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::unique_ptr<EventHub> hub_ = makeEventHub(nullptr, {.instance_id = "here"}, metrics_).value();
};

// A slow reader kept 1 024 events however large they were: 16 GiB of the largest.
TEST_F(EventBytes, ASlowReaderOfLargeEventsKeepsUpTo16MiBAndIsToldOfAGap) {
  const auto slow = hub_->subscribe(kChannel).value();
  const auto quick = hub_->subscribe(kChannel).value();
  const Json mebibyte = dataOf(kMebibyte);
  for (int i = 1; i <= 40; ++i) {
    ASSERT_OK(hub_->publish(kChannel, "e", mebibyte));
    ASSERT_NE(quick->tryNext()->event, nullptr);
  }
  // 16 do not fit with the 512 bytes of each.
  EXPECT_EQ(metrics_->level("strata_events_queued_bytes"), 15 * (kMebibyte + 512 + 64));
  EXPECT_EQ(shapeOf(*slow), "15 events, gap slow 25");
  EXPECT_EQ(metrics_->level("strata_events_queued_bytes"), 0);
  EXPECT_EQ(count("strata_events_dropped_total", {{"reason", "slow"}}), 25);
  ASSERT_OK(hub_->publish(kChannel, "e", mebibyte));
  EXPECT_EQ(shapeOf(*slow), "1 events");
}

// The largest event that can be published fits into a stream on its own.
TEST_F(EventBytes, TheLargestEventFitsIntoAnEmptyQueue) {
  const auto events = hub_->subscribe(kChannel).value();
  ASSERT_OK(hub_->publish(kChannel, "e", dataOf(16 * kMebibyte - 1024)));
  ASSERT_OK(hub_->publish(kChannel, "e", dataOf(2 * 1024)));
  EXPECT_EQ(shapeOf(*events), "1 events, gap slow 1");
}

TEST_F(EventBytes, ManyStreamsShareTheBytesOfTheirHub) {
  constexpr std::int64_t kCharge = kMebibyte + 512 + 64;
  const auto hub = makeEventHub(nullptr, {.max_queued_bytes = 8 * kCharge}, metrics_).value();
  std::vector<std::unique_ptr<EventSubscription>> streams;
  const auto channel = [](int i) { return EventChannel("order", "o" + std::to_string(i)); };
  for (int i = 0; i < 10; ++i) {
    streams.push_back(hub->subscribe(channel(i)).value());
    ASSERT_OK(hub->publish(channel(i), "e", dataOf(kMebibyte)));
  }
  EXPECT_EQ(metrics_->level("strata_events_queued_bytes"), 8 * kCharge);
  EXPECT_EQ(shapeOf(*streams[8]), "gap slow 1");
  EXPECT_EQ(shapeOf(*streams[9]), "gap slow 1");
  EXPECT_EQ(count("strata_events_dropped_total", {{"reason", "slow"}}), 2);

  streams[0].reset();  // one that ends gives its bytes back, as does one that is read
  EXPECT_EQ(shapeOf(*streams[1]), "1 events");
  for (const int i : {8, 9, 7}) ASSERT_OK(hub->publish(channel(i), "e", dataOf(kMebibyte)));
  EXPECT_EQ(shapeOf(*streams[8]), "1 events");
  EXPECT_EQ(shapeOf(*streams[9]), "1 events");
  EXPECT_EQ(shapeOf(*streams[7]), "1 events, gap slow 1");
  streams.clear();
  EXPECT_EQ(metrics_->level("strata_events_queued_bytes"), 0);
}

// 300 queues of the same events hold them once: 300 times 1 MiB would be more than a hub may keep.
TEST_F(EventBytes, AnEventThatWaitsInManyQueuesCountsOnce) {
  std::vector<std::unique_ptr<EventSubscription>> streams(300);
  for (auto& stream : streams) stream = hub_->subscribe(kChannel).value();
  for (int i = 0; i < 3; ++i) ASSERT_OK(hub_->publish(kChannel, "e", dataOf(kMebibyte)));
  EXPECT_EQ(metrics_->level("strata_events_queued_bytes"), 3 * (kMebibyte + 512 + 300 * 64));
  for (const auto& stream : streams) ASSERT_EQ(shapeOf(*stream), "3 events");
  EXPECT_EQ(metrics_->level("strata_events_queued_bytes"), 0);
}

TEST_F(EventBytes, TheBytesOfManyThreadsAddUpToNothing) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const auto events = hub_->subscribe(kChannel, {.max_queued = 2}).value();
        for (int n = 0; n < 3; ++n) EXPECT_OK(hub_->publish(kChannel, "e", numbered(n)));
        if (i % 2 == 0) taken(*events);
        if (i % 3 == 0) events->close();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(metrics_->level("strata_events_queued_bytes"), 0);
}

}  // namespace
}  // namespace strata
