// CoalescingStore over a store with a gate: who asks for what, who waits, and how fresh answers
// are.
#include "strata/decorators/coalescing_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <stdexcept>

#include "strata/base/metrics.h"
#include "tests/decorators/gated_store.h"

namespace strata::gated {
namespace {

using ::testing::ElementsAre;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;
using ::testing::UnorderedElementsAre;

class CoalescingStoreTest : public ::testing::Test {
 protected:
  CoalescingStoreTest() { makeStore({}); }

  void makeStore(CoalescingOptions options) {
    options.store = "notes";
    auto gate = std::make_unique<GatedStore>(clock_);
    gate_ = gate.get();
    auto made = CoalescingStore<Note>::create(std::move(gate), options, metrics_, clock_);
    ASSERT_THAT(made, IsOk());
    store_ = *std::move(made);
  }

  void put(const std::string& id, const std::string& text = "text") {
    ASSERT_THAT(store_->put({id, text}), IsOk());
  }
  std::function<Found()> get(std::string id, ReadOptions options = {}) {
    return [this, id = std::move(id), options] { return store_->get(id, options); };
  }
  Deadline in(absl::Duration time) const { return Deadline::in(time, clock_); }
  std::vector<std::string> idsOf(std::size_t call) const { return gate_->calls().at(call).ids; }
  std::size_t calls() const { return gate_->calls().size(); }

