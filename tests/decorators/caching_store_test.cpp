// CachingStore over a FakeCache: what is asked of whom, and what failures and races do.
#include "strata/decorators/caching_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/base/hash.h"
#include "strata/base/nonce.h"
#include "strata/records/json_codec.h"
#include "strata/testing/eventually.h"
#include "tests/decorators/caching_fixture.h"

namespace strata::caching_test {
namespace {

using internal::Cell;
using internal::CellTag;
using ::testing::ElementsAre;
using testing::eventually;
using testing::FakeCache;
using testing::IsOk;
using testing::StatusIs;
using Operation = FakeCache::Operation;

// ---- Cache-aside ----

// B-12
TEST_F(CachingStoreTest, DoesNotAskTheDatabaseOnAHit) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(loads(), 1);
}

// B-13
TEST_F(CachingStoreTest, CachesAMissWithTheConfiguredTimeToLive) {
  makeStore({.ttl = absl::Seconds(100), .ttl_jitter = 0});
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(cache_->storedTtl(kKey), absl::Seconds(100));
  EXPECT_EQ(fills("stored"), 1);
}

// B-14
TEST_F(CachingStoreTest, AsksTheDatabaseAgainWhenTheTimeToLiveHasPassed) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  EXPECT_EQ(textOf("a"), "one");
  clock_.advance(absl::Seconds(331));  // the default of 300 s and its jitter
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(loads(), 2);
}

// B-15
TEST_F(CachingStoreTest, RefusesOptionsOutOfTheirRange) {
  const auto refusal = [&](CachingOptions options, const char* app = "app") {
    options.app = app;
    return CachingStore<Note>::create(*InMemoryStore<Note>::create(database_), cache_, options)
        .status();
  };
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(refusal({.ttl = absl::ZeroDuration()}), refused);
  EXPECT_THAT(refusal({.ttl = -absl::Seconds(1)}), refused);
  EXPECT_THAT(refusal({.ttl = absl::InfiniteDuration()}), refused);
  EXPECT_THAT(refusal({.ttl_jitter = 0.6}), refused);
  EXPECT_THAT(refusal({.negative_ttl = absl::Seconds(301)}), refused);
  EXPECT_THAT(refusal({.negative_ttl = -absl::Seconds(1)}), refused);
  EXPECT_THAT(refusal({.lease_ttl = absl::ZeroDuration()}), refused);
  EXPECT_THAT(refusal({}, ""), refused);
  EXPECT_THAT(refusal({}, "a:b"), refused);
  EXPECT_THAT(refusal({.ttl = kMaxTtl}), IsOk());
}

// B-16
TEST_F(CachingStoreTest, SpreadsTimesToLiveOverTheStatedBandOnly) {
  for (const absl::Duration ttl : {absl::Milliseconds(1), absl::Seconds(100), kMaxTtl}) {
    makeStore({.ttl = ttl, .ttl_jitter = 0.5});
    absl::Duration least = absl::InfiniteDuration();
    absl::Duration most;
    for (int i = 0; i < 200; ++i) {
      const std::string id = "n" + std::to_string(i);
      ASSERT_THAT(store_->put({id, "x"}), IsOk());
      textOf(id);
      const auto stored = cache_->storedTtl("app:notes:note:" + id);
      ASSERT_TRUE(stored.has_value());
      least = std::min(least, *stored);
      most = std::max(most, *stored);
    }
    EXPECT_GT(least, absl::ZeroDuration());
    // A cache rounds up to a millisecond.
    EXPECT_GE(least, ttl * 0.5);
    EXPECT_LE(most, ttl * 1.5 + absl::Milliseconds(1));
    if (ttl > absl::Milliseconds(1)) {
      EXPECT_GT(most - least, ttl * 0.8) << "they are not spread";
    }
  }
}

// B-17
TEST_F(CachingStoreTest, WritesTheDatabaseThenDeletesTheKeyAndNeverUpdatesIt) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  ASSERT_TRUE(cached());
  std::string in_database_at_delete;
  cache_->before(Operation::kRemove, kKey, [&] {
    in_database_at_delete = (*(*InMemoryStore<Note>::create(database_))->get("a"))->text;
  });
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  EXPECT_EQ(in_database_at_delete, "two");
  EXPECT_EQ(cache_->peek(kKey), std::nullopt);
  EXPECT_EQ(cache_->calls(Operation::kSet), 0);
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_TRUE(cached());
}

