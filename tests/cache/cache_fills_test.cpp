// CacheFills and LoadsUnderWay: fills that are queued, and readers that wait for them.
#include "src/cache/cache_fills.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "src/cache/cache_metrics.h"
#include "src/cache/cell.h"
#include "src/cache/loads_under_way.h"
#include "strata/base/metrics.h"
#include "strata/base/nonce.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "tests/base/thread_shortage.h"

namespace strata::internal {
namespace {

using testing::FakeCache;
using Operation = FakeCache::Operation;
using Outcome = LoadsUnderWay::Outcome;

class CacheFillsTest : public ::testing::Test {
 protected:
  // Of a lease that is taken for it in the cache.
  CacheFills::Fill leased(const std::string& key) {
    const Nonce lease = makeNonce();
    cache_.plant(key, Cell{.tag = CellTag::kLease, .nonce = lease}.encode());
    loads_.begin(lease);
    return {.key = key,
            .lease = lease,
            .cell = Cell{.nonce = lease}.encode(),
            .ttl = absl::Minutes(1),
            .incarnation = cache_.incarnation(),
            .outcome = Filled::kStored,
            .expires = clock_.now() + absl::Seconds(3)};
  }
  // The key is "a".
  Nonce queueOne() {
    std::vector<CacheFills::Fill> one;
    one.push_back(leased("a"));
    const Nonce lease = one.front().lease;
    fills_.send(std::move(one));
    return lease;
  }
  bool isStored(const std::string& key) const {
    return Cell::parse(*cache_.peek(key))->tag == CellTag::kValue;
  }

  testing::FakeClock clock_;
  FakeCache cache_{clock_};
  LoadsUnderWay loads_{clock_};
  InMemoryMetrics counts_;
  CacheMetrics metrics_{counts_, "notes"};
  const std::shared_ptr<testing::FakeExecutor> executor_ =
      std::make_shared<testing::FakeExecutor>(clock_);
  CacheFills fills_{cache_, loads_, metrics_, 1000, clock_, executor_};
};

TEST_F(CacheFillsTest, OneReaderThatWaitsIsToSendAQueuedFill) {
  const Nonce lease = queueOne();
  EXPECT_EQ(loads_.wait(lease, clock_.now()), Outcome::kStillLoading) << "it has no time for it";
  EXPECT_EQ(loads_.wait(lease, MonotonicTime::max()), Outcome::kFillQueued);
}

TEST_F(CacheFillsTest, AReaderThatWaitsSendsTheFillBeforeTheExecutorDoes) {
  const Nonce lease = queueOne();
  EXPECT_TRUE(fills_.sendQueuedOf(lease, {}));
  EXPECT_TRUE(isStored("a"));
  EXPECT_EQ(loads_.wait(lease, MonotonicTime::max()), Outcome::kUnknown) << "it is filled";
  EXPECT_TRUE(fills_.sendQueuedOf(lease, {}));
  executor_->runDue();
  EXPECT_EQ(cache_.calls(Operation::kCompareAndSet), 1);
}

TEST_F(CacheFillsTest, AFillWhoseSenderRanOutOfTimeIsQueuedForTheNext) {
  const Nonce lease = queueOne();
  cache_.before(Operation::kCompareAndSet, "a", [&] { clock_.advance(absl::Milliseconds(50)); });
  EXPECT_EQ(loads_.wait(lease, MonotonicTime::max()), Outcome::kFillQueued);
  EXPECT_FALSE(fills_.sendQueuedOf(lease, Deadline::in(absl::Milliseconds(50), clock_)));
  EXPECT_FALSE(isStored("a"));
  EXPECT_EQ(loads_.wait(lease, MonotonicTime::max()), Outcome::kFillQueued);
  executor_->runDue();
  EXPECT_TRUE(isStored("a"));
}

// A caller that found no thread sent what others queued meanwhile, and again, until the queue was
// empty: while others kept filling it did not return.
TEST_F(CacheFillsTest, ACallerWithoutAThreadSendsWhatWasQueuedByThenAndReturns) {
  const auto refusing = std::make_shared<testing::RefusingExecutor>(executor_);
  CacheFills fills(cache_, loads_, metrics_, 1000, clock_, refusing);
  const auto send = [&](const std::string& key) {
    std::vector<CacheFills::Fill> one;
    one.push_back(leased(key));
    fills.send(std::move(one));
  };
  // While each of the first 20 is being sent another thread queues the next one.
  const auto caller = std::this_thread::get_id();
  int sent_by_caller = 0;
  for (int i = 0; i <= 20; ++i) {
    cache_.before(Operation::kCompareAndSet, "k" + std::to_string(i), [&, i] {
      sent_by_caller += std::this_thread::get_id() == caller ? 1 : 0;
      if (i < 20) std::jthread([&] { send("k" + std::to_string(i + 1)); }).join();
    });
  }
  send("k0");
  EXPECT_EQ(sent_by_caller, 1);
  for (int i = 0; i <= 20; ++i) EXPECT_TRUE(isStored("k" + std::to_string(i))) << i;
}

// Nothing stays in the queue without a sender, however many there are.
TEST_F(CacheFillsTest, ACallerWithoutAThreadSendsAllOfItsOwn) {
  CacheFills fills(cache_, loads_, metrics_, 1000, clock_,
                   std::make_shared<testing::RefusingExecutor>(executor_));
  std::vector<CacheFills::Fill> many;
  for (int i = 0; i < 600; ++i) many.push_back(leased("k" + std::to_string(i)));
  fills.send(std::move(many));
  for (int i = 0; i < 600; ++i) EXPECT_TRUE(isStored("k" + std::to_string(i))) << i;
  EXPECT_EQ(cache_.calls(Operation::kCompareAndSet), 3) << "of at most 256";
}

// The one after a shortage finds a thread.
TEST_F(CacheFillsTest, EachCallerAsksForAThreadAnew) {
  const auto refusing = std::make_shared<testing::RefusingExecutor>(executor_);
  CacheFills fills(cache_, loads_, metrics_, 1000, clock_, refusing);
  for (const bool refuses : {true, false}) {
    refusing->refuses = refuses;
    std::vector<CacheFills::Fill> one;
    one.push_back(leased("a"));
    fills.send(std::move(one));
    EXPECT_EQ(isStored("a"), refuses);
  }
  EXPECT_EQ(executor_->runDue(), 1U);
  EXPECT_TRUE(isStored("a"));
}

}  // namespace
}  // namespace strata::internal
