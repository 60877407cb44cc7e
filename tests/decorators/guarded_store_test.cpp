// GuardedStore: deadlines, retries and the bulkhead, over stores that fail, hang and are counted.
#include "strata/decorators/guarded_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/base/metrics.h"
#include "strata/decorators/bulkhead.h"
#include "strata/decorators/coalescing_store.h"
#include "strata/testing/fakes/fault_injecting_store.h"
#include "tests/decorators/gated_store.h"

namespace strata::gated {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using testing::Fault;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;
using testing::StoreOperation;

// Over a store whose calls stop at a gate.
class GuardedStoreTest : public ::testing::Test {
 protected:
  GuardedStoreTest() { makeStore({}, {}); }

  void makeStore(GuardOptions options, BulkheadOptions bulkhead) {
    auto gate = std::make_unique<GatedStore>(clock_);
    gate_ = gate.get();
    store_ = guarded(std::move(gate), std::move(options), bulkhead);
  }
  std::unique_ptr<Store<Note>> guarded(std::unique_ptr<Store<Note>> below, GuardOptions options,
                                       BulkheadOptions bulkhead = {}) {
    options.store = "notes";
    auto made = GuardedStore<Note>::create(std::move(below), *Bulkhead::create(bulkhead, clock_),
                                           std::move(options), metrics_, clock_);
    EXPECT_THAT(made, IsOk());
    return *std::move(made);
  }
  Deadline in(absl::Duration time) const { return Deadline::in(time, clock_); }
  std::int64_t count(const std::string& name, Labels labels = {}) const {
    labels.emplace_back("store", "notes");
    return metrics_->count(name, labels);
  }

  WaitingClock clock_;
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  GatedStore* gate_ = nullptr;
  std::unique_ptr<Store<Note>> store_;
};

// B-67
TEST_F(GuardedStoreTest, ADeadlineThatHasPassedSendsNothing) {
  const Deadline passed = in(absl::ZeroDuration());
  const auto exceeded = StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("notes"));
  EXPECT_THAT(store_->get("a", {.deadline = passed}), exceeded);
  EXPECT_THAT(store_->getMany({"a", "b"}, {.deadline = passed}), ElementsAre(exceeded, exceeded));
  EXPECT_THAT(store_->put({"a", "text"}, {.deadline = passed}), exceeded);
  EXPECT_THAT(store_->remove("a", {.deadline = passed}), exceeded);
  EXPECT_EQ(gate_->calls().size(), 0U);
  EXPECT_THAT(store_->get("a"), IsOkAndHolds(nullptr)) << "nothing was written";
}

