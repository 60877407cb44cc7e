// MockStore, FaultInjectingStore and FaultPlan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "strata/memory/in_memory_store.h"
#include "strata/testing/conformance/conformance_record.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fault_injecting_store.h"
#include "strata/testing/mocks/mock_store.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::_;
using ::testing::Each;
using testing::FakeClock;
using testing::Fault;
using testing::FaultInjectingStore;
using testing::FaultPlan;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::MockStore;
using ::testing::Return;
using testing::StatusIs;
using testing::StoreOperation;
using Pair = testing::ConformancePair;

const Pair kPair{.tenant = "t", .user = "u", .order = 7};
const Id kId{"t", "u"};

std::unique_ptr<Store<Pair>> inMemory() {
  auto store = InMemoryStore<Pair>::create(std::make_shared<InMemoryDatabase>());
  EXPECT_THAT(store, IsOk());
  return *std::move(store);
}

TEST(MockStore, AnswersWhatItIsTold) {
  MockStore<Pair> mock;
  EXPECT_CALL(mock, get(kId, _)).WillOnce(Return(makeSnapshot(kPair, Version(3))));
  EXPECT_CALL(mock, put(kPair, _)).WillOnce(Return(absl::UnavailableError("down")));
  ASSERT_OK_AND_ASSIGN(const Snapshot<Pair> found, mock.get(kId));
  EXPECT_EQ(*found, kPair);
  EXPECT_EQ(found.version(), Version(3));
  Store<Pair>& store = mock;
  EXPECT_THAT(store.put(kPair), StatusIs(absl::StatusCode::kUnavailable));
}

TEST(MockStore, DelegatesAndIsWatched) {
  const auto store = inMemory();
  MockStore<Pair> mock;
  mock.delegateTo(*store);
  EXPECT_CALL(mock, put);
  EXPECT_CALL(mock, get).Times(2);
  EXPECT_CALL(mock, getMany);
  EXPECT_CALL(mock, remove);
  EXPECT_CALL(mock, healthCheck);
  ASSERT_THAT(mock.put(kPair), IsOk());
  EXPECT_THAT(mock.get(kId), IsOk());
  EXPECT_THAT(mock.getMany({kId, kId}), Each(IsOk()));
  EXPECT_THAT(mock.remove(kId), IsOk());
  EXPECT_THAT(mock.get(kId), IsOkAndHolds(nullptr));
  EXPECT_EQ(mock.healthCheck().backend, "in-memory");
}

TEST(Printers, ShowASnapshotAsJsonAndItsVersion) {
  EXPECT_EQ(::testing::PrintToString(makeSnapshot(kPair, Version(3))),
            R"({"tenant":"t","user":"u","order":7,"notes":[]} of version 3)");
  EXPECT_EQ(::testing::PrintToString(Snapshot<Pair>(nullptr)), "null");
}

class FaultInjectingStoreTest : public ::testing::Test {
 protected:
  FakeClock clock_;
  std::shared_ptr<FaultPlan> faults_ = std::make_shared<FaultPlan>(42, clock_);
  FaultInjectingStore<Pair> store_{inMemory(), faults_};
};

TEST_F(FaultInjectingStoreTest, FailsTheNthCallAndNoOther) {
  faults_->failCall(StoreOperation::kGet, 2);
  EXPECT_THAT(store_.get(kId), IsOk());
  EXPECT_THAT(store_.get(kId), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(store_.get(kId), IsOk());
  EXPECT_THAT(store_.put(kPair), IsOk());
  EXPECT_EQ(faults_->calls(StoreOperation::kGet), 3);
  EXPECT_EQ(faults_->failures(StoreOperation::kGet), 1);
  EXPECT_EQ(faults_->calls(StoreOperation::kPut), 1);
}

TEST_F(FaultInjectingStoreTest, AFailedWriteHasNotHappened) {
  faults_->failCall(StoreOperation::kPut, 1);
  EXPECT_THAT(store_.put(kPair), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(store_.get(kId), IsOkAndHolds(nullptr));
}

TEST_F(FaultInjectingStoreTest, AWriteWhoseReplyIsLostHasHappened) {
  faults_->failCall(StoreOperation::kPut, 1, Fault::lostReply());
  EXPECT_THAT(store_.put(kPair), StatusIs(absl::StatusCode::kUnknown));
  ASSERT_OK_AND_ASSIGN(const Snapshot<Pair> found, store_.get(kId));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(*found, kPair);
}

TEST_F(FaultInjectingStoreTest, IsDownUntilHealed) {
  faults_->failEverything({.error = absl::DeadlineExceededError("slow")});
  const auto slow = StatusIs(absl::StatusCode::kDeadlineExceeded, "slow");
  EXPECT_THAT(store_.get(kId), slow);
  EXPECT_THAT(store_.getMany({kId, kId}), ::testing::ElementsAre(slow, slow));
  EXPECT_THAT(store_.put(kPair), slow);
  EXPECT_THAT(store_.remove(kId), slow);
  const Health health = store_.healthCheck();
  EXPECT_EQ(health.state, HealthState::kFail);
  EXPECT_THAT(health.error, HasSubstr("slow"));
  faults_->heal();
  EXPECT_THAT(store_.put(kPair), IsOk());
  EXPECT_TRUE(store_.healthCheck().healthy());
}

std::vector<bool> outcomes(std::uint64_t seed) {
  auto faults = std::make_shared<FaultPlan>(seed);
  FaultInjectingStore<Pair> store(inMemory(), faults);
  faults->failFraction(StoreOperation::kGet, 0.3);
  std::vector<bool> ok(1000);
  std::generate(ok.begin(), ok.end(), [&] { return store.get(kId).ok(); });
  return ok;
}

TEST_F(FaultInjectingStoreTest, FailsAFractionThatItsSeedDecides) {
  const std::vector<bool> ok = outcomes(7);
  EXPECT_NEAR(static_cast<double>(std::count(ok.begin(), ok.end(), false)), 300, 60);
  EXPECT_EQ(outcomes(7), ok);
  EXPECT_NE(outcomes(8), ok);
}

TEST_F(FaultInjectingStoreTest, DelaysOnTheClock) {
  faults_->delayAll(StoreOperation::kGet, absl::Seconds(2));
  EXPECT_THAT(store_.get(kId), IsOk());
  EXPECT_THAT(store_.put(kPair), IsOk());
  EXPECT_EQ(clock_.sleptFor(), absl::Seconds(2));
}

TEST_F(FaultInjectingStoreTest, HooksInterleaveOtherCalls) {
  Pair changed = kPair;
  changed.order = 8;
  faults_->before(StoreOperation::kGet, [&] { EXPECT_THAT(store_.put(kPair), IsOk()); });
  faults_->after(StoreOperation::kGet, [&] { EXPECT_THAT(store_.put(changed), IsOk()); });
  ASSERT_OK_AND_ASSIGN(const Snapshot<Pair> found, store_.get(kId));
  EXPECT_EQ(*found, kPair);
  faults_->before(StoreOperation::kGet, nullptr);
  faults_->after(StoreOperation::kGet, nullptr);
  ASSERT_OK_AND_ASSIGN(const Snapshot<Pair> later, store_.get(kId));
  EXPECT_EQ(*later, changed);
}

}  // namespace
}  // namespace strata
