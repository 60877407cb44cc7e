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
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "strata/testing/conformance/cache_harness.h"

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

TEST_P(CacheConformance, ListsTheKeysThatBeginWithAPrefix) {
  const std::set<std::string> inside{key("t1:a"),   key("t1:"),    key("t1:%2A%25"),  key("t1:*"),
                                     key("t1:[x]"), key("t1:\\?"), key("t1:\xc3\xa4")};
  for (const std::string& at : inside) ASSERT_OK(cache().set(at, "x", kLong));
  for (const char* outside : {"t10:a", "t1", "T1:a", "other"}) {
    ASSERT_OK(cache().set(key(outside), "x", kLong));
  }
  EXPECT_EQ(listed(key("t1:")), inside);
  EXPECT_EQ(listed(key("t1:%2A")), std::set{key("t1:%2A%25")});
  EXPECT_EQ(listed(key("t1:a")), std::set{key("t1:a")});
  EXPECT_THAT(listed(key("t2:")), ::testing::IsEmpty());
}

TEST_P(CacheConformance, TakesAPrefixAsItStandsAndForNoPattern) {
  for (const char* name : {"*", "?", "[ab]", "\\", "^", "a", "b", "ab", "*a", "[ab]c", "\\*"}) {
    ASSERT_OK(cache().set(key(name), "x", kLong));
  }
  EXPECT_EQ(listed(key("*")), (std::set{key("*"), key("*a")}));
  EXPECT_EQ(listed(key("?")), std::set{key("?")});
  EXPECT_EQ(listed(key("[ab]")), (std::set{key("[ab]"), key("[ab]c")}));
  EXPECT_EQ(listed(key("\\")), (std::set{key("\\"), key("\\*")}));
  EXPECT_EQ(listed(key("^")), std::set{key("^")});
}

TEST_P(CacheConformance, ListsKeysOfAnyBytes) {
  using namespace std::string_literals;
  const std::set<std::string> all{key("raw:\xff\x80"s), key("raw:\0"s), key("raw:text"),
                                  key("raw:\xc3"s), key("raw:\r\n"s)};
  for (const std::string& at : all) ASSERT_OK(cache().set(at, "x", kLong));
  EXPECT_EQ(listed(key("raw:")), all);
  EXPECT_EQ(listed(key("raw:\xff"s)), std::set{key("raw:\xff\x80"s)});
  EXPECT_EQ(listed(key("raw:\xc3"s)), std::set{key("raw:\xc3"s)});
}

TEST_P(CacheConformance, ListsThousandsOfKeysInPages) {
  constexpr std::size_t kKeys = 5000;
  constexpr std::size_t kBatch = 500;
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < kKeys; ++i) keys.push_back(key("many:" + std::to_string(i)));
  for (std::size_t first = 0; first < kKeys; first += kBatch) {
    std::vector<LeaseRequest> requests;
    for (std::size_t i = first; i < first + kBatch; ++i) requests.push_back({keys[i], "x"});
    for (const auto& reply : cache().getOrLease(requests, kLong)) ASSERT_OK(reply);
  }
  const std::set<std::string> all(keys.begin(), keys.end());
  EXPECT_TRUE(listed(key("many:")) == all);
  // The empty prefix is everybody's.
  const std::set<std::string> everything = listed("");
  EXPECT_TRUE(std::includes(everything.begin(), everything.end(), all.begin(), all.end()));
  for (std::size_t first = 0; first < kKeys; first += kBatch) {
    ASSERT_OK(cache().remove(absl::MakeConstSpan(keys).subspan(first, kBatch)));
  }
  EXPECT_THAT(listed(key("many:")), ::testing::IsEmpty());
}

TEST_P(CacheConformance, ListsWhatStaysWhileOtherKeysComeAndGo) {
  std::set<std::string> staying;
  for (int i = 0; i < 1500; ++i) {
    const std::string at = key("stay:" + std::to_string(i));
    ASSERT_OK(lease(at, "x"));
    staying.insert(at);
  }
  std::jthread others([this](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      lease(key("stay:other:" + std::to_string(i)), "x").status().IgnoreError();
      if (i >= 100) remove(key("stay:other:" + std::to_string(i - 100))).IgnoreError();
    }
  });
  for (int i = 0; i < 3; ++i) {
    const std::set<std::string> found = listed(key("stay:"));
    EXPECT_TRUE(std::includes(found.begin(), found.end(), staying.begin(), staying.end()));
  }
}

TEST_P(CacheConformance, ListsNoKeyThatIsGone) {
  ASSERT_OK(cache().set(key("gone:a"), "x", kLong));
  ASSERT_OK(cache().set(key("gone:b"), "x", kLong));
  ASSERT_OK(remove(key("gone:a")));
  EXPECT_EQ(listed(key("gone:")), std::set{key("gone:b")});
}

TEST_P(CacheConformance, RefusesACursorThatItHasNotGiven) {
  EXPECT_THAT(cache().scan(key("a"), "no cursor"), StatusIs(kInvalid));
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
  EXPECT_THAT(cache().scan("", "", passed()), StatusIs(kTooLate));
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
