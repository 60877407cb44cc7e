#include "strata/base/metrics.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace strata {
namespace {

TEST(InMemoryMetrics, AddsUpWhatCarriesTheLabelsAskedFor) {
  InMemoryMetrics metrics;
  metrics.counter("calls", {{"store", "a"}, {"result", "hit"}}).add(2);
  metrics.counter("calls", {{"store", "b"}, {"result", "hit"}}).increment();
  metrics.counter("calls", {{"store", "a"}, {"result", "miss"}}).add(10);
  metrics.counter("other", {{"store", "a"}, {"result", "hit"}}).add(100);
  EXPECT_EQ(metrics.count("calls"), 13);
  EXPECT_EQ(metrics.count("calls", {{"result", "hit"}}), 3);
  EXPECT_EQ(metrics.count("calls", {{"store", "a"}, {"result", "hit"}}), 2);
  EXPECT_EQ(metrics.count("calls", {{"store", "c"}}), 0);
}

TEST(InMemoryMetrics, GivesTheSameObjectForTheSameName) {
  InMemoryMetrics metrics;
  EXPECT_EQ(&metrics.counter("a", {{"x", "y"}}), &metrics.counter("a", {{"x", "y"}}));
  EXPECT_NE(&metrics.counter("a", {{"x", "y"}}), &metrics.counter("a", {{"x", "z"}}));
}

TEST(InMemoryMetrics, GivesPercentilesToASixteenth) {
  InMemoryMetrics metrics;
  Histogram& histogram = metrics.histogram("latency", {});
  for (int i = 1; i <= 10'000; ++i) histogram.record(absl::Microseconds(i));
  const auto summary = metrics.summary("latency");
  EXPECT_EQ(summary.count, 10'000);
  const auto expect_near = [](absl::Duration actual, absl::Duration exact) {
    EXPECT_GE(actual, exact * (15.0 / 16)) << actual;
    EXPECT_LE(actual, exact * (17.0 / 16)) << actual;
  };
  expect_near(summary.p50, absl::Microseconds(5'000));
  expect_near(summary.p95, absl::Microseconds(9'500));
  expect_near(summary.p99, absl::Microseconds(9'900));
  expect_near(summary.max, absl::Microseconds(10'000));
}

TEST(InMemoryMetrics, TakesEveryDuration) {
  InMemoryMetrics metrics;
  Histogram& histogram = metrics.histogram("latency", {});
  histogram.record(-absl::Seconds(1));
  histogram.record(absl::ZeroDuration());
  histogram.record(absl::InfiniteDuration());
  const auto summary = metrics.summary("latency");
  EXPECT_EQ(summary.count, 3);
  EXPECT_EQ(summary.p50, absl::ZeroDuration());
  EXPECT_GT(summary.max, absl::Hours(24 * 365 * 200));
}

TEST(InMemoryMetrics, OfNothingIsZero) {
  const InMemoryMetrics metrics;
  EXPECT_EQ(metrics.summary("latency").count, 0);
  EXPECT_EQ(metrics.summary("latency").p99, absl::ZeroDuration());
}

TEST(InMemoryMetrics, CountsFromManyThreads) {
  InMemoryMetrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        metrics.counter("calls", {}).increment();
        metrics.histogram("latency", {}).record(absl::Microseconds(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(metrics.count("calls"), 40'000);
  EXPECT_EQ(metrics.summary("latency").count, 40'000);
}

}  // namespace
}  // namespace strata
