// When the fills of a cold context are sent: before the build returns, or in the background.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <string>

#include "strata/cache/guarded_cache.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/context_builder_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::eventually;
using testing::FakeCache;
using testing::IsOk;

std::string keyOf(const char* part) { return std::string("copilot:ctx:") + part + ":ada"; }

class ClarifyFills : public ::testing::Test {
 protected:
  Backends made() {
    Backends backends = *connect(
        {}, {.memory = std::make_shared<InMemoryDatabase>(), .executor = Executor::withThreads(8)});
    backends.cache = *GuardedCache::create(cache_);
    return backends;
  }
  // Each fill waits for `answered_` in the cache, and is noted once it is stored.
  void holdEachFill() {
    for (const char* part : {"user", "dreams", "patterns", "sessions", "reflections"}) {
      cache_->before(FakeCache::Operation::kCompareAndSet, keyOf(part),
                     [this] { answered_.wait(); });
      cache_->after(FakeCache::Operation::kCompareAndSet, keyOf(part), [this] { ++stored_; });
    }
  }

  const std::shared_ptr<FakeCache> cache_ = std::make_shared<FakeCache>();
  std::latch answered_{1};
  std::atomic<int> stored_ = 0;
  const Backends backends_ = made();
};

// A cold build waited for the cache to store what it had read, and there was no way to change that.
TEST_F(ClarifyFills, InTheBackgroundAColdBuildWaitsForNone) {
  const ClarifyStores stores = *createClarifyStores(backends_, {.cache_max_queued_fills = 100});
  const auto builder = *createContextBuilder(backends_, stores.sources);
  holdEachFill();
  const auto context = builder->build("ada", "");
  ASSERT_THAT(context, IsOk());
  EXPECT_EQ(context->cache_misses, 5);
  EXPECT_EQ(stored_, 0) << "the cache has answered none of the five";
  answered_.count_down();
  EXPECT_TRUE(eventually([&] { return stored_ == 5; }));
  EXPECT_TRUE(eventually([&] {
    const auto again = builder->build("ada", "");
    return again.ok() && again->cache_hits == 5;
  }));
}

TEST_F(ClarifyFills, ByDefaultTheyAreStoredWhenABuildReturns) {
  const ClarifyStores stores = *createClarifyStores(backends_);
  const auto builder = *createContextBuilder(backends_, stores.sources);
  holdEachFill();
  answered_.count_down();
  ASSERT_THAT(builder->build("ada", ""), IsOk());
  EXPECT_EQ(stored_, 5);
  EXPECT_EQ(cache_->calls(FakeCache::Operation::kCompareAndSet), 1) << "in one call";
}

// B-23
TEST_F(ClarifyFills, DestroyingTheStoresSendsThoseThatWait) {
  answered_.count_down();
  holdEachFill();
  {
    const ClarifyStores stores = *createClarifyStores(backends_, {.cache_max_queued_fills = 100});
    ASSERT_THAT((*createContextBuilder(backends_, stores.sources))->build("ada", ""), IsOk());
  }
  EXPECT_EQ(stored_, 5);
}

}  // namespace
}  // namespace strata
