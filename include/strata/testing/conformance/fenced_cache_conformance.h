// Conformance of caches that can do more than cache_conformance.h asks, by their capabilities:
// FencedCacheConformance for `fenced_reads`, LivingCacheConformance for `incarnation`. To be
// instantiated like the suite there.
//
// Not for: a cache that does not state the capability; leave its suite out.
#pragma once

#include <array>
#include <atomic>
#include <barrier>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "strata/testing/conformance/cache_harness.h"

namespace strata::testing {

class FencedCacheConformance : public CacheConformanceBase {
 protected:
  static constexpr std::string_view kLease = "L-first-lease";
};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(FencedCacheConformance);

TEST_P(FencedCacheConformance, SaysSo) { EXPECT_TRUE(cache().capabilities().fenced_reads); }

TEST_P(FencedCacheConformance, LeasesWhatIsAbsent) {
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(key("a"), kLease));
  EXPECT_TRUE(reply.leased);
  EXPECT_EQ(reply.found, std::nullopt);
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Optional(std::string(kLease))));
}

TEST_P(FencedCacheConformance, FindsWhatIsThereAndLeavesIt) {
  using namespace std::string_literals;
  for (const std::string& stored : {"value"s, ""s, "\0\r\n"s}) {
    ASSERT_OK(cache().set(key("a"), stored, kLong));
    ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(key("a"), kLease));
    EXPECT_FALSE(reply.leased);
    EXPECT_THAT(reply.found, ::testing::Optional(stored));
    EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Optional(stored)));
  }
}

TEST_P(FencedCacheConformance, FindsTheLeaseOfAnother) {
  ASSERT_OK(lease(key("a"), kLease));
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(key("a"), "L-second-lease"));
  EXPECT_FALSE(reply.leased);
  EXPECT_THAT(reply.found, ::testing::Optional(std::string(kLease)));
}

TEST_P(FencedCacheConformance, FindingDoesNotProlong) {
  // On a slow machine it may expire before it is found, and then be leased.
  ASSERT_TRUE(eventually([&] {
    EXPECT_OK(remove(key("a")));
    EXPECT_OK(cache().set(key("a"), "x", kShort));
    const auto reply = lease(key("a"), kLease, kLong);
    return reply.ok() && reply->found.has_value();
  }));
  expectGoneAfter(kShort, key("a"));
}

TEST_P(FencedCacheConformance, LeasesAgainWhenALeaseHasExpired) {
  ASSERT_OK(lease(key("a"), kLease, kShort));
  expectGoneAfter(kShort, key("a"));
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(key("a"), "L-second-lease"));
  EXPECT_TRUE(reply.leased);
  // B-51: whoever held it first is too late.
  EXPECT_THAT(compareAndSet({key("a"), kLease, "old", kLong}), IsOkAndHolds(false));
}

TEST_P(FencedCacheConformance, LeasesManyInTheOrderAsked) {
  std::vector<std::string> keys;
  for (int i = 0; i < 600; ++i) {
    keys.push_back(key(std::to_string(i)));
    if (i % 3 != 0) continue;
    ASSERT_OK(cache().set(keys.back(), std::to_string(i), kLong));
  }
  std::vector<LeaseRequest> requests;
  requests.reserve(keys.size() + 1);
  for (const std::string& each : keys) requests.push_back({each, kLease});
  // The same key twice: one is leased, and the other finds its lease. Which comes first is not
  // promised: a cluster may send one of them on to where its slot has moved.
  const std::string other_lease = "L-second-lease";
  requests.push_back({keys[1], other_lease});
  const auto replies = cache().getOrLease(requests, kLong);
  ASSERT_EQ(replies.size(), requests.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT_OK(replies[i]);
    const bool was_set = i % 3 == 0;
    if (i == 1) continue;
    EXPECT_EQ(replies[i]->leased, !was_set);
    EXPECT_EQ(replies[i]->found, was_set ? Value(std::to_string(i)) : Value());
  }
  ASSERT_OK(replies.back());
  EXPECT_NE(replies[1]->leased, replies.back()->leased);
  EXPECT_EQ(replies[1]->found, replies[1]->leased ? Value() : Value(other_lease));
  EXPECT_EQ(replies.back()->found, replies[1]->leased ? Value(std::string(kLease)) : Value());
  EXPECT_OK(cache().remove(keys));
}

