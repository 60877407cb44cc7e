// verifyCache: what it counts as stale, and above all what not.
#include "strata/cache/tools/cache_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "strata/base/hash.h"
#include "strata/base/nonce.h"
#include "strata/cache/lru_cache.h"
#include "strata/records/internal/type_info.h"
#include "tests/decorators/caching_fixture.h"

namespace strata::caching_test {
namespace {

using internal::Cell;
using internal::CellTag;
using ::testing::ElementsAre;
using testing::FakeCache;
using testing::StatusIs;
using Operation = FakeCache::Operation;

std::string idAt(int i) { return "n" + std::to_string(i); }
std::string keyAt(int i) { return "app:notes:note:" + idAt(i); }

class VerifierTest : public CachingStoreTest {
 protected:
  void fill(int count) {
    for (int i = 0; i < count; ++i) {
      ASSERT_OK(store_->put({idAt(i), "right"}));
      ASSERT_OK(store_->get(idAt(i)));
    }
  }
  VerifyReport verify(const VerifyOptions& options = {}) {
    return verifyCache<Note>(*cache_, "app", *store_, options, clock_);
  }
  Cell cellFor(const std::string& key) const {
    return {.nonce = makeNonce(),
            .key_hash = stableHash(key),
            .incarnation = cache_->incarnation(),
            .identity = identity(),
            .fingerprint = fingerprint(typeInfo<Note>())};
  }
  void plant(const std::string& id, const std::string& text) {
    const std::string key = "app:notes:note:" + id;
    const std::string payload = encodeJson(Note{id, text});
    Cell cell = cellFor(key);
    cell.payload = payload;
    cache_->plant(key, cell.encode());
  }
};

TEST_F(VerifierTest, CountsExactlyTheOneThatIsStale) {
  fill(300);
  plant(idAt(7), "wrong");
  const VerifyReport report = verify();
  EXPECT_OK(report.status);
  EXPECT_EQ(report.sampled, 300U);
  EXPECT_EQ(report.fresh, 299U);
  EXPECT_EQ(report.stale, 1U);
  EXPECT_THAT(report.stale_keys, ElementsAre(keyAt(7)));
  EXPECT_EQ(clock_.sleptFor(), absl::Seconds(1));
}

TEST_F(VerifierTest, ACopyOfWhatIsGoneAndANoteThatThereIsNoneAreStaleToo) {
  fill(2);
  plant("nobody", "ever");
  Cell absent = cellFor(keyAt(0));
  absent.tag = CellTag::kAbsent;
  cache_->plant(keyAt(0), absent.encode());
  const VerifyReport report = verify();
  EXPECT_EQ(report.stale, 2U);
  EXPECT_EQ(report.fresh, 1U);
}

TEST_F(VerifierTest, WhatAWriterIsAboutToDeleteIsNotStale) {
  fill(10);
  plant(idAt(3), "old");
  // Right before the second look: the writer's delete has come.
  cache_->after(Operation::kGetMany, keyAt(3), [this] {
    cache_->before(Operation::kGetMany, keyAt(3), [this] { cache_->erase(keyAt(3)); });
  });
  const VerifyReport report = verify();
  EXPECT_EQ(report.stale, 0U);
  EXPECT_EQ(report.gone, 1U);
  EXPECT_EQ(report.fresh, 9U);
}

TEST_F(VerifierTest, WhatWasReplacedMeanwhileIsNotStale) {
  fill(3);
  plant(idAt(1), "old");
  cache_->after(Operation::kGetMany, keyAt(1), [this] {
    cache_->before(Operation::kGetMany, keyAt(1), [this] { plant(idAt(1), "older still"); });
  });
  EXPECT_EQ(verify().gone, 1U);
}

TEST_F(VerifierTest, SortsOutWhatCannotBeCompared) {
  fill(1);
  const std::string long_id(600, 'x');
  ASSERT_OK(store_->put({long_id, "text"}));
  ASSERT_OK(store_->get(long_id));
  cache_->plant("app:notes:note:corrupt", "no cell");
  Cell other_type = cellFor("app:notes:note:other");
  other_type.fingerprint = 1;
  cache_->plant("app:notes:note:other", other_type.encode());
  Cell lease = cellFor("app:notes:note:leased");
  lease.tag = CellTag::kLease;
  cache_->plant("app:notes:note:leased", lease.encode());
  const VerifyReport report = verify();
  EXPECT_EQ(report.sampled, 5U);
  EXPECT_EQ(report.fresh, 1U);
  EXPECT_EQ(report.not_verifiable, 1U);
  EXPECT_EQ(report.unreadable, 2U);
  EXPECT_EQ(report.gone, 1U);
  EXPECT_EQ(report.stale, 0U);
  EXPECT_EQ(clock_.sleptFor(), absl::ZeroDuration());
}

// Cells of another database, and cells from before the epoch moved, were reported as stale although
// no reader uses them.
TEST_F(VerifierTest, WhatTheReadersOfTheStoreDoNotUseIsNotStale) {
  guarded_ = *GuardedCache::create(cache_, {}, metrics_, clock_, executor_);
  makeStore({});
  fill(3);
  const auto plant_altered = [&](int i, auto alter) {
    const std::string payload = encodeJson(Note{idAt(i), "wrong"});
    Cell cell = cellFor(keyAt(i));
    cell.payload = payload;
    alter(cell);
    cache_->plant(keyAt(i), cell.encode());
  };
  plant_altered(0, [](Cell& cell) { cell.identity += 1; });
  plant_altered(1, [](Cell& cell) { cell.epoch = 1; });
  const VerifyReport before = verify();
  EXPECT_EQ(before.unreadable, 1U);
  EXPECT_EQ(before.stale, 1U);
  guarded_->noteEpoch(2);
  const VerifyReport report = verify();
  EXPECT_OK(report.status);
  EXPECT_EQ(report.stale, 0U);
  EXPECT_EQ(report.unreadable, 3U) << "what was filled before the epoch moved, too";
}

// A store without a cache cannot tell whose copies are used.
TEST_F(VerifierTest, AStoreWithoutACacheHasEveryCopyCompared) {
  fill(2);
  plant(idAt(1), "wrong");
  const auto database = *InMemoryStore<Note>::create(database_);
  const VerifyReport report = verifyCache<Note>(*cache_, "app", *database, {}, clock_);
  EXPECT_EQ(report.fresh, 1U);
  EXPECT_EQ(report.stale, 1U);
}

TEST_F(VerifierTest, ReadsCompressedCells) {
  makeStore({.compress_above_bytes = 10});
  ASSERT_OK(store_->put({"a", std::string(5000, 'x')}));
  ASSERT_OK(store_->get("a"));
  EXPECT_EQ(verify().fresh, 1U);
}

TEST_F(VerifierTest, ASampleIsOfItsSizeAndTheSameForTheSameSeed) {
  fill(500);
  for (int i = 0; i < 500; ++i) plant(idAt(i), "wrong");
  const VerifyReport first = verify({.sample_size = 50, .seed = 7});
  EXPECT_EQ(first.sampled, 50U);
  EXPECT_EQ(first.stale, 50U);
  EXPECT_EQ(first.stale_keys.size(), 10U);
  EXPECT_EQ(verify({.sample_size = 50, .seed = 7}).stale_keys, first.stale_keys);
  EXPECT_NE(verify({.sample_size = 50, .seed = 8}).stale_keys, first.stale_keys);
}

TEST_F(VerifierTest, ADatabaseOrACacheThatDoesNotAnswerIsSaidAndNothingIsStale) {
  fill(5);
  plant(idAt(2), "wrong");
  faults_->failEverything({.error = absl::UnavailableError("no database")});
  const VerifyReport without_database = verify();
  EXPECT_EQ(without_database.unanswered, 5U);
  EXPECT_EQ(without_database.stale, 0U);
  EXPECT_THAT(without_database.status, StatusIs(absl::StatusCode::kUnavailable));
  cache_->setDown(true);
  EXPECT_THAT(verify().status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(verify({.sample_size = 0}).status, StatusIs(absl::StatusCode::kInvalidArgument));
}

// Writers and readers for a second: every difference is on its way out, and none is stale.
TEST(VerifierRaces, ReportsNothingStaleWhileWritersWrite) {
  const auto database = std::make_shared<InMemoryDatabase>();
  const auto lru = std::make_shared<LruCache>();
  const auto guarded = *GuardedCache::create(lru);
  const auto store = CachingStore<Note>::create(*InMemoryStore<Note>::create(database), guarded,
                                                {.store = "notes", .app = "app"})
                         .value();
  std::atomic<bool> done = false;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      std::minstd_rand random(static_cast<unsigned>(t) + 1);
      for (int i = 0; !done; ++i) {
        const std::string id = idAt(static_cast<int>(random() % 50));
        if (random() % 4 == 0) {
          EXPECT_OK(store->put({id, std::to_string(i)}));
        } else {
          EXPECT_OK(store->get(id));
        }
      }
    });
  }
  const MonotonicTime until = Clock::system().now() + absl::Seconds(1);
  std::size_t fresh = 0;
  while (Clock::system().now() < until) {
    const VerifyReport report =
        verifyCache<Note>(*lru, "app", *store, {.grace = absl::Milliseconds(100)});
    EXPECT_OK(report.status);
    EXPECT_EQ(report.stale, 0U);
    EXPECT_EQ(report.unreadable, 0U);
    fresh += report.fresh;
  }
  done = true;
  threads.clear();
  EXPECT_GT(fresh, 0U);
}

}  // namespace
}  // namespace strata::caching_test