// B-18
TEST_F(CachingStoreTest, HandsOnTheErrorOfAFailedWriteAndKeepsNoDoubtfulCopy) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  faults_->failCall(testing::StoreOperation::kPut, 1,
                    {.error = absl::UnknownError("the connection was lost")});
  EXPECT_THAT(store_->put({"a", "two"}), StatusIs(absl::StatusCode::kUnknown));
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(loads(), 2) << "the copy from before the write must not have been believed";
}

// B-19
TEST_F(CachingStoreTest, AsksForAbsentIdsEveryTimeUnlessNegativeCachingIsOn) {
  EXPECT_EQ(textOf("a"), "none");
  EXPECT_EQ(textOf("a"), "none");
  EXPECT_EQ(loads(), 2);
}

// B-19
TEST_F(CachingStoreTest, CachesAbsenceForItsOwnTimeAndAPutEndsIt) {
  makeStore({.ttl_jitter = 0, .negative_ttl = absl::Seconds(10)});
  EXPECT_EQ(textOf("a"), "none");
  EXPECT_EQ(textOf("a"), "none");
  EXPECT_EQ(loads(), 1);
  EXPECT_EQ(cache_->storedTtl(kKey), absl::Seconds(10));
  clock_.advance(absl::Seconds(11));
  EXPECT_EQ(textOf("a"), "none");
  EXPECT_EQ(loads(), 2);
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  EXPECT_EQ(textOf("a"), "one");
}

// B-20
TEST_F(CachingStoreTest, TreatsCorruptBytesAsAMissAndRepopulates) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  for (const std::string& bytes : {std::string(), std::string("L"), std::string(500, 'x'),
                                   std::string(Cell::kHeaderBytes, '\0')}) {
    cache_->plant(kKey, bytes);
    EXPECT_EQ(textOf("a"), "one");
    EXPECT_EQ(textOf("a"), "one");
    EXPECT_TRUE(cached()) << "after " << bytes.size() << " bytes";
  }
  EXPECT_EQ(rejected("corrupt"), 4);
}

// B-20
TEST_F(CachingStoreTest, TreatsAPayloadThatIsNoSuchValueAsAMissAndRepopulates) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  const std::string good = *cache_->peek(kKey);
  cache_->plant(kKey, good.substr(0, good.size() - 3));
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(rejected("undecodable"), 1);
  EXPECT_EQ(loads(), 2);
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(loads(), 2);
}

// B-21
TEST_F(CachingStoreTest, AnswersGetManyWithOneLookupOneLoadAndOneFill) {
  for (const char* id : {"a", "b", "c"}) ASSERT_THAT(store_->put({id, id}), IsOk());
  textOf("a");
  cache_->resetCalls();
  const std::int64_t before = loads();
  const auto notes = store_->getMany({"c", "a", "nobody", "b", "c"});
  ASSERT_EQ(notes.size(), 5U);
  EXPECT_EQ((*notes[0])->text, "c");
  EXPECT_EQ((*notes[1])->text, "a");
  EXPECT_EQ(*notes[2], nullptr);
  EXPECT_EQ((*notes[3])->text, "b");
  EXPECT_EQ((*notes[4])->text, "c");
  EXPECT_EQ(loads() - before, 3) << "one call with c, nobody and b";
  EXPECT_EQ(cache_->calls(Operation::kGetOrLease), 1);
  EXPECT_EQ(cache_->calls(Operation::kCompareAndSet), 1);
  EXPECT_EQ(cache_->calls(), 2);
}

TEST_F(CachingStoreTest, RefusesBadIdsOfAGetManyOneByOne) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  const auto notes = store_->getMany({"", "a"});
  EXPECT_THAT(notes[0], StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ((*notes[1])->text, "one");
}

// B-22
TEST_F(CachingStoreTest, ServesAValueOverTheSizeLimitWithoutCachingIt) {
  makeStore({.max_value_bytes = 50});
  ASSERT_THAT(store_->put({"a", std::string(100, 'x')}), IsOk());
  EXPECT_EQ(textOf("a").size(), 100U);
  EXPECT_FALSE(cached());
  EXPECT_EQ(fills("too_large"), 1);
  clock_.advance(absl::Milliseconds(2));  // the lease is given back, not left to run out
  EXPECT_EQ(cache_->peek(kKey), std::nullopt);
}