TEST_P(FencedCacheConformance, FindsAndLeasesAnyNumberAtOnce) {
  for (const std::size_t count : {2U, 4U, 15U, 16U, 257U}) {
    const std::array keys{key("there"), key(std::to_string(count))};
    ASSERT_OK(cache().set(keys[0], "x", kLong));
    std::vector<LeaseRequest> requests(count - 1, {keys[0], kLease});
    requests.push_back({keys[1], kLease});
    const auto replies = cache().getOrLease(requests, kLong);
    ASSERT_EQ(replies.size(), count);
    for (std::size_t i = 0; i + 1 < count; ++i) {
      EXPECT_EQ(replies[i].value_or(LeaseReply()).found, std::optional<std::string>("x"));
    }
    ASSERT_OK(replies.back());
    EXPECT_TRUE(replies.back()->leased);
  }
}

TEST_P(FencedCacheConformance, ReplacesWhatBeginsAsExpected) {
  ASSERT_OK(lease(key("a"), kLease));
  EXPECT_THAT(compareAndSet({key("a"), kLease.substr(0, 7), "value", kLong}), IsOkAndHolds(true));
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Optional(std::string("value"))));
}

TEST_P(FencedCacheConformance, RefusesWhatBeginsOtherwise) {
  ASSERT_OK(cache().set(key("a"), "Lx", kLong));
  for (const std::string_view expected : {"Ly", "Lxx", "lx", "x"}) {
    EXPECT_THAT(compareAndSet({key("a"), expected, "value", kLong}), IsOkAndHolds(false));
  }
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Optional(std::string("Lx"))));
}

TEST_P(FencedCacheConformance, RefusesToFillAnAbsentKey) {
  EXPECT_THAT(compareAndSet({key("a"), kLease, "value", kLong}), IsOkAndHolds(false));
  EXPECT_THAT(compareAndSet({key("a"), "", "value", kLong}), IsOkAndHolds(false));
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Eq(std::nullopt)));
}

TEST_P(FencedCacheConformance, TakesAnEmptyPrefixForAnythingThatIsThere) {
  ASSERT_OK(cache().set(key("a"), "x", kLong));
  EXPECT_THAT(compareAndSet({key("a"), "", "value", kLong}), IsOkAndHolds(true));
}

TEST_P(FencedCacheConformance, ComparesAndStoresAnyBytes) {
  const std::string cell("L\0\r\n\xff", 5);
  const std::string value(1 << 20, '\0');
  ASSERT_OK(lease(key("a"), cell));
  EXPECT_THAT(compareAndSet({key("a"), "L\xff", value, kLong}), IsOkAndHolds(false));
  EXPECT_THAT(compareAndSet({key("a"), cell, value, kLong}), IsOkAndHolds(true));
  const auto stored = cache().get(key("a"));
  ASSERT_OK(stored);
  EXPECT_TRUE(*stored == value);
}

TEST_P(FencedCacheConformance, AFillLivesAsLongAsItSays) {
  ASSERT_OK(lease(key("brief"), kLease, kLong));
  EXPECT_THAT(compareAndSet({key("brief"), kLease, "x", kShort}), IsOkAndHolds(true));
  expectGoneAfter(kShort, key("brief"));
  ASSERT_OK(lease(key("long"), kLease, absl::Seconds(30)));
  EXPECT_THAT(compareAndSet({key("long"), kLease, "x", kLong}), IsOkAndHolds(true));
  outlast(kShort);
  EXPECT_THAT(cache().get(key("long")), IsOkAndHolds(::testing::Optional(std::string("x"))));
}

// B-49
TEST_P(FencedCacheConformance, ARemovalVoidsTheLease) {
  ASSERT_OK(lease(key("a"), kLease));
  ASSERT_OK(remove(key("a")));
  EXPECT_THAT(compareAndSet({key("a"), kLease, "old", kLong}), IsOkAndHolds(false));
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Eq(std::nullopt)));
}

