// CachingStore over a cache that fails, hangs and comes back; and its fills off the caller's path.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "src/cache/compression.h"
#include "strata/testing/eventually.h"
#include "tests/decorators/caching_failures_fixture.h"

namespace strata::caching_test {
namespace {

using internal::Cell;
using testing::eventually;
using testing::FakeCache;
using testing::IsOk;
using testing::StatusIs;
using Operation = FakeCache::Operation;
using State = CircuitBreaker::State;

// ---- The breaker ----

// B-25, B-35
TEST_F(CachingFailuresTest, AnOpenBreakerSparesEveryCallTheCache) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  failThrice();
  cache_->resetCalls();
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_THAT(store_->getMany(std::vector<Id>{"a", "b"}).front(), IsOk());
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_EQ(cache_->calls(), 0);
  EXPECT_EQ(bypasses("breaker_open"), 4);
  EXPECT_EQ(guarded_->pendingDeletes(), 1U);
}

// Races 19, 20. B-28, B-29, B-38
TEST_F(CachingFailuresTest, TheProbeMakesTheDeletionsThatAreOwedBeforeAnybodyReads) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  ASSERT_TRUE(cached());
  failThrice();
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  cache_->setDown(false);
  bool read_first = false;
  cache_->before(Operation::kRemove, kKey, [&] { read_first = guarded_->breaker().allows(); });
  tasks_->advance(absl::Seconds(17));
  EXPECT_FALSE(read_first);
  EXPECT_EQ(guarded_->breaker().status().state, State::kClosed);
  EXPECT_EQ(guarded_->pendingDeletes(), 0U);
  EXPECT_EQ(cache_->peek(kKey), std::nullopt);
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_TRUE(cached());
}

// Race 20. B-37
TEST_F(CachingFailuresTest, AProbeThatCannotDeleteLeavesItOpen) {
  failThrice();
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  cache_->setDown(false);
  cache_->loseNextRemove(FakeCache::Lost::kReply);
  tasks_->advance(absl::Seconds(17));
  EXPECT_EQ(guarded_->breaker().status().state, State::kOpen);
  EXPECT_EQ(guarded_->pendingDeletes(), 1U);
  tasks_->advance(absl::Seconds(17));
  EXPECT_EQ(guarded_->breaker().status().state, State::kClosed);
}

// B-26
// Three reads in a row of keys of one dead node of a cluster opened the breaker for all nodes, and
// while that one was down no probe could close it.
TEST_F(CachingFailuresTest, OneServerOfSeveralIsNotTheWholeCache) {
  ASSERT_OK(store_->put({"a", "old"}));
  ASSERT_OK(store_->put({"b", "kept"}));
  textOf("a");
  textOf("b");
  cache_->setDownFor({kKey});
  for (int i = 0; i < 10; ++i) EXPECT_EQ(textOf("a"), "old");
  EXPECT_EQ(guarded_->breaker().status().state, CircuitBreaker::State::kClosed);
  const std::int64_t before = loads();
  EXPECT_EQ(textOf("b"), "kept");
  EXPECT_EQ(loads(), before) << "b is a hit";
  ASSERT_OK(store_->put({"a", "new"}));
  ASSERT_OK(store_->put({"b", "new"}));
  EXPECT_EQ(guarded_->pendingDeletes(), 1U);
  EXPECT_EQ(textOf("b"), "new");
  EXPECT_TRUE(cached("app:notes:note:b"));

  failThrice();
  cache_->setDown(false);
  tasks_->advance(absl::Seconds(17));
  EXPECT_EQ(guarded_->breaker().status().state, CircuitBreaker::State::kClosed);
  EXPECT_EQ(guarded_->pendingDeletes(), 1U);
  EXPECT_EQ(textOf("a"), "new") << "the copy that could not be deleted is not believed";
  cache_->setDownFor({});
  tasks_->advance(absl::Seconds(1));
  EXPECT_EQ(guarded_->pendingDeletes(), 0U);
  EXPECT_FALSE(cached());
}

