// CachingStore in a process that gets no thread, and over code that throws.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "strata/testing/eventually.h"
#include "tests/base/thread_shortage.h"
#include "tests/decorators/caching_failures_fixture.h"

namespace strata::caching_test {
namespace {

using testing::eventually;
using testing::FakeCache;
using testing::IsOk;
using testing::StatusIs;
using Operation = FakeCache::Operation;
using State = CircuitBreaker::State;

class CachingShortagesTest : public CachingFailuresTest {
 protected:
  // From here on no task gets a thread, until `refuses` is reset.
  std::shared_ptr<testing::RefusingExecutor> refuseThreads() {
    auto refusing = std::make_shared<testing::RefusingExecutor>(tasks_);
    executor_ = refusing;
    guarded_ = *GuardedCache::create(cache_, {}, metrics_, clock_, executor_);
    return refusing;
  }
};

// ---- No threads ----

// The exception of an executor without a thread left `get` and `put`, nothing probed the cache again
// and the pending deletion was never made.
TEST_F(CachingShortagesTest, RecoversFromAnOutageDuringWhichNoThreadCouldBeStarted) {
  const auto refusing = refuseThreads();
  makeStore({});
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  failThrice();
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  EXPECT_EQ(textOf("a"), "two");
  cache_->setDown(false);
  EXPECT_EQ(tasks_->size(), 0U);
  refusing->refuses = false;
  EXPECT_TRUE(eventually([&] {
    textOf("a");
    return tasks_->size() == 2;  // the probe, and the retry of the deletion
  }));
  tasks_->advance(absl::Seconds(17));
  EXPECT_EQ(guarded_->breaker().status().state, State::kClosed);
  EXPECT_EQ(guarded_->pendingDeletes(), 0U);
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_TRUE(cached());
}

// The same with a deletion alone that failed.
TEST_F(CachingShortagesTest, ADeletionIsMadeThatNoThreadCouldRetryAtFirst) {
  const auto refusing = refuseThreads();
  makeStore({});
  cache_->loseNextRemove(FakeCache::Lost::kRequest);
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  EXPECT_EQ(guarded_->pendingDeletes(), 1U);
  refusing->refuses = false;
  EXPECT_TRUE(eventually([&] {
    textOf("a");
    return tasks_->size() == 1;
  }));
  tasks_->advance(absl::Seconds(1));
  EXPECT_EQ(guarded_->pendingDeletes(), 0U);
}

// Only reads offered it again.
TEST_F(CachingShortagesTest, ADeletionIsMadeInAProcessThatOnlyWrites) {
  const auto refusing = refuseThreads();
  makeStore({});
  cache_->loseNextRemove(FakeCache::Lost::kRequest);
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  EXPECT_EQ(guarded_->pendingDeletes(), 1U);
  refusing->refuses = false;
  EXPECT_TRUE(eventually([&] {
    EXPECT_THAT(store_->put({"b", "one"}), IsOk());
    return tasks_->size() == 1;
  }));
  tasks_->advance(absl::Seconds(1));
  EXPECT_EQ(guarded_->pendingDeletes(), 0U);
}

// It waited in the queue, and the readers of this process for it, until the lease was over.
TEST_F(CachingShortagesTest, AFillThatNoThreadCouldSendIsSentByTheCaller) {
  refuseThreads();
  makeStore({.max_queued_fills = 10});
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_TRUE(cached());
}

// All of it in a process of its own that can start no thread.
TEST_F(CachingShortagesTest, RecoversInAProcessThatHadNoThreadForAWhile) {
  EXPECT_TRUE(testing::holdsWithoutThreads([this](testing::ThreadShortage& shortage) {
    GuardedCacheOptions options;
    options.breaker.open_time = absl::Milliseconds(20);
    guarded_ =
        *GuardedCache::create(cache_, options, metrics_, Clock::system(), Executor::withThreads(2));
    auto store = *CachingStore<Note>::create(*InMemoryStore<Note>::create(database_), guarded_,
                                             {.store = "notes", .app = "app"}, metrics_,
                                             Clock::system(), Executor::withThreads(2));
    EXPECT_THAT(store->put({"a", "one"}), IsOk());
    EXPECT_THAT(store->get("a"), IsOk());
    cache_->setDown(true);
    for (int i = 0; i < 3; ++i) EXPECT_THAT(store->get("b"), IsOk());
    EXPECT_FALSE(guarded_->breaker().allows());
    EXPECT_THAT(store->put({"a", "two"}), IsOk());
    cache_->setDown(false);
    shortage.end();
    const bool recovered = eventually([&] {
      EXPECT_EQ((**store->get("a")).text, "two");
      return guarded_->pendingDeletes() == 0 && guarded_->breaker().allows() && cached();
    });
    store.reset();
    guarded_.reset();
    return recovered;
  }));
}

// ---- Exceptions ----

void throwSecret() { throw std::runtime_error("hunter2"); }
void throwNothing() {}

// Internal with the exception's type, and without its text.
auto isThrown() {
  return StatusIs(absl::StatusCode::kInternal,
                  ::testing::AllOf(::testing::HasSubstr("std::runtime_error"),
                                   ::testing::Not(::testing::HasSubstr("hunter2"))));
}

// The lease of a load that threw was never given back: readers waited until it was over, again and
// again.
TEST_F(CachingShortagesTest, ALoadThatThrowsIsInternalForItsCallerAndTheNextOneLoads) {
  ASSERT_THAT((*InMemoryStore<Note>::create(database_))->put({"a", "one"}), IsOk());
  faults_->before(testing::StoreOperation::kGet, throwSecret);
  EXPECT_THAT(store_->get("a"), isThrown());
  faults_->before(testing::StoreOperation::kGet, throwNothing);
  clock_.advance(absl::Milliseconds(1));
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_TRUE(cached());
  EXPECT_EQ(clock_.sleptFor(), absl::ZeroDuration());
}

TEST_F(CachingShortagesTest, WhenTheLoadThrowsAReaderThatWaitedAsksTheDatabase) {
  ASSERT_THAT((*InMemoryStore<Note>::create(database_))->put({"a", "one"}), IsOk());
  Gate gate;
  std::atomic<bool> is_first = true;
  faults_->before(testing::StoreOperation::kGet, [&] {
    if (!is_first.exchange(false)) return;
    gate.pass();
    throwSecret();
  });
  std::jthread leader([&] { EXPECT_THAT(store_->get("a"), isThrown()); });
  gate.reached.wait();
  std::jthread follower([&] { EXPECT_EQ(textOf("a"), "one"); });
  EXPECT_TRUE(eventually([&] { return metrics_->count("strata_cache_waits_total") == 1; }));
  gate.let_go.count_down();
}

TEST_F(CachingShortagesTest, AGetManyThatThrowsGivesItsLeasesBack) {
  ASSERT_THAT((*InMemoryStore<Note>::create(database_))->put({"a", "one"}), IsOk());
  faults_->before(testing::StoreOperation::kGetMany, throwSecret);
  const std::vector<Id> ids{"a", "b"};
  EXPECT_THAT(store_->getMany(ids), ::testing::Each(isThrown()));
  faults_->before(testing::StoreOperation::kGetMany, throwNothing);
  clock_.advance(absl::Milliseconds(1));
  EXPECT_EQ(textOf("a"), "one");
  EXPECT_TRUE(cached());
}

// Of a write that throws nothing is known.
TEST_F(CachingShortagesTest, AfterAWriteThatThrowsTheCacheIsNotBelievedForAWhile) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  faults_->after(testing::StoreOperation::kPut, throwSecret);
  EXPECT_THAT(store_->put({"a", "two"}), isThrown());
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_EQ(bypasses("pending_delete"), 1);
  tasks_->advance(absl::Seconds(31));
  EXPECT_EQ(guarded_->pendingDeletes(), 0U);
}

// A deletion that threw was forgotten, and its exception left `put` after the write.
TEST_F(CachingShortagesTest, ACacheThatThrowsIsACacheThatFails) {
  ASSERT_THAT(store_->put({"a", "one"}), IsOk());
  textOf("a");
  cache_->before(Operation::kRemove, kKey, throwSecret);
  ASSERT_THAT(store_->put({"a", "two"}), IsOk());
  EXPECT_EQ(guarded_->pendingDeletes(), 1U);
  EXPECT_EQ(textOf("a"), "two");
  cache_->before(Operation::kRemove, kKey, throwSecret);  // the retry throws, and another follows
  tasks_->advance(absl::Seconds(3));
  EXPECT_EQ(guarded_->pendingDeletes(), 0U);
  cache_->before(Operation::kGetOrLease, kKey, throwSecret);
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_EQ(textOf("a"), "two");
  EXPECT_TRUE(cached());
}

class MockCache : public Cache {
 public:
  using Found = std::vector<absl::StatusOr<std::optional<std::string>>>;
  using Keys = absl::Span<const std::string>;

