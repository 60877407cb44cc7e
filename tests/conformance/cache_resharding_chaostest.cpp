// The suites of caches on a cluster whose slots are moved all the time: servers point to each other
// (MOVED, ASK), and the answers are as exact as ever.
//
// Not LivingCacheConformance: every master has a life of its own, so a key that moves between a
// lease and its fill meets another life, and the fill is refused, which is right and not exact.
#include <absl/strings/str_cat.h>

#include <cstdlib>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "strata/adapters/redis/redis_cache.h"
#include "strata/base/hash.h"
#include "strata/testing/conformance/cache_conformance.h"
#include "strata/testing/conformance/fenced_cache_conformance.h"
#include "strata/testing/servers/local_redis_cluster.h"

namespace strata::testing {
namespace {

// Puts all keys into a few slots, so that each key moves many times during a test.
class FewSlots final : public Cache {
 public:
  static constexpr std::size_t kSlots = 4;
  static std::string tag(std::size_t slot) { return absl::StrCat("{slot-", slot, "}"); }

  explicit FewSlots(std::shared_ptr<Cache> cache) : cache_(std::move(cache)) {}

  CacheCapabilities capabilities() const override { return cache_->capabilities(); }
  Incarnation incarnation(std::string_view key) const override {
    return cache_->incarnation(tagged(key));
  }
  std::vector<absl::StatusOr<std::optional<std::string>>> getMany(
      absl::Span<const std::string> keys, Deadline deadline) override {
    return cache_->getMany(taggedAll(keys), deadline);
  }
  absl::Status set(const std::string& key, std::string_view value, absl::Duration ttl,
                   Deadline deadline) override {
    return cache_->set(tagged(key), value, ttl, deadline);
  }
  absl::Status remove(absl::Span<const std::string> keys, Deadline deadline) override {
    return cache_->remove(taggedAll(keys), deadline);
  }
  std::vector<absl::StatusOr<LeaseReply>> getOrLease(absl::Span<const LeaseRequest> requests,
                                                     absl::Duration ttl,
                                                     Deadline deadline) override {
    std::vector<LeaseRequest> all(requests.begin(), requests.end());
    const std::vector<std::string> keys = taggedKeys(all);
    return cache_->getOrLease(all, ttl, deadline);
  }
  std::vector<absl::StatusOr<bool>> compareAndSet(absl::Span<const CompareAndSet> requests,
                                                  Deadline deadline) override {
    std::vector<CompareAndSet> all(requests.begin(), requests.end());
    const std::vector<std::string> keys = taggedKeys(all);
    return cache_->compareAndSet(all, deadline);
  }
  // All in one page, while nothing moves.
  absl::StatusOr<KeyPage> scan(std::string_view prefix, const std::string& cursor,
                               Deadline deadline) override;
  absl::Status ping(Deadline deadline) override { return cache_->ping(deadline); }
  Health healthCheck() override { return cache_->healthCheck(); }

 private:
  static std::string tagged(std::string_view key) {
    return absl::StrCat(tag(stableHash(key) % kSlots), std::string(key));
  }
  static std::vector<std::string> taggedAll(absl::Span<const std::string> keys) {
    std::vector<std::string> all;
    for (const std::string& key : keys) all.push_back(tagged(key));
    return all;
  }
  // Makes the requests name the keys that it returns.
  template <typename Request>
  static std::vector<std::string> taggedKeys(std::vector<Request>& requests) {
    std::vector<std::string> keys;
    for (const Request& request : requests) keys.push_back(tagged(request.key));
    for (std::size_t i = 0; i < keys.size(); ++i) requests[i].key = keys[i];
    return keys;
  }

  const std::shared_ptr<Cache> cache_;
};

// A cluster, and a thread that moves the slots from master to master while the tests run.
class Unrest final : public ::testing::Environment {
 public:
  std::string url() const { return cluster_->url(); }
  // While it is held no slot moves.
  std::mutex& moving() { return moving_; }

  void SetUp() override {
    // No node is thought gone, though the machine stand still: this is about moves.
    auto started = LocalRedisCluster::start({.node_timeout = absl::Minutes(1)});
    ASSERT_OK(started);
    cluster_ = *std::move(started);
    thread_ = std::jthread([this](const std::stop_token& stop) { move(stop); });
  }
  void TearDown() override {
    thread_ = {};
    EXPECT_OK(failed_);
    // Or all of this was about nothing.
    EXPECT_GT(answersOf("MOVED"), 10);
    EXPECT_GT(answersOf("ASK"), 10);
    cluster_.reset();
  }

