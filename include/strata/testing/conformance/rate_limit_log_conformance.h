// Conformance of rate limit logs: what every strata::RateLimitLog promises, as a GoogleTest suite
// to instantiate for a log of one's own, in a test program:
//
//   namespace strata::testing {
//   const RateLimitLogUnderTest kMine{"Mine", [] { return std::make_unique<MyHarness>(); }};
//   INSTANTIATE_TEST_SUITE_P(Mine, RateLimitLogConformance, ::testing::Values(kMine),
//                            nameOfRateLimitLog);
//   }
//
// Not for: what happens when a server fails, which no two logs share.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "strata/limits/rate_limit_log.h"
#include "strata/testing/eventually.h"
#include "strata/testing/status_matchers.h"

namespace strata::testing {

// One log, for one test.
class RateLimitLogHarness {
 public:
  virtual ~RateLimitLogHarness() = default;
  // May hold anything already: the suite uses keys of its own.
  virtual RateLimitLog& log() = 0;
  // Lets `duration` pass for the log. False: its time is real, and the suite waits.
  virtual bool advance(absl::Duration /*duration*/) { return false; }
};

struct RateLimitLogUnderTest {
  std::string name;
  std::function<std::unique_ptr<RateLimitLogHarness>()> make;

  friend void PrintTo(const RateLimitLogUnderTest& log, std::ostream* out) { *out << log.name; }
};

inline std::string nameOfRateLimitLog(const ::testing::TestParamInfo<RateLimitLogUnderTest>& info) {
  return info.param.name;
}

class RateLimitLogConformance : public ::testing::TestWithParam<RateLimitLogUnderTest> {
 protected:
  static constexpr absl::Duration kLong = absl::Hours(1);
  static constexpr absl::Duration kShort = absl::Milliseconds(80);
  using Entry = RateLimitLog::Entry;

  RateLimitLog& log() { return harness_->log(); }
  // A key of this test alone: of this life of it, too.
  std::string key(std::string_view name) const {
    return "conformance:" +
           std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + ":" +
           std::to_string(absl::ToUnixNanos(absl::Now())) + ":" + std::string(name);
  }
  absl::StatusOr<Entry> record(const std::string& at, std::int64_t limit, absl::Duration window) {
    const RateLimitLog::Call call{at, limit, window};
    return log().record({&call, 1}).front();
  }
  // Trying all the time, where time is real.
  bool isAllowedAfter(absl::Duration duration, const std::string& at, std::int64_t limit) {
    const auto allowed = [&] {
      const auto entry = record(at, limit, duration);
      return entry.ok() && entry->recorded;
    };
    return harness_->advance(duration) ? allowed() : eventually(allowed);
  }

  const std::unique_ptr<RateLimitLogHarness> harness_ = GetParam().make();
};

// B-84
TEST_P(RateLimitLogConformance, RecordsUpToTheLimitAndNoMore) {
  const std::string a = key("a");
  for (int i = 1; i <= 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const Entry entry, record(a, 3, kLong));
    EXPECT_TRUE(entry.recorded);
    EXPECT_EQ(entry.count, i);
  }
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK_AND_ASSIGN(const Entry entry, record(a, 3, kLong));
    EXPECT_FALSE(entry.recorded);
    EXPECT_EQ(entry.count, 3);
    EXPECT_GT(entry.until_room, absl::ZeroDuration());
    EXPECT_LE(entry.until_room, kLong);
  }
}

// B-84
TEST_P(RateLimitLogConformance, AllowsAgainOnceTheOldestHasLeftHoweverOftenItWasTriedMeanwhile) {
  const std::string a = key("a");
  ASSERT_OK(record(a, 1, kShort));
  for (int i = 0; i < 10; ++i) ASSERT_OK(record(a, 1, kShort));
  EXPECT_TRUE(isAllowedAfter(kShort, a, 1));
}