// B-39
TEST_F(CachingFailuresTest, AMissIsASuccess) {
  const auto fail_once = [&] {
    cache_->setDown(true);
    textOf("a");
    cache_->setDown(false);
  };
  fail_once();
  fail_once();
  textOf("a");  // nothing is cached under it
  fail_once();
  fail_once();
  EXPECT_EQ(guarded_->breaker().status().state, State::kClosed);
}

TEST_F(CachingFailuresTest, ACallerInAHurryTellsNothingAboutTheServer) {
  for (int i = 0; i < 10; ++i) {
    cache_->before(Operation::kGetMany, "a", [&] { clock_.advance(absl::Seconds(1)); });
    const std::string key = "a";
    (void)guarded_->getMany({&key, 1}, Deadline::in(absl::Milliseconds(1), clock_));
  }
  EXPECT_EQ(guarded_->breaker().status().failures, 0);
}

// B-41
TEST_F(CachingFailuresTest, WhileItIsForcedOpenReadsPassAndDeletionsAreOwed) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  guarded_->breaker().forceOpen();
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  EXPECT_EQ(textOf("a"), "two");
  guarded_->breaker().reset();
  EXPECT_EQ(textOf("a"), "two") << "what is owed is not believed";
  EXPECT_EQ(bypasses("pending_delete"), 1);
  tasks_->advance(absl::Seconds(2));
  EXPECT_EQ(guarded_->pendingDeletes(), 0U);
}

TEST_F(CachingFailuresTest, HealthSaysWhyTheCacheIsNotAskedAndAsksItNot) {
  failThrice();
  cache_->resetCalls();
  const Health health = store_->healthCheck();
  EXPECT_EQ(health.state, HealthState::kWarn);
  EXPECT_THAT(health.error, ::testing::HasSubstr("circuit breaker is open"));
  EXPECT_EQ(cache_->calls(), 0);
}

TEST_F(CachingFailuresTest, TheCriticalTierHandsOnTheRefusal) {
  guard({}, {.failure_tier = FailureTier::kCritical});
  cache_->setDown(true);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(store_->get("a"), StatusIs(absl::StatusCode::kUnavailable));
  }
  EXPECT_THAT(store_->get("a"), StatusIs(absl::StatusCode::kUnavailable,
                                         ::testing::HasSubstr("circuit breaker is open")));
}

// Two stores of one process over one table: what one could not delete the other must not read.
TEST_F(CachingFailuresTest, StoresThatShareACacheShareWhatIsOwed) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  auto first = std::move(store_);
  makeStore({});
  cache_->loseNextRemove(FakeCache::Lost::kRequest);
  ASSERT_THAT(first->put({"a", "two"}), IsOk());
  ASSERT_TRUE(cached()) << "the old copy is still there";
  EXPECT_EQ(textOf("a"), "two");
}

// ---- More deletions than can be remembered ----

TEST_F(CachingFailuresTest, NothingFromBeforeIsBelievedOnceTooManyDeletionsWereOwed) {
  guard({.max_pending_deletes = 2});
  for (const char* id : {"a", "b", "c", "d"}) {
    ASSERT_THAT(store_->put({id, "one"}), IsOk());
    textOf(id);
  }
  failThrice();
  for (const char* id : {"a", "b", "c"}) ASSERT_THAT(store_->put({id, "two"}), IsOk());
  cache_->setDown(false);
  tasks_->advance(absl::Seconds(17));
  ASSERT_TRUE(cached("app:notes:note:c")) << "its deletion was forgotten";
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(textOf(id), "two");
  EXPECT_EQ(textOf("d"), "one");
  EXPECT_EQ(rejected("older_epoch"), 2);

  // Another process has not moved its epoch. It believes the new cells, and learns of it by them.
  auto guarded = *GuardedCache::create(cache_, {}, Metrics::none(), clock_, executor_);
  auto other = *CachingStore<Note>::create(*InMemoryStore<Note>::create(database_), guarded,
                                           {.store = "notes", .app = "app"}, Metrics::none(),
                                           clock_, executor_);
  EXPECT_EQ((**other->get("c")).text, "two");
  EXPECT_EQ(guarded->epoch(), guarded_->epoch());
}

// ---- A commit of which nobody knows ----

