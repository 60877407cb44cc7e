// Stampedes on real servers: how many queries reach the database, by its own count
// (pg_stat_statements), and how many at once.
#include <gmock/gmock.h>

#include <map>
#include <set>

#include "strata/adapters/redis/redis_cache.h"
#include "strata/cache/guarded_cache.h"
#include "tests/decorators/other_process.h"
#include "tests/decorators/stampede_fixture.h"

namespace strata::stampede {
namespace {

using ::testing::Each;
using testing::IsOk;
using testing::StatusIs;

std::set<const Note*> objectsOf(const std::vector<Found>& answers) {
  std::set<const Note*> objects;
  for (const Found& found : answers) objects.insert(found->get());
  return objects;
}

void expectAll(const std::vector<Found>& answers, const std::string& text) {
  std::set<Version> versions;
  for (const Found& found : answers) {
    ASSERT_THAT(found, IsOk());
    ASSERT_NE(*found, nullptr);
    ASSERT_EQ((*found)->text, text);
    versions.insert(found->version());
  }
  EXPECT_EQ(versions.size(), 1U);
}

// First, for it forks: until here this process has one thread.
class TwoProcessesTest : public StampedeTest {
 protected:
  static void SetUpTestSuite() {
    OtherProcess::instance();
    StampedeTest::SetUpTestSuite();
  }
  OtherProcess& other_ = OtherProcess::instance();
};

// B-46
TEST_F(TwoProcessesTest, OneLooksAgainForTheFillOfTheOtherThenServesItself) {
  Process process(*servers);
  put({"cold", "cold"});
  forgetQueries();
  DatabaseGate gate(servers->postgres().url());
  Crowd<Found> loading(1, [&](std::size_t) { return process.notes->get("cold"); });
  ASSERT_TRUE(awaitAtGate(1));
  other_.get(*servers, "cold");
  EXPECT_LE(other_.waits(), absl::Milliseconds(1));
  other_.goOn();
  ASSERT_TRUE(awaitAtGate(2)) << "it asks the database itself";
  gate.open();
  expectAll(loading.results(), "cold");
  EXPECT_EQ(other_.answer(), "cold");
  EXPECT_EQ(queries(), 2);
}

// B-46
TEST_F(TwoProcessesTest, OneThatIsFastEnoughSparesTheOtherTheQuery) {
  Process process(*servers);
  put({"cold", "cold"});
  forgetQueries();
  DatabaseGate gate(servers->postgres().url());
  Crowd<Found> loading(1, [&](std::size_t) { return process.notes->get("cold"); });
  ASSERT_TRUE(awaitAtGate(1));
  other_.get(*servers, "cold");
  EXPECT_LE(other_.waits(), absl::Milliseconds(1));
  gate.open();
  expectAll(loading.results(), "cold");
  other_.goOn();
  EXPECT_EQ(other_.answer(), "cold");
  EXPECT_EQ(queries(), 1);
}

// B-46. A load that takes longer than the others wait was made by one caller of the first process,
// and by each of the 32 of every other: 1 + 32 + 32 queries. There is no CoalescingStore here.
TEST_F(TwoProcessesTest, CrowdsOfThreeProcessesAreAQueryForEachHoweverLongItTakes) {
  constexpr std::size_t kCallers = 32;
  OtherProcess& third = OtherProcess::second();
  Process process(*servers);
  const auto notes = process.createBareNotes();
  put({"cold", "cold"});
  forgetQueries();
  DatabaseGate gate(servers->postgres().url());
  Crowd<Found> crowd(kCallers, [&](std::size_t) { return notes->get("cold"); });
  ASSERT_TRUE(awaitAtGate(1));
  other_.get(*servers, "cold", kCallers);
  third.get(*servers, "cold", kCallers);
  ASSERT_TRUE(awaitAtGate(3)) << "those of the two others have waited for long enough";
  gate.open();
  expectAll(crowd.results(), "cold");
  EXPECT_EQ(other_.answer(), "cold");
  EXPECT_EQ(third.answer(), "cold");
  EXPECT_EQ(queries(), 3);
}

// B-43. The first crowd on a client without a connection took each other's leases for those of
// another incarnation, and did not wait for them: 32 callers, 32 queries. So did the first crowd after
// a restart of the cache, of which a client learns by its next connection.
TEST_F(StampedeTest, ACrowdOnAClientWithoutAConnectionIsOneQuery) {
  Process process(*servers);
  process.backends.cache =
      GuardedCache::over(*RedisCache::create({.url = Secret(servers->redis().url()),
                                              .command_timeout = absl::Seconds(5)}),
                         Metrics::none(), process.clock, process.backends.executor);
  const auto notes = process.createBareNotes();
  for (const std::string id : {"cold", "cold after a restart"}) {
    put({id, id});
    forgetQueries();
    DatabaseGate gate(servers->postgres().url());
    Crowd<Found> crowd(32, [&](std::size_t) { return notes->get(id); });
    ASSERT_TRUE(awaitAtGate(1));
    ASSERT_TRUE(process.clock.awaitWaiting(31)) << queriesAtGate() << " queries";
    gate.open();
    expectAll(crowd.results(), id);
    EXPECT_EQ(queries(), 1) << id;
    ASSERT_THAT(servers->redis().kill(), IsOk());
    ASSERT_THAT(servers->redis().start(), IsOk());
  }
}

// B-43: the first has the lease, and is in the database when all others have come. They wait for
// its fill and take it from Redis.
TEST_F(StampedeTest, ACrowdOnAColdIdIsOneQuery) {
  Process process(*servers);
  for (const std::size_t callers : {10U, 100U, 1000U}) {
    const std::string id = "cold" + std::to_string(callers);
    put({id, id});
    forgetQueries();
    DatabaseGate gate(servers->postgres().url());
    Crowd<Found> crowd(callers, [&](std::size_t) { return process.notes->get(id); });
    ASSERT_TRUE(awaitAtGate(1));
    ASSERT_TRUE(process.clock.awaitWaiting(callers - 1));
    gate.open();
    expectAll(crowd.results(), id);
    EXPECT_EQ(queries(), 1) << callers << " callers";
  }
}

// B-43, with Redis down: one query would be too few. The first has been sent when the others come,
// who may know of a write since; so they share a second one, and two objects serve all.
TEST_F(StampedeTest, WithoutACacheACrowdOnOneIdIsTwoQueries) {
  Process process(*servers);
  ASSERT_THAT(servers->redis().kill(), IsOk());
  for (const std::size_t callers : {10U, 100U, 1000U}) {
    const std::string id = "cold" + std::to_string(callers);
    put({id, id});
    forgetQueries();
    DatabaseGate gate(servers->postgres().url());
    Crowd<Found> crowd(callers, [&](std::size_t) { return process.notes->get(id); });
    ASSERT_TRUE(awaitAtGate(1));
    ASSERT_TRUE(process.clock.awaitWaiting(callers - 1));
    gate.open();
    expectAll(crowd.results(), id);
    EXPECT_EQ(queries(), 2) << callers << " callers";
    EXPECT_EQ(objectsOf(crowd.results()).size(), 2U);
  }
}

// B-43, with Redis down and nothing sent yet for the id: other ids hold all four calls that a
// CoalescingStore makes at once.
TEST_F(StampedeTest, WithoutACacheACrowdThatWasNotSentForIsOneQuery) {
  Process process(*servers);
  put({"cold", "cold"});
  ASSERT_THAT(servers->redis().kill(), IsOk());
  forgetQueries();
  DatabaseGate gate(servers->postgres().url());
  Crowd<Found> others(4, [&](std::size_t i) { return process.notes->get(std::to_string(i)); });
  ASSERT_TRUE(awaitAtGate(4));
  Crowd<Found> crowd(1000, [&](std::size_t) { return process.notes->get("cold"); });
  ASSERT_TRUE(process.clock.awaitWaiting(1000));
  gate.open();
  expectAll(crowd.results(), "cold");
  EXPECT_THAT(others.results(), Each(IsOk()));
  EXPECT_EQ(queries(), 4 + 1);
  EXPECT_EQ(objectsOf(crowd.results()).size(), 1U);
}

// B-47: four are sent for at once; the others gather behind them and are four batches, of 256 at
// most. One of the rows cannot be read.
TEST_F(StampedeTest, AThousandColdIdsAreEightQueriesAndOneBadRowFailsAlone) {
  constexpr std::size_t kIds = 1000;
  constexpr std::size_t kBad = 500;
  Process process(*servers);
  for (std::size_t i = 0; i < kIds; ++i) put({std::to_string(i), "text"});
  ask("UPDATE stampede_notes SET tags = '{}' WHERE id = '" + std::to_string(kBad) + "'");
  forgetQueries();
  DatabaseGate gate(servers->postgres().url());
  Crowd<Found> crowd(kIds, [&](std::size_t i) { return process.notes->get(std::to_string(i)); });
  ASSERT_TRUE(awaitAtGate(4));
  ASSERT_TRUE(process.clock.awaitWaiting(kIds - 4));
  gate.open();
  for (std::size_t i = 0; i < kIds; ++i) {
    const Found& found = crowd.results()[i];
    if (i == kBad) {
      EXPECT_THAT(found, StatusIs(absl::StatusCode::kDataLoss));
    } else {
      ASSERT_THAT(found, IsOk()) << i;
      ASSERT_EQ((*found)->id, std::to_string(i));
    }
  }
  EXPECT_EQ(queries(), 8);
}

// What each of the threads of B-48 does: together they ask 50 times for each of 100 ids, half of
// them through one store and half through another on the same database.
constexpr std::size_t kThreads = 200;
constexpr std::size_t kCallsPerThread = 25;
std::string hotId(std::size_t thread, std::size_t call) {
  return "hot" + std::to_string((thread + call) % 100);
}

// B-48
TEST_F(StampedeTest, WithoutACacheNoMoreQueriesAreAtWorkThanTheBulkheadAdmits) {
  Process process(*servers, {.max_concurrent = 3, .max_wait = absl::Minutes(1)});
  const auto other = process.createNotes();
  for (std::size_t i = 0; i < 100; ++i) put({hotId(i, 0), "text"});
  ASSERT_THAT(servers->redis().kill(), IsOk());
  forgetQueries();
  DatabaseGate gate(servers->postgres().url());
  Crowd<std::vector<Found>> crowd(kThreads, [&](std::size_t thread) {
    Store<Note>& store = thread < kThreads / 2 ? *process.notes : *other;
    std::vector<Found> answers;
    for (std::size_t call = 0; call < kCallsPerThread; ++call) {
      answers.push_back(store.get(hotId(thread, call)));
    }
    return answers;
  });
  ASSERT_TRUE(awaitAtGate(3));
  ASSERT_TRUE(process.clock.awaitWaiting(kThreads - 3)) << "in line, or for a flight";
  EXPECT_EQ(queriesAtGate(), 3);
  gate.open();
  for (const std::vector<Found>& answers : crowd.results()) EXPECT_THAT(answers, Each(IsOk()));
  EXPECT_LE(sessions(), 3);
  EXPECT_LT(queries(), static_cast<int>(kThreads * kCallsPerThread) / 5);
  RecordProperty("queries", queries());
}

// B-48: the database does not answer at all, and the callers have 100 ms for each of ten calls.
TEST_F(StampedeTest, WhatTheBulkheadDoesNotAdmitIsRefusedOrRunsOutOfTime) {
  Process process(*servers, {.max_concurrent = 3, .max_queue = 2});
  const auto other = process.createNotes();
  ASSERT_THAT(servers->redis().kill(), IsOk());
  DatabaseGate gate(servers->postgres().url());
  Crowd<std::map<absl::StatusCode, int>> crowd(64, [&](std::size_t thread) {
    Store<Note>& store = thread % 2 == 0 ? *process.notes : *other;
    std::map<absl::StatusCode, int> codes;
    for (std::size_t call = 0; call < 10; ++call) {
      const auto deadline = Deadline::in(absl::Milliseconds(100));
      ++codes[store.get(hotId(thread, call), {.deadline = deadline}).status().code()];
    }
    return codes;
  });
  std::map<absl::StatusCode, int> codes;
  for (const auto& own : crowd.results()) {
    for (const auto& [code, count] : own) codes[code] += count;
  }
  EXPECT_EQ(codes.size(), 2U);
  EXPECT_GT(codes[absl::StatusCode::kResourceExhausted], 0);
  EXPECT_GT(codes[absl::StatusCode::kDeadlineExceeded], 0);
  EXPECT_LE(sessions(), 3);
}

}  // namespace
}  // namespace strata::stampede