 private:
  void move(const std::stop_token& stop) {
    for (std::size_t i = 0; !stop.stop_requested() && failed_.ok(); ++i) {
      const std::lock_guard lock(moving_);
      failed_ = moveOn(i % FewSlots::kSlots);
    }
  }
  absl::Status moveOn(std::size_t which) {
    const auto slot = cluster_->slotOf(FewSlots::tag(which));
    if (!slot.ok()) return slot.status();
    const auto owner = cluster_->ownerOf(*slot);
    return owner.ok() ? cluster_->moveSlot(*slot, (*owner + 1) % 3) : owner.status();
  }
  // How often clients got this error.
  int answersOf(const std::string& error) {
    const std::string name = "errorstat_" + error + ":count=";
    int count = 0;
    for (std::size_t i = 0; i < cluster_->size(); ++i) {
      const std::string info = cluster_->node(i).command({"INFO", "errorstats"}).value_or("");
      const std::size_t at = info.find(name);
      if (at != std::string::npos) count += std::atoi(info.c_str() + at + name.size());
    }
    return count;
  }

  std::unique_ptr<LocalRedisCluster> cluster_;
  absl::Status failed_;
  std::mutex moving_;
  std::jthread thread_;
};

Unrest& unrest() {
  static auto* const unrest = new Unrest;  // which GoogleTest deletes
  return *unrest;
}
const auto* const kUnrest = ::testing::AddGlobalTestEnvironment(&unrest());

absl::StatusOr<KeyPage> FewSlots::scan(std::string_view prefix, const std::string& cursor,
                                       Deadline deadline) {
  const std::lock_guard still(unrest().moving());
  KeyPage all;
  for (std::size_t slot = 0; slot < kSlots; ++slot) {
    std::string next = cursor;
    do {
      auto page = cache_->scan(tag(slot) + std::string(prefix), next, deadline);
      if (!page.ok()) return page;
      for (const std::string& key : page->keys) all.keys.push_back(key.substr(tag(slot).size()));
      next = page->next;
    } while (!next.empty());
  }
  return all;
}

class WhileSlotsMove final : public CacheHarness {
 public:
  Cache& cache() override { return *cache_; }

 private:
  std::shared_ptr<Cache> cache_ =
      std::make_shared<FewSlots>(RedisCache::create({.url = unrest().url(),
                                                     .connect_timeout = absl::Seconds(10),
                                                     .command_timeout = absl::Seconds(10)})
                                     .value());
};

const auto kCaches = ::testing::Values(
    CacheUnderTest{"WhileSlotsMove", [] { return std::make_unique<WhileSlotsMove>(); }});

INSTANTIATE_TEST_SUITE_P(RedisCluster, CacheConformance, kCaches, nameOfCache);
INSTANTIATE_TEST_SUITE_P(RedisCluster, FencedCacheConformance, kCaches, nameOfCache);

// A key that moves from a server not listed yet to one that was is in no page of either.
TEST(RedisClusterScan, NeverMissesAKeyWithoutSayingSoWhileSlotsMove) {
  const auto cache = RedisCache::create({.url = unrest().url(),
                                         .connect_timeout = absl::Seconds(10),
                                         .command_timeout = absl::Seconds(10)})
                         .value();
  std::set<std::string> expected;
  for (int i = 0; i < 400; ++i) {
    const std::string key = absl::StrCat("listed:", FewSlots::tag(i % FewSlots::kSlots), i);
    ASSERT_OK(cache->set(key, "x", absl::Hours(1)));
    expected.insert(key);
  }
  int complete = 0;
  int aborted = 0;
  const auto list = [&] {
    std::set<std::string> found;
    std::string cursor;
    do {
      const auto page = cache->scan("listed:", cursor);
      if (!page.ok()) {
        EXPECT_THAT(page, StatusIs(absl::StatusCode::kAborted));
        ++aborted;
        return;
      }
      found.insert(page->keys.begin(), page->keys.end());
      cursor = page->next;
    } while (!cursor.empty());
    EXPECT_EQ(found, expected);
    ++complete;
  };
  for (int i = 0; i < 300; ++i) list();
  EXPECT_GT(aborted, 0);
  const std::lock_guard still(unrest().moving());
  EXPECT_TRUE(eventually([&] {
    list();
    return complete > 0;
  }));
}

}  // namespace
}  // namespace strata::testing