// Race 22. B-54
TEST_F(CachingFailuresTest, ReadsPastTheCacheWhileAWriteMayStillComeToPass) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  faults_->failCall(testing::StoreOperation::kPut, 1,
                    {.error = absl::UnknownError("the connection was lost")});
  EXPECT_THAT(store_->put({"a", "two"}), StatusIs(absl::StatusCode::kUnknown));
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_FALSE(cached());
  // It surfaces after another process has filled what it read before.
  auto other = otherProcess();
  EXPECT_EQ((**other->get("a")).text, "one");
  ASSERT_TRUE(cached());
  ASSERT_THAT((*InMemoryStore<Note>::create(database_))->put({"a", "two"}), IsOk());
  EXPECT_EQ(textOf("a"), "two");
  tasks_->advance(absl::Seconds(31));
  EXPECT_EQ((**other->get("a")).text, "two") << "deleted again after it surfaced";
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_TRUE(cached());
}

// Of a key that did not fit among the pending ones the epoch was moved once, and what was filled
// after that and before the commit surfaced was believed.
// Race 22. B-54
TEST_F(CachingFailuresTest, ReadsPastTheCacheAlsoWhereThatWriteDoesNotFitAmongThePending) {
  guard({.max_pending_deletes = 1});
  for (const char* id : {"b", "a"}) {
    ASSERT_THAT(store_->put({id, "one"}), IsOk());
    textOf(id);
    faults_->failCall(testing::StoreOperation::kPut, 1,
                      {.error = absl::UnknownError("the connection was lost")});
    EXPECT_THAT(store_->put({id, "two"}), StatusIs(absl::StatusCode::kUnknown));
  }
  tasks_->advance(absl::Milliseconds(100));
  EXPECT_EQ(guarded_->epoch(), 1U);
  EXPECT_EQ(textOf("a"), "one");
  ASSERT_THAT((*InMemoryStore<Note>::create(database_))->put({"a", "two"}), IsOk());
  EXPECT_EQ(textOf("a"), "two");
  tasks_->advance(absl::Seconds(31));
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_TRUE(cached());
}

// B-58
TEST_F(CachingFailuresTest, AWriteThatWasRolledBackLeavesTheCacheAlone) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  cache_->resetCalls();
  faults_->failCall(testing::StoreOperation::kPut, 1,
                    {.error = absl::FailedPreconditionError("a constraint forbids it")});
  EXPECT_THAT(store_->put({"a", "two"}), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(cache_->calls(), 0);
  EXPECT_TRUE(cached());
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_EQ(loads(), 1);
}

// Race 44. B-60
TEST_F(CachingFailuresTest, HostsWhoseClocksAreAnHourApartShareACache) {
  testing::FakeClock other_clock;
  other_clock.advance(absl::Hours(1));
  other_clock.jumpWallClock(-absl::Hours(3));
  auto guarded = *GuardedCache::create(cache_, {}, Metrics::none(), other_clock, executor_);
  auto other = *CachingStore<Note>::create(*InMemoryStore<Note>::create(database_), guarded,
                                           {.store = "notes", .app = "app"}, Metrics::none(),
                                           other_clock, executor_);
  for (int i = 0; i < 10; ++i) {
    const std::string text = "text " + std::to_string(i);
    ASSERT_THAT((i % 2 == 0 ? *store_ : *other).put({"a", text}), IsOk());
    EXPECT_EQ((**other->get("a")).text, text);
    EXPECT_EQ(textOf("a"), text);
  }
  EXPECT_EQ(loads(), 0) << "what the other filled is believed here";
}

// ---- Fills off the caller's path ----

// B-23
TEST_F(CachingFailuresTest, AFillOffTheCallersPathIsSentInTheBackground) {
  guard({}, {.max_queued_fills = 10});
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_FALSE(cached());
  tasks_->runDue();
  EXPECT_TRUE(cached());
  EXPECT_EQ(fills("stored"), 1);
}

// B-23
TEST_F(CachingFailuresTest, DestroyingTheStoreSendsTheFillsThatWait) {
  guard({}, {.max_queued_fills = 10});
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  EXPECT_EQ(textOf("a"), "one");
  store_.reset();
  EXPECT_TRUE(cached());
}