// B-64: the store below hangs; the call ends with its time, and its place is free again.
TEST_F(GuardedStoreTest, ACallEndsWithItsTimeout) {
  makeStore({.timeout = absl::Seconds(2)}, {.max_concurrent = 1});
  gate_->close();
  Crowd<Found> crowd(gate_, 1, [this](std::size_t) { return store_->get("a"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  clock_.advance(absl::Seconds(2));
  EXPECT_THAT(crowd.result(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  gate_->open();
  EXPECT_THAT(store_->get("a"), IsOk());
}

TEST_F(GuardedStoreTest, GivesADeadlineToWhoHasNoneAndKeepsOthers) {
  const Deadline own = in(absl::Hours(1));
  EXPECT_THAT(store_->get("a"), IsOk());
  EXPECT_THAT(store_->get("a", {.deadline = own, .min_version = Version(3)}), IsOk());
  makeStore({.timeout = absl::ZeroDuration()}, {});
  EXPECT_THAT(store_->get("a"), IsOk());
  EXPECT_TRUE(gate_->calls()[0].options.deadline.isNever()) << "a timeout of zero is none";
}

TEST_F(GuardedStoreTest, TheDefaultTimeoutIsFiveSeconds) {
  const Deadline own = in(absl::Hours(1));
  EXPECT_THAT(store_->get("a"), IsOk());
  EXPECT_THAT(store_->getMany({"a", "b"}, {.deadline = own, .min_version = Version(3)}),
              Each(IsOk()));
  const auto calls = gate_->calls();
  EXPECT_EQ(calls[0].options.deadline.time(), in(absl::Seconds(5)).time());
  EXPECT_EQ(calls[1].options.deadline.time(), own.time());
  EXPECT_EQ(calls[1].options.min_version, Version(3));
}

// B-48: 64 calls at once, 4 places and a line of 16.
TEST_F(GuardedStoreTest, NoMoreCallsGoOnAtOnceThanThereArePlaces) {
  makeStore({}, {.max_concurrent = 4, .max_queue = 16});
  gate_->close();
  Crowd<Found> crowd(gate_, 64, [this](std::size_t i) { return store_->get(std::to_string(i)); });
  ASSERT_TRUE(gate_->awaitCalls(4));
  ASSERT_TRUE(crowd.awaitDone(44)) << "the excess is refused at once";
  ASSERT_TRUE(clock_.awaitWaiting(16));
  gate_->open();
  int refused = 0;
  for (const Found& found : crowd.results()) {
    if (found.ok()) continue;
    EXPECT_THAT(found, StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("notes")));
    ++refused;
  }
  EXPECT_EQ(refused, 44);
  EXPECT_EQ(gate_->mostAtOnce(), 4U);
  EXPECT_EQ(gate_->calls().size(), 20U);
  EXPECT_EQ(count("strata_bulkhead_refused_total", {{"reason", "queue_full"}}), 44);
  EXPECT_EQ(metrics_->summary("strata_bulkhead_queue_seconds", {{"store", "notes"}}).count, 64);
}

// B-48: those in the line leave it when their own time is out, or when they have waited enough.
TEST_F(GuardedStoreTest, TheLineIsLeftInTime) {
  makeStore({}, {.max_concurrent = 1, .max_wait = absl::Seconds(1)});
  gate_->close();
  Crowd<Found> crowd(gate_, 1, [this](std::size_t) { return store_->get("a"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Found> hasty(gate_);
  hasty.add([&] { return store_->get("b", {.deadline = in(absl::Milliseconds(30))}); });
  Crowd<Found> patient(gate_);
  patient.add([&] { return store_->get("c"); });
  ASSERT_TRUE(clock_.awaitWaiting(2));
  clock_.advance(absl::Milliseconds(30));
  EXPECT_THAT(hasty.result(), StatusIs(absl::StatusCode::kDeadlineExceeded, HasSubstr("notes")));
  clock_.advance(absl::Seconds(1));
  EXPECT_THAT(patient.result(), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("notes")));
  EXPECT_EQ(count("strata_bulkhead_refused_total", {{"reason", "deadline"}}), 1);
  EXPECT_EQ(count("strata_bulkhead_refused_total", {{"reason", "waited_too_long"}}), 1);
  EXPECT_EQ(gate_->calls().size(), 1U);
}

// B-48: a bulkhead belongs to a database, whatever stores are on it.
TEST_F(GuardedStoreTest, StoresShareABulkhead) {
  const auto bulkhead = *Bulkhead::create({.max_concurrent = 1, .max_queue = 0}, clock_);
  auto gate = std::make_unique<GatedStore>(clock_);
  GatedStore& one_gate = *gate;
  one_gate.close();
  auto one = *GuardedStore<Note>::create(std::move(gate), bulkhead, {.store = "one"});
  auto two =
      *GuardedStore<Note>::create(std::make_unique<GatedStore>(clock_), bulkhead, {.store = "two"});
  Crowd<Found> crowd(&one_gate, 1, [&](std::size_t) { return one->get("a"); });
  ASSERT_TRUE(one_gate.awaitCalls(1));
  EXPECT_THAT(two->get("a"), StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("two")));
  EXPECT_TRUE(two->healthCheck().healthy()) << "a health check takes no place";
  one_gate.open();
  EXPECT_THAT(crowd.result(), IsOk());
  EXPECT_THAT(two->get("a"), IsOk());
}

// B-48: no cache, 100 hot ids and 50 callers of each (here, in 500 threads, 10 at once) through the
// whole guard of a database.
TEST_F(GuardedStoreTest, ACrowdWithoutACacheIsCoalescedAndBounded) {
  makeStore({}, {.max_concurrent = 2});
  auto coalescing = CoalescingStore<Note>::create(std::move(store_), {}, metrics_, clock_);
  ASSERT_THAT(coalescing, IsOk());
  gate_->close();
  Crowd<Found> crowd(gate_, 500, [&](std::size_t i) {
    return (*coalescing)->get("hot" + std::to_string(i % 100));
  });
  ASSERT_TRUE(gate_->awaitCalls(2));
  ASSERT_TRUE(clock_.awaitWaiting(498)) << "2 in line at the bulkhead, the others for a flight";
  gate_->open();
  EXPECT_THAT(crowd.results(), Each(IsOk()));
  EXPECT_EQ(gate_->mostAtOnce(), 2U);
  EXPECT_LE(gate_->calls().size(), 8U);
}

// The stack of docs/guarding.md and docs/coalescing.md.
std::unique_ptr<Store<Note>> protectedStore(std::unique_ptr<Store<Note>> database,
                                            std::shared_ptr<Bulkhead> bulkhead,
                                            std::shared_ptr<Metrics> metrics) {
  auto guarded = GuardedStore<Note>::create(
      std::move(database), std::move(bulkhead),
      {.store = "notes", .timeout = absl::Seconds(2), .attempts = 3}, metrics);
  if (!guarded.ok()) return nullptr;
  auto coalescing = CoalescingStore<Note>::create(*std::move(guarded), {.store = "notes"}, metrics);
  if (!coalescing.ok()) return nullptr;
  return *std::move(coalescing);
}

TEST_F(GuardedStoreTest, TheLayersStandOnOneAnother) {
  const auto bulkhead = Bulkhead::create({.max_concurrent = 16, .max_queue = 1000});
  ASSERT_THAT(bulkhead, IsOk());
  const auto notes = protectedStore(
      *InMemoryStore<Note>::create(std::make_shared<InMemoryDatabase>()), *bulkhead, metrics_);
  ASSERT_NE(notes, nullptr);
  EXPECT_THAT(notes->put({"a", "text"}), IsOk());
  EXPECT_EQ((*notes->get("a"))->text, "text");
}

// Over a store that fails as it is told.
class RetryTest : public GuardedStoreTest {
 protected:
  void over(GuardOptions options) {
    auto memory = InMemoryStore<Note>::create(std::make_shared<InMemoryDatabase>(), clock_);
    ASSERT_THAT(memory, IsOk());
    store_ =
        guarded(std::make_unique<testing::FaultInjectingStore<Note>>(*std::move(memory), faults_),
                std::move(options));
  }
  RetryTest() { over({}); }

  std::shared_ptr<testing::FaultPlan> faults_ = std::make_shared<testing::FaultPlan>(1, clock_);
};

TEST_F(RetryTest, AReadIsTriedAgainWhenTheDatabaseWasNotThere) {
  faults_->failCall(StoreOperation::kGet, 1);
  faults_->failCall(StoreOperation::kGet, 2);
  EXPECT_THAT(store_->get("a"), IsOkAndHolds(nullptr));
  EXPECT_EQ(faults_->calls(StoreOperation::kGet), 3);
  EXPECT_GT(clock_.sleptFor(), absl::ZeroDuration());
  EXPECT_LE(clock_.sleptFor(), absl::Milliseconds(20 + 40));
  EXPECT_EQ(count("strata_retries_total", {{"operation", "get"}}), 2);
}

TEST_F(RetryTest, TheThirdFailureIsTheAnswer) {
  faults_->failEverything();
  EXPECT_THAT(store_->get("a"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(faults_->calls(StoreOperation::kGet), 3);
  EXPECT_THAT(store_->getMany({"a", "b"}), Each(StatusIs(absl::StatusCode::kUnavailable)));
  EXPECT_EQ(faults_->calls(StoreOperation::kGetMany), 3);
}

TEST_F(RetryTest, OtherErrorsOfAReadAreAnswers) {
  for (const absl::Status& error :
       {absl::DataLossError(""), absl::DeadlineExceededError(""), absl::InvalidArgumentError(""),
        absl::ResourceExhaustedError(""), absl::PermissionDeniedError("")}) {
    const int before = faults_->calls(StoreOperation::kGet);
    faults_->failAll(StoreOperation::kGet, {.error = error});
    EXPECT_THAT(store_->get("a"), StatusIs(error.code()));
    EXPECT_EQ(faults_->calls(StoreOperation::kGet), before + 1);
  }
  EXPECT_EQ(clock_.sleptFor(), absl::ZeroDuration());
}

TEST_F(RetryTest, AWriteThatMayHaveHappenedIsNotTriedAgain) {
  for (const Fault& fault : {Fault{}, Fault::lostReply(), Fault{absl::AbortedError("")},
                             Fault{absl::DeadlineExceededError("")}}) {
    faults_->failAll(StoreOperation::kPut, fault);
    faults_->failAll(StoreOperation::kRemove, fault);
    EXPECT_THAT(store_->put({"a", "text"}), StatusIs(fault.error.code()));
    EXPECT_THAT(store_->remove("a"), StatusIs(fault.error.code()));
  }
  EXPECT_EQ(faults_->calls(StoreOperation::kPut), 4);
  EXPECT_EQ(faults_->calls(StoreOperation::kRemove), 4);
}

TEST_F(RetryTest, AWriteThatFoundNoRoomIsTriedAgain) {
  const Fault full{absl::ResourceExhaustedError("too many connections")};
  faults_->failCall(StoreOperation::kPut, 1, full);
  faults_->failCall(StoreOperation::kRemove, 1, full);
  EXPECT_THAT(store_->put({"a", "text"}), IsOk());
  EXPECT_THAT(store_->remove("a"), IsOk());
  EXPECT_EQ(faults_->calls(StoreOperation::kPut), 2);
  EXPECT_EQ(count("strata_retries_total", {{"operation", "put"}}), 1);
  EXPECT_EQ(count("strata_retries_total", {{"operation", "remove"}}), 1);
}

TEST_F(RetryTest, GetManyAsksAgainForWhatFailedOnly) {
  makeStore({}, {});
  gate_->fail("b", absl::UnavailableError("its part of the database is away"));
  gate_->fail("c", absl::DataLossError("notes.text is no text"));
  const auto found = store_->getMany({"a", "b", "c", "d"});
  EXPECT_THAT(found, ElementsAre(IsOk(), StatusIs(absl::StatusCode::kUnavailable),
                                 StatusIs(absl::StatusCode::kDataLoss), IsOk()));
  const auto calls = gate_->calls();
  ASSERT_EQ(calls.size(), 3U);
  EXPECT_THAT(calls[1].ids, ElementsAre("b"));
  EXPECT_THAT(calls[2].ids, ElementsAre("b"));
}

TEST_F(RetryTest, NoPauseGoesPastTheDeadline) {
  faults_->failEverything();
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    over({.attempts = 10,
          .first_backoff = absl::Seconds(1),
          .max_backoff = absl::Seconds(1),
          .seed = seed});
    const Deadline deadline = in(absl::Seconds(1));
    // The last answer, not that the deadline had passed.
    EXPECT_THAT(store_->get("a", {.deadline = deadline}), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_LT(clock_.now(), deadline.time());
  }
  EXPECT_LT(faults_->calls(StoreOperation::kGet), 20 * 5);
}

TEST_F(RetryTest, PausesDoubleUpToTheirLimitAndAreSpreadOverAll) {
  absl::Duration shortest = absl::InfiniteDuration();
  absl::Duration longest;
  for (std::uint32_t seed = 1; seed <= 200; ++seed) {
    over({.timeout = absl::ZeroDuration(), .attempts = 8, .seed = seed});
    faults_->failEverything();
    const absl::Duration before = clock_.sleptFor();
    EXPECT_THAT(store_->get("a"), StatusIs(absl::StatusCode::kUnavailable));
    const absl::Duration slept = clock_.sleptFor() - before;
    shortest = std::min(shortest, slept);
    longest = std::max(longest, slept);
  }
  // 20, 40, 80, 160, 320, 500 and 500 ms at most; half of it on average.
  EXPECT_LT(longest, absl::Milliseconds(1620));
  EXPECT_GT(longest, absl::Milliseconds(1000));
  EXPECT_LT(shortest, absl::Milliseconds(500));
}

// While it waits for its next attempt a call leaves its place to others.
TEST_F(RetryTest, NoPlaceIsKeptOverAPause) {
  const auto bulkhead = *Bulkhead::create({.max_concurrent = 1, .max_queue = 0}, clock_);
  auto memory = InMemoryStore<Note>::create(std::make_shared<InMemoryDatabase>(), clock_);
  auto store = *GuardedStore<Note>::create(
      std::make_unique<testing::FaultInjectingStore<Note>>(*std::move(memory), faults_), bulkhead,
      {.store = "notes"}, metrics_, clock_);
  faults_->failAll(StoreOperation::kGet);
  EXPECT_THAT(store->get("a"), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(faults_->calls(StoreOperation::kGet), 3) << "a place was found for every attempt";
}

TEST(GuardOptions, AreRefusedOutOfTheirRange) {
  const auto refused = [](const std::string& name) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(name));
  };
  EXPECT_THAT(validate(GuardOptions{}), IsOk());
  EXPECT_THAT(validate(GuardOptions{.timeout = -absl::Seconds(1)}), refused("timeout"));
  EXPECT_THAT(validate(GuardOptions{.timeout = absl::InfiniteDuration()}), refused("timeout"));
  EXPECT_THAT(validate(GuardOptions{.attempts = 0}), refused("attempts"));
  EXPECT_THAT(validate(GuardOptions{.attempts = 11}), refused("attempts"));
  EXPECT_THAT(validate(GuardOptions{.first_backoff = absl::Seconds(1)}), refused("first_backoff"));
  EXPECT_THAT(validate(GuardOptions{.max_backoff = absl::Hours(1)}), refused("max_backoff"));
  EXPECT_THAT(GuardedStore<Note>::create(nullptr, nullptr, {.attempts = 0}), refused("attempts"));
}

}  // namespace
}  // namespace strata::gated
