// Conformance of caches: what every strata::Cache promises, as a GoogleTest suite to instantiate
// for a cache of one's own, in a test program:
//
//   namespace strata::testing {
//   INSTANTIATE_TEST_SUITE_P(Mine, CacheConformance, ::testing::Values(kMine), nameOfCache);
//   }
//
// cache_harness.h says what `kMine` is; fenced_cache_conformance.h has the suites of what not every
// cache can do. Not for: what happens when a server fails, which no two caches share.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "strata/testing/cache_harness.h"

namespace strata::testing {

class CacheConformance : public CacheConformanceBase {};

TEST_P(CacheConformance, FindsNothingWhereNothingWasSet) {
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Eq(std::nullopt)));
}

TEST_P(CacheConformance, ReturnsWhatWasSetLast) {
  ASSERT_OK(cache().set(key("a"), "one", kLong));
  ASSERT_OK(cache().set(key("a"), "two", kLong));
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Optional(std::string("two"))));
}

TEST_P(CacheConformance, KeepsAnyBytesInKeysAndValues) {
  using namespace std::string_literals;
  const std::string big(1 << 20, '\xff');
  for (const std::string& bytes : {""s, "\0"s, "a\0b"s, "\r\n$-1\r\n"s, "\x80\xfe%* \""s, big}) {
    ASSERT_OK(cache().set(key("value"), bytes, kLong));
    const auto value = cache().get(key("value"));
    ASSERT_OK(value);
    EXPECT_TRUE(*value == bytes) << "a value of " << bytes.size() << " bytes";
  }
  ASSERT_OK(cache().set(key("a\0b"s), "with NUL", kLong));
  ASSERT_OK(cache().set(key("a"), "without", kLong));
  ASSERT_OK(cache().set(key("a\r\nb"s), "with CRLF", kLong));
  EXPECT_THAT(cache().get(key("a\0b"s)), IsOkAndHolds(::testing::Optional("with NUL"s)));
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Optional("without"s)));
  EXPECT_THAT(cache().get(key("a\r\nb"s)), IsOkAndHolds(::testing::Optional("with CRLF"s)));
}

// B-15
TEST_P(CacheConformance, RefusesATimeToLiveThatIsNotPositive) {
  for (const absl::Duration ttl : {absl::ZeroDuration(), absl::Seconds(-1)}) {
    EXPECT_THAT(cache().set(key("a"), "x", ttl), StatusIs(kInvalid));
    EXPECT_THAT(lease(key("a"), "x", ttl), StatusIs(kInvalid));
    EXPECT_THAT(compareAndSet({.key = key("a"), .value = "x", .ttl = ttl}), StatusIs(kInvalid));
  }
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Eq(std::nullopt)));
}

// B-14
TEST_P(CacheConformance, ForgetsAfterTheTimeToLive) {
  ASSERT_OK(cache().set(key("a"), "x", kShort));
  expectGoneAfter(kShort, key("a"));
}

TEST_P(CacheConformance, SettingAgainStartsANewTimeToLive) {
  ASSERT_OK(cache().set(key("a"), "x", kShort));
  ASSERT_OK(cache().set(key("a"), "y", kLong));
  outlast(kShort);
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Optional(std::string("y"))));
}

TEST_P(CacheConformance, RoundsATimeToLiveUpToAMillisecond) {
  ASSERT_OK(cache().set(key("a"), "x", absl::Nanoseconds(1)));
  expectGoneAfter(absl::Milliseconds(1), key("a"));
}

TEST_P(CacheConformance, RemovesWhatIsThereAndNothingElse) {
  ASSERT_OK(cache().set(key("a"), "x", kLong));
  ASSERT_OK(cache().set(key("b"), "y", kLong));
  EXPECT_OK(cache().remove(std::vector{key("a"), key("absent"), key("a")}));
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Eq(std::nullopt)));
  EXPECT_THAT(cache().get(key("b")), IsOkAndHolds(::testing::Optional(std::string("y"))));
  EXPECT_OK(remove(key("a")));
}

TEST_P(CacheConformance, AnswersManyInTheOrderAsked) {
  std::vector<std::string> keys;
  for (int i = 0; i < 600; ++i) {
    keys.push_back(key(std::to_string(i)));
    if (i % 3 == 0) continue;
    ASSERT_OK(cache().set(keys.back(), std::to_string(i), kLong));
  }
  keys.push_back(keys[1]);
  const auto values = cache().getMany(keys);
  ASSERT_EQ(values.size(), keys.size());
  for (std::size_t i = 0; i < 600; ++i) {
    const Value expected = i % 3 == 0 ? Value() : Value(std::to_string(i));
    EXPECT_THAT(values[i], IsOkAndHolds(::testing::Eq(expected)));
  }
  EXPECT_THAT(values.back(), IsOkAndHolds(::testing::Optional(std::string("1"))));

  EXPECT_OK(cache().remove(keys));
  for (const auto& value : cache().getMany(keys)) {
    EXPECT_THAT(value, IsOkAndHolds(::testing::Eq(std::nullopt)));
  }
}

TEST_P(CacheConformance, TakesNoKeysForAnAnswer) {
  EXPECT_THAT(cache().getMany({}), ::testing::IsEmpty());
  EXPECT_OK(cache().remove({}));
  EXPECT_THAT(cache().getOrLease({}, kLong), ::testing::IsEmpty());
  EXPECT_THAT(cache().compareAndSet({}), ::testing::IsEmpty());
}

// B-67
TEST_P(CacheConformance, DoesNothingAfterTheDeadline) {
  const std::string a = key("a");
  const LeaseRequest request{a, "cell"};
  const CompareAndSet exchange{.key = a, .expected_prefix = "x", .value = "z", .ttl = kLong};
  ASSERT_OK(cache().set(a, "x", kLong));
  EXPECT_THAT(cache().get(a, passed()), StatusIs(kTooLate));
  EXPECT_THAT(cache().set(a, "y", kLong, passed()), StatusIs(kTooLate));
  EXPECT_THAT(cache().remove({&a, 1}, passed()), StatusIs(kTooLate));
  EXPECT_THAT(cache().getOrLease({&request, 1}, kLong, passed()).front(), StatusIs(kTooLate));
  EXPECT_THAT(cache().compareAndSet({&exchange, 1}, passed()).front(), StatusIs(kTooLate));
  EXPECT_THAT(cache().ping(passed()), StatusIs(kTooLate));
  EXPECT_THAT(cache().get(a), IsOkAndHolds(::testing::Optional(std::string("x"))));
}

// B-68
TEST_P(CacheConformance, IsHealthy) {
  EXPECT_OK(cache().ping());
  const Health health = cache().healthCheck();
  EXPECT_EQ(health.state, HealthState::kPass);
  EXPECT_EQ(health.component, "cache");
  EXPECT_NE(health.backend, "");
  EXPECT_EQ(health.error, "");
}

// B-11
TEST_P(CacheConformance, StandsMixedCallsFromManyThreads) {
  constexpr int kThreads = 8;
  std::atomic<int> wrong = 0;
  const auto run = [&](int thread) {
    for (int i = 0; i < 100; ++i) {
      const std::string at = key(std::to_string((thread + i) % 5));
      if (!cache().set(at, at, kLong).ok()) ++wrong;
      const auto value = cache().get(at);
      if (!value.ok() || (*value && **value != at)) ++wrong;
      if (i % 4 == 0 && !remove(at).ok()) ++wrong;
    }
  };
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(run, i);
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace strata::testing
