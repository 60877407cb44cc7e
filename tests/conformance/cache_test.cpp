#include "strata/cache/lru_cache.h"
#include "strata/testing/conformance/cache_conformance.h"
#include "strata/testing/conformance/fenced_cache_conformance.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"

namespace strata::testing {
namespace {

template <typename CacheType>
std::unique_ptr<CacheType> makeOn(const Clock& clock) {
  return std::make_unique<CacheType>(clock);
}
template <>
std::unique_ptr<LruCache> makeOn(const Clock& clock) {
  return std::make_unique<LruCache>(LruCacheOptions{}, clock);
}

// Their time is a test's own.
template <typename CacheType>
class FakeTimeHarness final : public CacheHarness {
 public:
  Cache& cache() override { return *cache_; }
  bool advance(absl::Duration duration) override {
    clock_.advance(duration);
    return true;
  }

 private:
  FakeClock clock_;
  std::unique_ptr<CacheType> cache_ = makeOn<CacheType>(clock_);
};

template <typename CacheType>
CacheUnderTest fakeTime(std::string name) {
  return {std::move(name), [] { return std::make_unique<FakeTimeHarness<CacheType>>(); }};
}

// The real clock, too, is one that LruCache is used with.
class RealTimeHarness final : public CacheHarness {
 public:
  Cache& cache() override { return cache_; }

 private:
  LruCache cache_;
};

const auto kCaches = ::testing::Values(
    fakeTime<LruCache>("LruCache"), fakeTime<FakeCache>("FakeCache"),
    CacheUnderTest{"LruCacheInRealTime", [] { return std::make_unique<RealTimeHarness>(); }});

INSTANTIATE_TEST_SUITE_P(InProcess, CacheConformance, kCaches, nameOfCache);
INSTANTIATE_TEST_SUITE_P(InProcess, FencedCacheConformance, kCaches, nameOfCache);
INSTANTIATE_TEST_SUITE_P(InProcess, LivingCacheConformance, kCaches, nameOfCache);

}  // namespace
}  // namespace strata::testing