  WaitingClock clock_;
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  GatedStore* gate_ = nullptr;
  std::unique_ptr<Store<Note>> store_;
};

TEST_F(CoalescingStoreTest, ALoneCallerIsPassedThroughWithItsOptions) {
  put("a");
  const ReadOptions options{.consistency = Consistency::kEventual, .min_version = Version(1)};
  EXPECT_THAT(store_->get("a", options), IsOk());
  EXPECT_EQ(clock_.reads(), 0) << "the clock is not read where there is no deadline";
  EXPECT_THAT(store_->getMany({"b", "a", "b"}, options), ::testing::Each(IsOk()));
  EXPECT_EQ(clock_.reads(), 0);
  const auto calls = gate_->calls();
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_FALSE(calls[0].is_many);
  EXPECT_THAT(calls[0].ids, ElementsAre("a"));
  EXPECT_TRUE(calls[1].is_many);
  EXPECT_THAT(calls[1].ids, ElementsAre("b", "a"));
  for (const auto& call : calls) {
    EXPECT_EQ(call.options.consistency, Consistency::kEventual);
    EXPECT_EQ(call.options.min_version, Version(1));
  }
}

class ColdId : public CoalescingStoreTest, public ::testing::WithParamInterface<std::size_t> {
 protected:
  // The same object, for all.
  static void expectOneSnapshot(const std::vector<Found>& found) {
    for (const Found& one : found) {
      ASSERT_THAT(one, IsOk());
      EXPECT_NE(*one, nullptr);
      EXPECT_EQ(one->get(), (*found[0]).get());
    }
  }
};

// B-43: nothing has been sent for the id when they come, so that one call serves all of them.
TEST_P(ColdId, IsAskedForOnceByThoseThatComeBeforeItIsSent) {
  makeStore({.max_concurrent_batches = 1});
  put("cold");
  gate_->close();
  Crowd<Found> other(gate_, 1, [this](std::size_t) { return store_->get("other"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Found> crowd(gate_, GetParam(), [this](std::size_t) { return store_->get("cold"); });
  ASSERT_TRUE(clock_.awaitWaiting(GetParam()));
  gate_->open();
  expectOneSnapshot(crowd.results());
  EXPECT_EQ(calls(), 2U);
  EXPECT_THAT(idsOf(1), ElementsAre("cold"));
  EXPECT_EQ(metrics_->count("strata_coalesced_calls_total", {{"store", "notes"}}),
            static_cast<std::int64_t>(GetParam()) - 1);
}

// B-43: the first is on its way when the others come. They may have been told of a write since it
// was sent, so they do not join it; one more call serves them all.
TEST_P(ColdId, IsAskedForOnceMoreByThoseThatComeAfterItWasSent) {
  put("cold");
  gate_->close();
  Crowd<Found> first(gate_, 1, [this](std::size_t) { return store_->get("cold"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Found> crowd(gate_, GetParam() - 1, [this](std::size_t) { return store_->get("cold"); });
  ASSERT_TRUE(clock_.awaitWaiting(GetParam() - 1));
  gate_->open();
  expectOneSnapshot(crowd.results());
  EXPECT_THAT(first.result(), IsOk());
  EXPECT_EQ(calls(), 2U);
}

INSTANTIATE_TEST_SUITE_P(Callers, ColdId, ::testing::Values(10, 100, 1000));

// B-44
TEST_F(CoalescingStoreTest, AnErrorIsForAllThatJoinedAndTheNextGetAsksAgain) {
  put("a");
  gate_->close();
  Crowd<Found> crowd(gate_, 1, [this](std::size_t) { return store_->get("a"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  for (int i = 0; i < 9; ++i) crowd.add(get("a"));
  ASSERT_TRUE(clock_.awaitWaiting(9));
  gate_->fail("a", absl::UnavailableError("the database is gone"));
  gate_->open();
  const auto found = crowd.results();
  EXPECT_THAT(found[0], IsOk()) << "it was answered before the failure";
  for (std::size_t i = 1; i < found.size(); ++i) {
    EXPECT_THAT(found[i], StatusIs(absl::StatusCode::kUnavailable, "the database is gone"));
  }
  EXPECT_EQ(calls(), 2U);
  gate_->heal();
  EXPECT_THAT(store_->get("a"), IsOk());
  EXPECT_EQ(calls(), 3U);
}

// B-45
TEST_F(CoalescingStoreTest, AFollowerHasItsAnswerWhenTheLeadersDeadlinePasses) {
  makeStore({.max_concurrent_batches = 1});
  put("a");
  gate_->close();
  Crowd<Found> other(gate_, 1, [this](std::size_t) { return store_->get("other"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Found> leader(gate_);
  leader.add(get("a", {.deadline = in(absl::Milliseconds(50))}));
  ASSERT_TRUE(clock_.awaitWaiting(1));
  Crowd<Found> followers(gate_);
  followers.add(get("a", {.deadline = in(absl::Seconds(10))}));
  followers.add(get("a"));
  followers.add(get("b"));
  ASSERT_TRUE(clock_.awaitWaiting(4));
  gate_->letThrough(1);
  ASSERT_TRUE(gate_->awaitCalls(2));
  EXPECT_THAT(idsOf(1), ElementsAre("a", "b"));
  EXPECT_EQ(gate_->calls()[1].options.deadline.time(), in(absl::Milliseconds(50)).time());
  clock_.advance(absl::Milliseconds(50));
  ASSERT_TRUE(gate_->awaitCalls(3)) << "a follower leads";
  EXPECT_THAT(leader.result(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  gate_->open();
  for (const Found& found : followers.results()) EXPECT_THAT(found, IsOk());
}

// B-45, the other way round: who has less time than the leader leaves, and the others stay.
TEST_F(CoalescingStoreTest, AFollowerWhoseDeadlinePassesLeavesAlone) {
  put("a");
  gate_->close();
  Crowd<Found> crowd(gate_);
  crowd.add(get("a"));
  ASSERT_TRUE(gate_->awaitCalls(1));
  crowd.add(get("a"));
  Crowd<Found> hasty(gate_);
  hasty.add(get("a", {.deadline = in(absl::Milliseconds(50))}));
  ASSERT_TRUE(clock_.awaitWaiting(2));
  clock_.advance(absl::Milliseconds(50));
  EXPECT_THAT(hasty.result(), StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(calls(), 1U);
  gate_->open();
  for (const Found& found : crowd.results()) EXPECT_THAT(found, IsOk());
}

TEST_F(CoalescingStoreTest, WhatEverybodyHasLeftIsNotAskedFor) {
  makeStore({.max_concurrent_batches = 1});
  gate_->close();
  Crowd<Found> first(gate_, 1, [this](std::size_t) { return store_->get("a"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Found> hasty(gate_);
  hasty.add(get("a", {.deadline = in(absl::Milliseconds(50))}));
  hasty.add(get("b", {.deadline = in(absl::Milliseconds(50))}));
  ASSERT_TRUE(clock_.awaitWaiting(2));
  clock_.advance(absl::Milliseconds(50));
  EXPECT_THAT(hasty.results(), ::testing::Each(StatusIs(absl::StatusCode::kDeadlineExceeded)));
  gate_->open();
  EXPECT_THAT(first.result(), IsOk());
  EXPECT_THAT(store_->get("c"), IsOk());
  EXPECT_EQ(calls(), 2U);
}

// B-67
TEST_F(CoalescingStoreTest, ADeadlineThatHasPassedAsksNobody) {
  const ReadOptions passed{.deadline = in(absl::ZeroDuration())};
  const auto exceeded = StatusIs(absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(store_->get("a", passed), exceeded);
  EXPECT_THAT(store_->getMany({"a", "b"}, passed), ElementsAre(exceeded, exceeded));
  EXPECT_EQ(calls(), 0U);
}

// Race 7 of the protocol: the read that is on its way holds the old value when the write is
// acknowledged, and who asks after that must not be given it.
TEST_F(CoalescingStoreTest, AReadAfterAWriteNeverHasWhatWasReadBeforeIt) {
  put("a", "old");
  gate_->close();
  Crowd<Found> before(gate_);
  before.add(get("a"));
  ASSERT_TRUE(gate_->awaitCalls(1));
  put("a", "new");
  Crowd<Found> after(gate_, 8, [this](std::size_t i) {
    return i % 2 == 0 ? store_->get("a") : store_->getMany({"b", "a"})[1];
  });
  ASSERT_TRUE(gate_->awaitCalls(2)) << "one of them asks for b meanwhile";
  ASSERT_TRUE(clock_.awaitWaiting(7));
  gate_->open();
  EXPECT_EQ((*before.result())->text, "old");
  for (const Found& found : after.results()) EXPECT_EQ((*found)->text, "new");
}

// The same where the read on its way is one that others had joined before it was sent.
TEST_F(CoalescingStoreTest, AReadAfterAWriteJoinsNoFlightThatWasSentBeforeIt) {
  makeStore({.max_concurrent_batches = 2});
  put("a", "old");
  gate_->close();
  Crowd<Found> others(gate_, 2,
                      [this](std::size_t i) { return store_->get("other" + std::to_string(i)); });
  ASSERT_TRUE(gate_->awaitCalls(2));
  Crowd<Found> before(gate_, 3, [this](std::size_t) { return store_->get("a"); });
  ASSERT_TRUE(clock_.awaitWaiting(3));
  gate_->letThrough(2);
  ASSERT_TRUE(gate_->awaitCalls(3));
  put("a", "new");
  Crowd<Found> after(gate_, 3, [this](std::size_t) { return store_->get("a"); });
  ASSERT_TRUE(clock_.awaitWaiting(5));
  gate_->open();
  for (const Found& found : before.results()) EXPECT_EQ((*found)->text, "old");
  for (const Found& found : after.results()) EXPECT_EQ((*found)->text, "new");
  EXPECT_EQ(calls(), 4U);
}

TEST_F(CoalescingStoreTest, WritesWaitForNoRead) {
  gate_->close();
  Crowd<Found> crowd(gate_, 8, [this](std::size_t) { return store_->get("a"); });
  ASSERT_TRUE(clock_.awaitWaiting(7));
  EXPECT_THAT(store_->put({"a", "text"}), IsOk());
  EXPECT_THAT(store_->remove("a"), IsOk());
  EXPECT_TRUE(store_->healthCheck().healthy());
}

// B-47: four callers have a call each, the others gather behind them and make four batches, the
// last of what is left.
TEST_F(CoalescingStoreTest, AThousandIdsAtOnceAreEightCalls) {
  constexpr std::size_t kIds = 1000;
  for (std::size_t i = 0; i < kIds; i += 2) put(std::to_string(i));
  gate_->close();
  Crowd<Found> crowd(gate_, kIds, [this](std::size_t i) { return store_->get(std::to_string(i)); });
  ASSERT_TRUE(clock_.awaitWaiting(kIds - 4));
  gate_->open();
  const auto found = crowd.results();
  for (std::size_t i = 0; i < kIds; ++i) {
    ASSERT_THAT(found[i], IsOk());
    const bool is_own = *found[i] != nullptr && (*found[i])->id == std::to_string(i);
    ASSERT_EQ(is_own, i % 2 == 0) << i;
  }
  EXPECT_EQ(calls(), 8U);
  EXPECT_LE(gate_->mostAtOnce(), 4U);
  const Labels labels{{"store", "notes"}};
  EXPECT_EQ(metrics_->count("strata_batches_total", labels), 8);
  EXPECT_EQ(metrics_->count("strata_batched_ids_total", labels), static_cast<std::int64_t>(kIds));
  EXPECT_EQ(metrics_->count("strata_coalesced_calls_total", labels), 0);
}

// B-47
TEST_F(CoalescingStoreTest, AnErrorOfOneIdIsNotThatOfTheOthersInItsBatch) {
  makeStore({.max_concurrent_batches = 1});
  put("a");
  put("c");
  gate_->fail("b", absl::DataLossError("notes.text is no text"));
  gate_->close();
  Crowd<Found> other(gate_, 1, [this](std::size_t) { return store_->get("other"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Found> crowd(gate_);
  for (const char* id : {"a", "b", "c"}) crowd.add(get(id));
  ASSERT_TRUE(clock_.awaitWaiting(3));
  gate_->open();
  EXPECT_THAT(crowd.results(), ElementsAre(IsOk(), StatusIs(absl::StatusCode::kDataLoss), IsOk()));
  ASSERT_EQ(calls(), 2U);
  EXPECT_THAT(idsOf(1), UnorderedElementsAre("a", "b", "c"));
}

// Reads of one record each that were put together were refused because of their sum.
TEST_F(CoalescingStoreTest, ABatchThatIsTooLargeForAPageIsAskedForInParts) {
  constexpr std::size_t kIds = 100;
  makeStore({.max_concurrent_batches = 1});
  gate_->setMostInAPage(7);
  gate_->close();
  Crowd<Found> other(gate_, 1, [this](std::size_t) { return store_->get("other"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Found> crowd(gate_, kIds, [this](std::size_t i) { return store_->get(std::to_string(i)); });
  ASSERT_TRUE(clock_.awaitWaiting(kIds));
  gate_->open();
  EXPECT_THAT(crowd.results(), ::testing::Each(IsOk()));
  // Half as many until they fit, and then twice as many to see whether that fits again.
  EXPECT_LE(calls(), 2 * kIds);
  const auto many = store_->getMany({"1", "2", "3", "4", "5", "6", "7", "8"});
  for (const Found& found : many) EXPECT_TRUE(isPageTooLarge(found.status()));
}

TEST_F(CoalescingStoreTest, AFewCallersDoNotWaitForEachOther) {
  gate_->close();
  Crowd<Found> crowd(gate_, 4, [this](std::size_t i) { return store_->get(std::to_string(i)); });
  EXPECT_TRUE(gate_->awaitCalls(4));
  EXPECT_TRUE(clock_.awaitWaiting(0));
}

TEST_F(CoalescingStoreTest, ASlowCallOfACrowdHoldsUpTheNextForAShortTimeOnly) {
  makeStore({.max_concurrent_batches = 2});
  gate_->close();
  Crowd<Found> singles(gate_, 2,
                       [this](std::size_t i) { return store_->get("single" + std::to_string(i)); });
  ASSERT_TRUE(gate_->awaitCalls(2));
  Crowd<Found> slow(gate_, 2,
                    [this](std::size_t i) { return store_->get("slow" + std::to_string(i)); });
  ASSERT_TRUE(clock_.awaitWaiting(2));
  gate_->letThrough(2);
  ASSERT_TRUE(gate_->awaitCalls(3)) << "the slow two are below, together";
  Crowd<Found> next(gate_);
  next.add(get("a"));
  ASSERT_TRUE(clock_.awaitWaiting(2)) << "one of the slow, and the next";
  EXPECT_EQ(calls(), 3U);
  next.add(get("b"));
  ASSERT_TRUE(clock_.awaitWaiting(3));
  clock_.advance(absl::Milliseconds(2));
  ASSERT_TRUE(gate_->awaitCalls(4));
  EXPECT_THAT(idsOf(3), ElementsAre("a", "b"));
}

TEST_F(CoalescingStoreTest, AFullBatchWaitsForNoOther) {
  makeStore({.max_batch = 3, .max_concurrent_batches = 2});
  gate_->close();
  Crowd<Found> singles(gate_, 2,
                       [this](std::size_t i) { return store_->get("single" + std::to_string(i)); });
  ASSERT_TRUE(gate_->awaitCalls(2));
  Crowd<Found> crowd(gate_, 2,
                     [this](std::size_t i) { return store_->get("first" + std::to_string(i)); });
  ASSERT_TRUE(clock_.awaitWaiting(2));
  gate_->letThrough(2);
  ASSERT_TRUE(gate_->awaitCalls(3));
  for (const char* id : {"a", "b"}) crowd.add(get(id));
  ASSERT_TRUE(clock_.awaitWaiting(3));
  crowd.add(get("c"));
  ASSERT_TRUE(gate_->awaitCalls(4));
  EXPECT_THAT(idsOf(3), UnorderedElementsAre("a", "b", "c"));
}

TEST_F(CoalescingStoreTest, AGetManyJoinsWhatWaitsAndOpensTheRest) {
  makeStore({.max_concurrent_batches = 1});
  for (const char* id : {"a", "b"}) put(id);
  gate_->close();
  Crowd<Found> other(gate_, 1, [this](std::size_t) { return store_->get("other"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Found> one(gate_);
  one.add(get("a"));
  ASSERT_TRUE(clock_.awaitWaiting(1));
  Crowd<Snapshots<Note>> many(gate_);
  many.add([this] { return store_->getMany({"b", "a", "", "none", "b"}); });
  ASSERT_TRUE(clock_.awaitWaiting(2));
  gate_->open();
  const auto found = many.result();
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ((*found[0])->id, "b");
  EXPECT_EQ((*found[1]).get(), (*one.result()).get()) << "the same object";
  EXPECT_THAT(found[2], StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(found[3], IsOkAndHolds(nullptr));
  EXPECT_EQ((*found[4]).get(), (*found[0]).get());
  ASSERT_EQ(calls(), 2U);
  EXPECT_THAT(idsOf(1), UnorderedElementsAre("a", "b", "none"));
}

TEST_F(CoalescingStoreTest, AGetManyWaitsOnlyForWhatIsOnItsWay) {
  put("a", "old");
  gate_->close();
  Crowd<Found> before(gate_);
  before.add(get("a"));
  ASSERT_TRUE(gate_->awaitCalls(1));
  put("a", "new");
  Crowd<Snapshots<Note>> many(gate_);
  many.add([this] { return store_->getMany({"a", "b"}); });
  ASSERT_TRUE(gate_->awaitCalls(2)) << "b at once, a when it is back";
  EXPECT_THAT(idsOf(1), ElementsAre("b"));
  gate_->open();
  EXPECT_EQ((*many.result()[0])->text, "new");
  EXPECT_THAT(idsOf(2), ElementsAre("a"));
}

TEST_F(CoalescingStoreTest, AGetManyOfOneCallerIsNotCut) {
  makeStore({.max_batch = 2, .max_concurrent_batches = 1});
  gate_->close();
  Crowd<Found> other(gate_, 1, [this](std::size_t) { return store_->get("other"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Snapshots<Note>> many(gate_);
  many.add([this] { return store_->getMany({"a", "b", "c", "d", "e"}); });
  ASSERT_TRUE(clock_.awaitWaiting(1));
  gate_->open();
  EXPECT_THAT(many.result(), ::testing::Each(IsOk()));
  EXPECT_EQ(idsOf(1).size(), 5U);
}

TEST_F(CoalescingStoreTest, AsksForWhatSuitsEverybodyInTheBatch) {
  makeStore({.max_concurrent_batches = 1});
  gate_->close();
  Crowd<Found> other(gate_, 1, [this](std::size_t) { return store_->get("other"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Found> crowd(gate_);
  crowd.add(get("a", {.min_version = Version(3)}));
  crowd.add(get("a", {.consistency = Consistency::kEventual, .min_version = Version(5)}));
  crowd.add(get("b", {.min_version = Version(7)}));
  crowd.add(get("c", {.min_version = Version(1)}));
  ASSERT_TRUE(clock_.awaitWaiting(4));
  gate_->open();
  crowd.results();
  ASSERT_EQ(calls(), 2U);
  EXPECT_EQ(gate_->calls()[1].options.min_version, Version(7));
  EXPECT_EQ(gate_->calls()[1].options.consistency, Consistency::kLatest);
}

TEST_F(CoalescingStoreTest, AnInvalidIdIsNotTakenForTheValidOneThatItReadsLike) {
  gate_->close();
  Crowd<Found> crowd(gate_, 5, [this](std::size_t) { return store_->get("a b"); });
  ASSERT_TRUE(clock_.awaitWaiting(4));
  EXPECT_THAT(store_->get(Id::fromCanonical("a b")), StatusIs(absl::StatusCode::kInvalidArgument));
}

// Readers and writers of few ids, with deadlines that pass now and then: no read is older than what
// was acknowledged before it began. The gate is open: every call takes as long as it takes.
TEST_F(CoalescingStoreTest, KeepsItsPromiseInAnyOrderOfThings) {
  auto memory = InMemoryStore<Note>::create(std::make_shared<InMemoryDatabase>());
  ASSERT_THAT(memory, IsOk());
  auto store = *CoalescingStore<Note>::create(
      *std::move(memory), {.store = "notes", .max_batch = 3, .max_concurrent_batches = 2});
  constexpr std::size_t kIds = 5;
  std::array<std::atomic<std::int64_t>, kIds> acknowledged{};
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE(seed);
  Crowd<int> crowd(gate_, 8, [&](std::size_t thread) {
    std::minstd_rand random(seed + static_cast<std::uint32_t>(thread));
    for (int round = 0; round < 2000; ++round) {
      const std::size_t i = random() % kIds;
      const std::string id = std::to_string(i);
      const std::int64_t least = acknowledged[i];
      if (thread == 0) {
        acknowledged[i] = store->put({id, "text"})->value();
        continue;
      }
      ReadOptions options;
      if (random() % 4 == 0) options.deadline = Deadline::in(absl::Microseconds(random() % 200));
      const Found found = random() % 2 == 0
                              ? store->get(id, options)
                              : store->getMany({std::to_string(random() % kIds), id}, options)[1];
      if (absl::IsDeadlineExceeded(found.status())) continue;
      EXPECT_THAT(found, IsOk());
      EXPECT_GE(found->version().value(), least);
    }
    return 0;
  });
}

TEST(CoalescingOptions, AreRefusedOutOfTheirRange) {
  const auto refused = [](const std::string& name) {
    return StatusIs(absl::StatusCode::kInvalidArgument, ::testing::HasSubstr(name));
  };
  EXPECT_THAT(validate(CoalescingOptions{}), IsOk());
  EXPECT_THAT(validate(CoalescingOptions{.max_batch = 0}), refused("max_batch"));
  EXPECT_THAT(validate(CoalescingOptions{.max_batch = 10'001}), refused("max_batch"));
  EXPECT_THAT(validate(CoalescingOptions{.max_concurrent_batches = 0}),
              refused("max_concurrent_batches"));
  EXPECT_THAT(validate(CoalescingOptions{.max_gathering = absl::Seconds(2)}),
              refused("max_gathering"));
  EXPECT_THAT(CoalescingStore<Note>::create(nullptr, {.max_batch = 0}), refused("max_batch"));
}

// ---- Exceptions ----

// Throws while a test says so, having stood at the gate.
class ThrowingStore final : public Store<Note> {
 public:
  ThrowingStore(std::unique_ptr<GatedStore> backing, const std::atomic<bool>& throws)
      : backing_(std::move(backing)), throws_(throws) {}
  Found get(const Id& id, const ReadOptions& options) override {
    Found found = backing_->get(id, options);
    if (throws_) throw std::runtime_error("hunter2");
    return found;
  }
  Snapshots<Note> getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    Snapshots<Note> found = backing_->getMany(ids, options);
    if (throws_) throw std::runtime_error("hunter2");
    return found;
  }
  absl::StatusOr<Version> put(const Note& note, const WriteOptions& options) override {
    return backing_->put(note, options);
  }
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override {
    return backing_->remove(id, options);
  }
  Health healthCheck() override { throw std::runtime_error("hunter2"); }

 private:
  const std::unique_ptr<GatedStore> backing_;
  const std::atomic<bool>& throws_;
};

// A call that threw stayed among those under way: whoever came for its id waited without end.
TEST_F(CoalescingStoreTest, ACallThatThrowsIsInternalForAllItWasForAndTheNextOneGoesOn) {
  std::atomic<bool> throws = true;
  auto gate = std::make_unique<GatedStore>(clock_);
  gate_ = gate.get();
  auto throwing = std::make_unique<ThrowingStore>(std::move(gate), throws);
  store_ =
      *CoalescingStore<Note>::create(std::move(throwing), {.store = "notes"}, metrics_, clock_);
  const auto is_thrown =
      StatusIs(absl::StatusCode::kInternal,
               ::testing::AllOf(::testing::HasSubstr("std::runtime_error"),
                                ::testing::Not(::testing::HasSubstr("hunter2"))));
  put("a");
  gate_->close();
  Crowd<Found> first(gate_, 1, [&](std::size_t) { return store_->get("a"); });
  ASSERT_TRUE(gate_->awaitCalls(1));
  Crowd<Found> joined(gate_, 10, [&](std::size_t) { return store_->get("a"); });
  ASSERT_TRUE(clock_.awaitWaiting(10));
  gate_->open();
  EXPECT_THAT(first.result(), is_thrown);
  EXPECT_THAT(joined.results(), ::testing::Each(is_thrown));
  EXPECT_THAT(store_->getMany({"a", "b"}), ::testing::Each(is_thrown));
  EXPECT_EQ(store_->healthCheck().state, HealthState::kFail);
  throws = false;
  EXPECT_THAT(store_->get("a"), IsOk());
  EXPECT_THAT(store_->getMany({"a", "b"}), ::testing::Each(IsOk()));
}

}  // namespace
}  // namespace strata::gated
