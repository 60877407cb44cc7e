// A CachingStore over a cache that fails, with tasks that run when a test says so.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <string>

#include "strata/testing/fakes/fake_executor.h"
#include "tests/decorators/caching_fixture.h"

namespace strata::caching_test {

// Where the first load waits until it is let go.
struct Gate {
  void pass() {
    if (taken.exchange(true)) return;
    reached.count_down();
    let_go.wait();
  }
  std::atomic<bool> taken = false;
  std::latch reached{1};
  std::latch let_go{1};
};

class CachingFailuresTest : public CachingStoreTest {
 protected:
  CachingFailuresTest() { guard({}); }

  void guard(const GuardedCacheOptions& options, const CachingOptions& caching = {}) {
    executor_ = tasks_;
    guarded_ = *GuardedCache::create(cache_, options, metrics_, clock_, executor_);
    makeStore(caching);
  }
  void failThrice() {
    cache_->setDown(true);
    for (int i = 0; i < 3; ++i) textOf("b");
    ASSERT_EQ(guarded_->breaker().status().state, CircuitBreaker::State::kOpen);
  }
  std::int64_t bypasses(const std::string& reason) const {
    return metrics_->count("strata_cache_bypasses_total", {{"reason", reason}});
  }

  std::shared_ptr<testing::FakeExecutor> tasks_ = std::make_shared<testing::FakeExecutor>(clock_);
};

}  // namespace strata::caching_test