  MOCK_METHOD(CacheCapabilities, capabilities, (), (const, override));
  MOCK_METHOD(Incarnation, incarnation, (std::string_view), (const, override));
  MOCK_METHOD(Found, getMany, (Keys, Deadline), (override));
  MOCK_METHOD(absl::Status, set, (const std::string&, std::string_view, absl::Duration, Deadline),
              (override));
  MOCK_METHOD(absl::Status, remove, (Keys, Deadline), (override));
  MOCK_METHOD(std::vector<absl::StatusOr<LeaseReply>>, getOrLease,
              (absl::Span<const LeaseRequest>, absl::Duration, Deadline), (override));
  MOCK_METHOD(std::vector<absl::StatusOr<bool>>, compareAndSet,
              (absl::Span<const CompareAndSet>, Deadline), (override));
  MOCK_METHOD(absl::StatusOr<KeyPage>, scan, (std::string_view, const std::string&, Deadline),
              (override));
  MOCK_METHOD(absl::Status, ping, (Deadline), (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

// It left the leases behind that a read of many stores had taken from the caches before it.
TEST_F(CachingShortagesTest, ACacheWhoseIncarnationThrowsKnowsNone) {
  const auto mock = std::make_shared<::testing::NiceMock<MockCache>>();
  ON_CALL(*mock, incarnation).WillByDefault(::testing::Throw(std::runtime_error("hunter2")));
  ON_CALL(*mock, capabilities).WillByDefault(::testing::Throw(std::runtime_error("hunter2")));
  const auto guarded = *GuardedCache::create(mock, {}, metrics_, clock_, tasks_);
  EXPECT_EQ(guarded->incarnation("a"), Incarnation{});
  EXPECT_FALSE(guarded->capabilities().incarnation);
}

}  // namespace
}  // namespace strata::caching_test