TEST_F(CachingFailuresTest, FillsThatDoNotFitIntoTheQueueAreDroppedAndTheOthersShareARoundTrip) {
  guard({}, {.max_queued_fills = 3});
  for (const char* id : {"a", "b", "c", "d", "e"}) {
    ASSERT_THAT(store_->put({id, "one"}), IsOk());
    EXPECT_EQ(textOf(id), "one");
  }
  cache_->resetCalls();
  tasks_->runDue();
  EXPECT_EQ(fills("stored"), 3);
  EXPECT_EQ(fills("queue_full"), 2);
  EXPECT_EQ(cache_->calls(Operation::kCompareAndSet), 1);
}

// B-49
TEST_F(CachingFailuresTest, AFillThatWaitedTooLongIsNotSent) {
  guard({}, {.max_queued_fills = 10});
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  EXPECT_EQ(textOf("a"), "one");
  clock_.advance(absl::Seconds(3));
  cache_->resetCalls();
  tasks_->runDue();
  EXPECT_EQ(cache_->calls(), 0);
  EXPECT_EQ(fills("late"), 1);
}

// ---- Compression ----

// B-24
TEST_F(CachingFailuresTest, LongValuesAreCompressedAndEveryReaderUnderstandsBoth) {
  const std::string text(10'000, 'x');
  ASSERT_THAT(store_->put({"a", text}), IsOk());
  ASSERT_THAT(store_->put({"b", text}), IsOk());
  EXPECT_EQ(textOf("b"), text);  // stored as it is
  guard({}, {.compress_above_bytes = 1000});
  EXPECT_EQ(textOf("a"), text);
  EXPECT_LT(cache_->peek(kKey)->size(), 1000U);
  EXPECT_EQ(textOf("a"), text);
  EXPECT_EQ(textOf("b"), text);
  EXPECT_EQ(loads(), 2);
  guard({}, {});
  EXPECT_EQ(textOf("a"), text) << "by one that does not compress";
  EXPECT_EQ(loads(), 2);
}

// B-24
TEST_F(CachingFailuresTest, WhatCompressionDoesNotShortenStaysAsItIs) {
  guard({}, {.compress_above_bytes = 1});
  ASSERT_THAT(store_->put({"a", "Zk"}), IsOk());
  EXPECT_EQ(textOf("a"), "Zk");
  EXPECT_EQ(Cell::parse(*cache_->peek(kKey))->codec, Cell::kJsonCodec);
  EXPECT_EQ(textOf("a"), "Zk");
}

// B-20, B-24
TEST_F(CachingFailuresTest, ACompressedPayloadThatIsBrokenIsAMiss) {
  guard({}, {.compress_above_bytes = 100});
  const std::string text(10'000, 'x');
  ASSERT_THAT(store_->put({"a", text}), IsOk());
  EXPECT_EQ(textOf("a"), text);
  const std::string good = *cache_->peek(kKey);
  std::string huge = good;
  const std::size_t payload_at = good.size() - Cell::parse(good)->payload.size();
  huge.replace(payload_at, std::string::npos, "\x28\xB5\x2F\xFD\xE0");
  huge.append(8, '\x7F');  // a frame that claims to hold 2^63 bytes
  const std::size_t size = good.size();
  // A few kilobytes that become more than 64 MiB; up to 512 MiB were decompressed.
  std::string bomb = good.substr(0, payload_at);
  bomb += internal::compress(std::string((std::size_t{64} << 20) + 1, ' '));
  for (const std::string& bad : {good.substr(0, size - 5), good.substr(0, payload_at),
                                 good.substr(0, size - 8) + std::string(8, '!'), huge, bomb}) {
    cache_->plant(kKey, bad);
    EXPECT_EQ(textOf("a"), text);
    EXPECT_TRUE(cached());
  }
  EXPECT_EQ(rejected("undecodable"), 5);
}

// ---- A crowd on one id ----

// B-43
TEST_F(CachingFailuresTest, ACrowdOnAColdIdMakesOneQueryHoweverLongItTakes) {
  for (const int callers : {10, 100, 1000}) {
    const std::string id = "crowd" + std::to_string(callers);
    ASSERT_THAT((*InMemoryStore<Note>::create(database_))->put({id, "one"}), IsOk());
    const std::int64_t before = loads();
    const auto waiting = [&] { return metrics_->count("strata_cache_waits_total"); };
    const std::int64_t waited_before = waiting();
    Gate gate;
    faults_->before(testing::StoreOperation::kGet, [&] { gate.pass(); });
    std::vector<std::jthread> threads;
    const auto read = [&] { EXPECT_EQ(textOf(id), "one"); };
    // Alone at first: starved between its lease and noting it, it would leave others to guess.
    threads.emplace_back(read);
    gate.reached.wait();
    while (threads.size() < static_cast<std::size_t>(callers)) threads.emplace_back(read);
    EXPECT_TRUE(eventually([&] { return waiting() - waited_before == callers - 1; }));
    gate.let_go.count_down();
    threads.clear();
    EXPECT_EQ(loads() - before, 1) << callers << " callers";
    EXPECT_EQ(clock_.sleptFor(), absl::ZeroDuration()) << "nobody had to guess";
  }
}

// A thread that lost its processor between taking a lease and telling its process of it let another
// caller sleep and look, for a while, and then ask the database itself.
TEST_F(CachingFailuresTest, ACrowdWaitsForALeaseOfWhichItsHolderHasNotToldYet) {
  constexpr std::size_t kCallers = 32;
  ASSERT_THAT((*InMemoryStore<Note>::create(database_))->put({"a", "one"}), IsOk());
  Gate gate;
  cache_->after(Operation::kGetOrLease, kKey, [&] { gate.pass(); });
  std::vector<std::jthread> threads;
  const auto read = [&] { EXPECT_EQ(textOf("a"), "one"); };
  threads.emplace_back(read);
  gate.reached.wait();
  while (threads.size() < kCallers) threads.emplace_back(read);
  EXPECT_TRUE(
      eventually([&] { return metrics_->count("strata_cache_waits_total") == kCallers - 1; }));
  gate.let_go.count_down();
  threads.clear();
  EXPECT_EQ(loads(), 1);
  EXPECT_EQ(clock_.sleptFor(), absl::ZeroDuration());
}

// Without a CoalescingStore each of those who had waited in vain asked the database: 32 callers
// behind a load that failed, or of a record that does not exist, made 32 queries. They share one
// that begins after they came; those who come later share the next.
TEST_F(CachingFailuresTest, ACrowdThatWaitedInVainSharesTheNextLoad) {
  constexpr std::size_t kCallers = 32;
  Gate gate;
  faults_->before(testing::StoreOperation::kGet, [&] { gate.pass(); });
  std::vector<std::jthread> threads;
  const auto read = [&] { EXPECT_EQ(textOf("a"), "none"); };
  threads.emplace_back(read);
  gate.reached.wait();
  while (threads.size() < kCallers) threads.emplace_back(read);
  EXPECT_TRUE(
      eventually([&] { return metrics_->count("strata_cache_waits_total") == kCallers - 1; }));
  gate.let_go.count_down();
  threads.clear();
  EXPECT_LE(loads(), 3) << "the first, that of those who waited, and perhaps that of a late one";
}

// B-45
TEST_F(CachingFailuresTest, AWaitingReaderGoesOnAtItsOwnDeadline) {
  ASSERT_THAT((*InMemoryStore<Note>::create(database_))->put({"a", "one"}), IsOk());
  Gate gate;
  faults_->before(testing::StoreOperation::kGet, [&] { gate.pass(); });
  std::jthread leader([&] { EXPECT_EQ(textOf("a"), "one"); });
  gate.reached.wait();
  std::jthread follower([&] {
    EXPECT_THAT(store_->get("a", {.deadline = Deadline::in(absl::Seconds(1), clock_)}),
                StatusIs(absl::StatusCode::kDeadlineExceeded));
  });
  EXPECT_TRUE(eventually([&] { return metrics_->count("strata_cache_waits_total") == 1; }));
  clock_.advance(absl::Seconds(1));
  follower.join();
  gate.let_go.count_down();
}

}  // namespace
}  // namespace strata::caching_test