// ---- Failures ----

// B-25
TEST_F(CachingStoreTest, ServesFromTheDatabaseWhileTheCacheIsDown) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  cache_->setDown(true);
  EXPECT_EQ(textOf("a"), "one");
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_EQ((*store_->getMany({"a"})[0])->text, "two");
  EXPECT_EQ(store_->healthCheck().state, HealthState::kWarn);
  EXPECT_TRUE(store_->healthCheck().healthy());
}

// B-28, B-29
TEST_F(CachingStoreTest, NeverAnswersWithWhatWasWrittenOverWhileTheCacheWasAway) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  cache_->setDown(true);
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  ASSERT_TRUE(cached()) << "the old copy is still there";
  cache_->setDown(false);
  EXPECT_EQ(textOf("a"), "two") << "before and after the pending delete is done";
  EXPECT_TRUE(eventually([&] { return !cached() || textOf("a") == "two"; }));
  EXPECT_TRUE(eventually([&] {
    const std::int64_t before = loads();
    EXPECT_EQ(textOf("a"), "two");
    return loads() == before;
  })) << "the cache is used again";
}

// B-18, B-29: the delete was executed or not, and nobody knows.
TEST_F(CachingStoreTest, ReadsPastTheCacheUntilADeleteOfUnknownOutcomeIsRepeated) {
  for (const auto lost : {FakeCache::Lost::kRequest, FakeCache::Lost::kReply}) {
    ASSERT_THAT(store_->put({"a", "old"}), IsOk());
    textOf("a");
    cache_->loseNextRemove(lost);
    ASSERT_THAT(store_->put({"a", "new"}), IsOk());
    EXPECT_EQ(textOf("a"), "new");
    EXPECT_TRUE(eventually([&] {
      const std::int64_t before = loads();
      EXPECT_EQ(textOf("a"), "new");
      return loads() == before;
    }));
  }
}

// B-30
TEST_F(CachingStoreTest, DoesNotBelieveAServerThatCameBackFromAnOldSnapshot) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  const std::string old_copy = *cache_->peek(kKey);
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  cache_->plant(kKey, old_copy);
  cache_->changeIncarnation();
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_EQ(rejected("other_incarnation"), 1);
  EXPECT_TRUE(cached()) << "the copy was replaced";
  EXPECT_EQ(textOf("a"), "two");
}