TEST_P(FencedCacheConformance, ANewLeaseDoesNotReviveAnOldOne) {
  ASSERT_OK(lease(key("a"), kLease));
  ASSERT_OK(remove(key("a")));
  ASSERT_OK(lease(key("a"), "L-second-lease"));
  EXPECT_THAT(compareAndSet({key("a"), kLease, "old", kLong}), IsOkAndHolds(false));
  EXPECT_THAT(compareAndSet({key("a"), "L-second-lease", "new", kLong}), IsOkAndHolds(true));
}

TEST_P(FencedCacheConformance, FillsOnlyOnce) {
  ASSERT_OK(lease(key("a"), kLease));
  EXPECT_THAT(compareAndSet({key("a"), kLease, "one", kLong}), IsOkAndHolds(true));
  EXPECT_THAT(compareAndSet({key("a"), kLease, "two", kLong}), IsOkAndHolds(false));
}

TEST_P(FencedCacheConformance, FillsEachOfManyByItsOwnMerit) {
  const std::array<std::string, 4> keys{key("held"), key("taken"), key("absent"), key("forever")};
  ASSERT_OK(lease(keys[0], kLease));
  ASSERT_OK(lease(keys[1], "L-of-another"));
  ASSERT_OK(lease(keys[3], kLease));
  std::vector<CompareAndSet> requests;
  requests.reserve(keys.size());
  for (const std::string& each : keys) requests.push_back({each, kLease, "value", kLong});
  requests.back().ttl = absl::ZeroDuration();
  const auto stored = cache().compareAndSet(requests);
  ASSERT_EQ(stored.size(), 4U);
  EXPECT_THAT(stored[0], IsOkAndHolds(true));
  EXPECT_THAT(stored[1], IsOkAndHolds(false));
  EXPECT_THAT(stored[2], IsOkAndHolds(false));
  EXPECT_THAT(stored[3], StatusIs(kInvalid));
}

TEST_P(FencedCacheConformance, GivesOneLeaseToManyWhoAskAtOnce) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 50;
  std::vector<std::atomic<int>> leased(kRounds);
  std::atomic<int> wrong = 0;
  std::barrier together(kThreads);
  const auto run = [&](int thread) {
    const std::string cell = "L-of-thread-" + std::to_string(thread);
    for (int round = 0; round < kRounds; ++round) {
      together.arrive_and_wait();
      const auto reply = lease(key(std::to_string(round)), cell);
      if (!reply.ok() || reply->leased == reply->found.has_value()) ++wrong;
      if (reply.ok() && reply->leased) ++leased[static_cast<std::size_t>(round)];
    }
  };
  {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(run, i);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_THAT(std::vector<int>(leased.begin(), leased.end()), ::testing::Each(1));
}

// ---- Caches with an incarnation ----

class LivingCacheConformance : public CacheConformanceBase {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(LivingCacheConformance);

TEST_P(LivingCacheConformance, KnowsWhichLifeItsServerIsIn) {
  ASSERT_OK(cache().ping());
  EXPECT_TRUE(cache().capabilities().incarnation);
  EXPECT_NE(cache().incarnation("k"), Incarnation{});
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(key("a"), "L"));
  EXPECT_EQ(reply.incarnation, cache().incarnation(key("a")));
}

// B-30
TEST_P(LivingCacheConformance, RefusesToFillForAnotherLife) {
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(key("a"), "L"));
  const Incarnation other{reply.incarnation.value ^ 1};
  EXPECT_THAT(compareAndSet({key("a"), "L", "old", kLong, other}), IsOkAndHolds(false));
  EXPECT_THAT(cache().get(key("a")), IsOkAndHolds(::testing::Optional(std::string("L"))));
  EXPECT_THAT(compareAndSet({key("a"), "L", "new", kLong, reply.incarnation}), IsOkAndHolds(true));
}

}  // namespace strata::testing