TEST_P(RateLimitLogConformance, TellsWhenThereIsRoomByTheOldestCall) {
  const std::string a = key("a");
  ASSERT_OK_AND_ASSIGN(const Entry first, record(a, 2, kLong));
  EXPECT_EQ(first.until_room, kLong);
  ASSERT_OK_AND_ASSIGN(const Entry second, record(a, 2, kLong));
  ASSERT_OK_AND_ASSIGN(const Entry third, record(a, 2, kLong));
  EXPECT_EQ(second.room_at, first.room_at);
  EXPECT_EQ(third.room_at, first.room_at);
  EXPECT_LE(third.until_room, second.until_room);
}

TEST_P(RateLimitLogConformance, CountsEachKeyForItself) {
  const std::string a = key("a");
  const std::string b = key("b");
  ASSERT_OK(record(a, 1, kLong));
  ASSERT_OK_AND_ASSIGN(const Entry entry, record(b, 1, kLong));
  EXPECT_TRUE(entry.recorded);
}

// The i-th key is asked i % 4 times more than once; its limit is two.
TEST_P(RateLimitLogConformance, AnswersManyInTheOrderAsked) {
  std::vector<std::string> keys;
  for (int i = 0; i < 300; ++i) keys.push_back(key(std::to_string(i)));
  std::vector<RateLimitLog::Call> calls;
  for (std::size_t i = 0; i < keys.size(); ++i)
    calls.insert(calls.end(), i % 4 + 1, {keys[i], 2, kLong});
  const auto entries = log().record(calls);
  ASSERT_EQ(entries.size(), calls.size());
  auto entry = entries.begin();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    // Which of the calls of one key was made first is the log's affair.
    std::vector<std::int64_t> counts;
    std::size_t recorded = 0;
    for (std::size_t n = 0; n <= i % 4; ++n, ++entry) {
      ASSERT_OK(*entry);
      counts.push_back((*entry)->count);
      if ((*entry)->recorded) ++recorded;
    }
    std::sort(counts.begin(), counts.end());
    EXPECT_EQ(recorded, std::min<std::size_t>(i % 4 + 1, 2));
    EXPECT_EQ(counts.front(), 1);
    EXPECT_EQ(counts.back(), static_cast<std::int64_t>(recorded));
  }
  EXPECT_THAT(log().record({}), ::testing::IsEmpty());
}

TEST_P(RateLimitLogConformance, ALowerLimitHoldsForWhatAHigherOneHasRecorded) {
  const std::string a = key("a");
  for (int i = 0; i < 5; ++i) ASSERT_OK(record(a, 5, kLong));
  ASSERT_OK_AND_ASSIGN(const Entry at_five, record(a, 5, kLong));
  ASSERT_OK_AND_ASSIGN(const Entry at_two, record(a, 2, kLong));
  EXPECT_FALSE(at_two.recorded);
  EXPECT_EQ(at_two.count, 5);
  // Not the oldest makes room but the fourth.
  EXPECT_GT(at_two.room_at, at_five.room_at);
}

// B-67
TEST_P(RateLimitLogConformance, RecordsNothingAfterTheDeadline) {
  const std::string a = key("a");
  const RateLimitLog::Call call{a, 1, kLong};
  const Deadline passed = Deadline::at(MonotonicTime());
  EXPECT_THAT(log().record({&call, 1}, passed).front(),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(log().ping(passed), StatusIs(absl::StatusCode::kDeadlineExceeded));
  ASSERT_OK_AND_ASSIGN(const Entry entry, record(a, 1, kLong));
  EXPECT_TRUE(entry.recorded);
}

// B-68
TEST_P(RateLimitLogConformance, IsHealthy) {
  EXPECT_OK(log().ping());
  const Health health = log().healthCheck();
  EXPECT_EQ(health.state, HealthState::kPass);
  EXPECT_EQ(health.component, "rate-limit-log");
  EXPECT_NE(health.backend, "");
}

// B-85
TEST_P(RateLimitLogConformance, AllowsManyThreadsExactlyTheLimit) {
  constexpr int kThreads = 16;
  const std::string a = key("a");
  std::atomic<int> allowed = 0;
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 20; ++n) {
          const auto entry = record(a, 100, kLong);
          if (!entry.ok()) ++failed;
          if (entry.ok() && entry->recorded) ++allowed;
        }
      });
    }
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(allowed, 100);
}

}  // namespace strata::testing