TEST_F(CachingStoreTest, HandsTheCachesErrorToTheCallerAtTheCriticalTier) {
  makeStore({.failure_tier = FailureTier::kCritical});
  cache_->setDown(true);
  EXPECT_THAT(store_->get("a"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(store_->getMany({"a"})[0], StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(store_->healthCheck().state, HealthState::kFail);
}

// B-44
TEST_F(CachingStoreTest, CachesNothingWhenTheLoadFailsAndTriesAgain) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  faults_->failCall(testing::StoreOperation::kGet, 1);
  EXPECT_THAT(store_->get("a"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(textOf("a"), "one");
}

// B-67
TEST_F(CachingStoreTest, DoesNoIoWhenTheDeadlineHasPassed) {
  const ReadOptions late{.deadline = Deadline::at(clock_.now())};
  EXPECT_THAT(store_->get("a", late), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(store_->getMany({"a"}, late)[0], StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(cache_->calls(), 0);
  EXPECT_EQ(loads(), 0);
}

// ---- Coherence ----

// B-49
TEST_F(CachingStoreTest, DoesNotStoreAnOldValueWhenAPutLandsBetweenLoadAndFill) {
  ASSERT_THAT(store_->put({"a", "old"}), IsOk());
  const auto writer = otherProcess();
  cache_->before(Operation::kCompareAndSet, kKey, [&] {
    ASSERT_THAT(writer->put({"a", "new"}), IsOk());
  });
  EXPECT_EQ(textOf("a"), "old") << "it was right when the read began";
  EXPECT_FALSE(cached());
  EXPECT_EQ(fills("lost_lease"), 1);
  EXPECT_EQ(textOf("a"), "new");
}

// B-50
TEST_F(CachingStoreTest, DoesNotStoreAnOldValueWhenARemoveLandsBetweenLoadAndFill) {
  ASSERT_THAT(store_->put({"a", "old"}), IsOk());
  const auto writer = otherProcess();
  cache_->before(Operation::kCompareAndSet, kKey,
                 [&] { ASSERT_THAT(writer->remove("a"), IsOk()); });
  EXPECT_EQ(textOf("a"), "old");
  EXPECT_FALSE(cached());
  EXPECT_EQ(textOf("a"), "none");
}

// B-51
TEST_F(CachingStoreTest, DoesNotFillWithALeaseThatSomebodyElseHoldsByNow) {
  ASSERT_THAT(store_->put({"a", "old"}), IsOk());
  const auto other = otherProcess();
  cache_->before(Operation::kCompareAndSet, kKey, [&] {
    ASSERT_THAT(other->put({"a", "new"}), IsOk());
    EXPECT_EQ((*other->get("a"))->text, "new");  // takes the lease and fills
  });
  EXPECT_EQ(textOf("a"), "old");
  EXPECT_EQ(textOf("a"), "new");
  EXPECT_EQ(fills("lost_lease"), 1);
}

// B-51
TEST_F(CachingStoreTest, DoesNotFillAfterItsLeaseHasRunOut) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  faults_->delayAll(testing::StoreOperation::kGet, absl::Seconds(4));  // the lease is of 3 s
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_FALSE(cached());
  EXPECT_EQ(fills("late"), 1);
}

// Race 3 of the protocol: an empty cache must not accept a fill.
TEST_F(CachingStoreTest, DoesNotFillAKeyThatTheCacheHasForgotten) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  cache_->before(Operation::kCompareAndSet, kKey, [&] { cache_->erase(kKey); });
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(cache_->peek(kKey), std::nullopt);
}

// Race 28 of the protocol: the lease itself came back from the past.
TEST_F(CachingStoreTest, DoesNotFillAServerOfAnotherLife) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  cache_->before(Operation::kCompareAndSet, kKey, [&] { cache_->changeIncarnation(); });
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_FALSE(cached());
}

// B-46. It looked once more after 20 ms, and then each caller asked the database for itself. After
// 1, 2, 4, 8, 16, 32 ms and every 50 ms: 15 looks in the half second of a store that has no figures.
TEST_F(CachingStoreTest, LooksAgainForAnothersFillAndThenServesItself) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  const std::string lease = foreignLease(cache_->incarnation());
  cache_->plant(kKey, lease);
  cache_->resetCalls();
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(clock_.sleptFor(), absl::Milliseconds(500));
  EXPECT_EQ(cache_->calls(Operation::kGetOrLease), 1 + 15);
  EXPECT_EQ(cache_->peek(kKey), lease) << "whoever bypasses does not fill";
  EXPECT_EQ(metrics_->count("strata_cache_bypasses_total", {{"reason", "being_filled"}}), 1);
}

// B-46
TEST_F(CachingStoreTest, WaitsForAnothersFillTwiceAsLongAsNearlyAllOfItsLoadsTake) {
  faults_->delayAll(testing::StoreOperation::kGet, absl::Milliseconds(10));
  for (int i = 0; i < 20; ++i) textOf("load" + std::to_string(i));
  faults_->heal();
  const absl::Duration before = clock_.sleptFor();
  cache_->plant(kKey, foreignLease(cache_->incarnation()));
  EXPECT_EQ(textOf("a"), "none");
  EXPECT_EQ(clock_.sleptFor() - before, absl::Milliseconds(20));
}

// B-46
TEST_F(CachingStoreTest, WaitsForAnothersFillNoLongerThanItsDeadlineAndTheLease) {
  cache_->plant(kKey, foreignLease(cache_->incarnation()));
  EXPECT_THAT(store_->get("a", {.deadline = Deadline::in(absl::Milliseconds(10), clock_)}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(clock_.sleptFor(), absl::Milliseconds(10));
  makeStore({.lease_ttl = absl::Milliseconds(100)});
  EXPECT_EQ(textOf("a"), "none");
  EXPECT_EQ(clock_.sleptFor(), absl::Milliseconds(110));
}

// B-46
TEST_F(CachingStoreTest, TakesAnothersFillAsSoonAsItLooks) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  cache_->plant(kKey, foreignLease(cache_->incarnation()));
  const auto give_way = [&] {
    cache_->erase(kKey);
    EXPECT_EQ((**otherProcess()->get("a")).text, "one");
  };
  cache_->after(Operation::kGetOrLease, kKey, give_way);
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(clock_.sleptFor(), absl::Milliseconds(1));
  EXPECT_EQ(loads(), 0);
}

// Leases of incarnation 0, of a process that had no connection yet, and of the one before, of a
// process that had not noticed a restart, counted as left over from the past: a crowd that found
// one asked the database, each caller for itself.
TEST_F(CachingStoreTest, WaitsForALeaseOfAnyIncarnation) {
  for (const Incarnation other : {Incarnation{}, Incarnation{4711}}) {
    const absl::Duration before = clock_.sleptFor();
    cache_->plant(kKey, foreignLease(other));
    EXPECT_EQ(textOf("a"), "none");
    EXPECT_GT(clock_.sleptFor(), before);
  }
}

TEST_F(CachingStoreTest, AnswersAVersionThatIsAtLeastTheOneAskedFor) {
  ASSERT_THAT(store_->put({"a", "old"}), IsOk());
  textOf("a");
  // Another process writes, and its delete is lost.
  const auto version = (*InMemoryStore<Note>::create(database_))->put({"a", "new"});
  EXPECT_EQ(textOf("a"), "old") << "nobody told this process";
  EXPECT_EQ(textOf("a", {.min_version = *version}), "new");
  EXPECT_EQ(textOf("a"), "new") << "the old copy is gone";
}

TEST_F(CachingStoreTest, DoesNotAnswerACachedAbsenceWhenAVersionIsAskedFor) {
  makeStore({.negative_ttl = absl::Seconds(10)});
  EXPECT_EQ(textOf("a"), "none");
  const auto version = (*InMemoryStore<Note>::create(database_))->put({"a", "new"});
  EXPECT_EQ(textOf("a", {.min_version = *version}), "new");
}

TEST_F(CachingStoreTest, GoesStraightToTheDatabaseForTheLatest) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  cache_->resetCalls();
  EXPECT_EQ(textOf("a", {.consistency = Consistency::kLatest}), "one");
  EXPECT_EQ(cache_->calls(), 0);
}

TEST_F(CachingStoreTest, AnswersTheVersionThatPutReturned) {
  const auto version = store_->put({"a", "one"});
  EXPECT_EQ((*store_->get("a")).version(), *version) << "from the database";
  EXPECT_EQ((*store_->get("a")).version(), *version) << "from the cache";
}

TEST_F(CachingStoreTest, DecodesTheSameCellOnceWhereItMayKeepIt) {
  makeStore({.max_decoded = 8});
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  const auto first = store_->get("a");
  const auto again = store_->get("a");
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(*first, *again) << "the same object";
  EXPECT_EQ((*again).version(), (*first).version());
  EXPECT_EQ(loads(), 1);
  makeStore({});
  EXPECT_NE(*store_->get("a"), *store_->get("a"));
}

// It asks the cache each time, so what is deleted or filled anew is never answered from memory.
TEST_F(CachingStoreTest, NeverAnswersADecodedCellThatTheCacheHasNoMore) {
  makeStore({.max_decoded = 8});
  const auto other = otherProcess();
  for (const char* text : {"one", "two", "three"}) {
    ASSERT_THAT(other->put({"a", text}), IsOk());
    EXPECT_EQ(textOf("a"), text);
    EXPECT_EQ(textOf("a"), text);
  }
  ASSERT_THAT(other->remove("a"), IsOk());
  EXPECT_EQ(textOf("a"), "none");
  ASSERT_THAT(other->put({"a", "four"}), IsOk());
  cache_->changeIncarnation();
  EXPECT_EQ(textOf("a"), "four");
}

TEST_F(CachingStoreTest, KeepsNoMoreDecodedValuesThanItMay) {
  makeStore({.max_decoded = 1});
  for (int round = 0; round < 2; ++round) {
    for (const char* id : {"a", "b", "c"}) {
      const std::string text = std::string("about ") + id;
      ASSERT_THAT(store_->put({id, text}), IsOk());
      EXPECT_EQ(textOf(id), text);
      EXPECT_EQ(textOf(id), text);
    }
  }
}

// What could not be deleted is tried once more when the store goes.
TEST_F(CachingStoreTest, TriesPendingDeletesOnceMoreWhenItIsDestroyed) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  cache_->loseNextRemove(FakeCache::Lost::kRequest);
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  store_.reset();
  EXPECT_FALSE(cached());
}

}  // namespace
}  // namespace strata::caching_test
