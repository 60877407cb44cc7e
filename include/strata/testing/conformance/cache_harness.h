// CacheHarness: how the conformance suites of caches (cache_conformance.h,
// fenced_cache_conformance.h) get hold of the cache that they test.
//
//   class MyHarness : public strata::testing::CacheHarness {
//    public:
//     strata::Cache& cache() override { return cache_; }
//    private:
//     MyCache cache_;
//   };
//   const strata::testing::CacheUnderTest kMine{
//       "Mine", [] { return std::make_unique<MyHarness>(); }};
//
// Not for: tests of what stands above a cache (see fake_cache.h).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>

#include "strata/base/hash.h"
#include "strata/base/nonce.h"
#include "strata/cache/cache.h"
#include "strata/testing/eventually.h"
#include "strata/testing/status_matchers.h"

namespace strata::testing {

// One cache, for one test.
class CacheHarness {
 public:
  virtual ~CacheHarness() = default;
  // May hold anything already: the suites use keys of their own.
  virtual Cache& cache() = 0;
  // Lets `duration` pass for the cache. False: its time is real, and the suites wait.
  virtual bool advance(absl::Duration /*duration*/) { return false; }
};

struct CacheUnderTest {
  std::string name;
  std::function<std::unique_ptr<CacheHarness>()> make;

  friend void PrintTo(const CacheUnderTest& cache, std::ostream* out) { *out << cache.name; }
};

inline std::string nameOfCache(const ::testing::TestParamInfo<CacheUnderTest>& info) {
  return info.param.name;
}

// What the suites have in common.
class CacheConformanceBase : public ::testing::TestWithParam<CacheUnderTest> {
 protected:
  static constexpr absl::Duration kLong = absl::Hours(1);
  static constexpr absl::Duration kShort = absl::Milliseconds(40);
  static constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;
  static constexpr absl::StatusCode kTooLate = absl::StatusCode::kDeadlineExceeded;
  using Value = std::optional<std::string>;

  Cache& cache() { return harness_->cache(); }
  CacheHarness& harness() { return *harness_; }

  // A key that no other test uses.
  std::string key(std::string_view name) const { return prefix_ + std::string(name); }
  static Deadline passed() { return Deadline::at(MonotonicTime::fromNanos(1)); }

  absl::StatusOr<LeaseReply> lease(const std::string& key, std::string_view cell,
                                   absl::Duration ttl = kLong) {
    const LeaseRequest request{key, cell};
    return cache().getOrLease({&request, 1}, ttl).front();
  }
  absl::StatusOr<bool> compareAndSet(const CompareAndSet& request) {
    return cache().compareAndSet({&request, 1}).front();
  }
  absl::Status remove(const std::string& key) { return cache().remove({&key, 1}); }

  // Every key with `prefix`. Begins again where the cache asks for it.
  std::set<std::string> listed(std::string_view prefix) {
    std::set<std::string> keys;
    absl::Status status;
    EXPECT_TRUE(eventually([&] {
      status = listInto(prefix, keys);
      return !absl::IsAborted(status);
    }));
    EXPECT_OK(status);
    return keys;
  }
  absl::Status listInto(std::string_view prefix, std::set<std::string>& keys) {
    std::string cursor;
    do {
      auto page = cache().scan(prefix, cursor);
      if (!page.ok()) return page.status();
      keys.insert(page->keys.begin(), page->keys.end());
      cursor = page->next;
    } while (!cursor.empty());
    return absl::OkStatus();
  }

  // Passes `ttl` for the cache and expects `key`, whose time to live it is, to be gone then.
  void expectGoneAfter(absl::Duration ttl, const std::string& key) {
    if (harness().advance(ttl - absl::Milliseconds(1))) {
      EXPECT_THAT(cache().get(key), IsOkAndHolds(::testing::Ne(std::nullopt)));
      harness().advance(absl::Milliseconds(1));
      EXPECT_THAT(cache().get(key), IsOkAndHolds(::testing::Eq(std::nullopt)));
      return;
    }
    EXPECT_TRUE(eventually([&] {
      const auto value = cache().get(key);
      return value.ok() && !*value;
    }));
  }
  // Passes at least `ttl`.
  void outlast(absl::Duration ttl) {
    const std::string canary = key("canary");
    ASSERT_OK(cache().set(canary, "", ttl));
    expectGoneAfter(ttl, canary);
  }

 private:
  static std::string freshPrefix() {
    const Nonce nonce = makeNonce();
    return "conformance:" + std::to_string(stableHash({nonce.data(), nonce.size()})) + ":";
  }

  const std::string prefix_ = freshPrefix();
  const std::unique_ptr<CacheHarness> harness_ = GetParam().make();
};

}  // namespace strata::testing
