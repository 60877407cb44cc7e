// CacheAdmin: what it takes, what it leaves, and that no fill that began before puts anything back.
#include "strata/cache/tools/cache_admin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "src/cache/cell.h"
#include "src/records/key_form.h"
#include "strata/cache/lru_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/memory/in_memory_store.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/status_matchers.h"

namespace strata {

struct AdminNote {
  std::string tenant;
  std::string name;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(AdminNote, (), (tenant, name, text))

template <>
struct Entity<AdminNote> {
  static constexpr auto table = "admin_notes";
  static constexpr KeySpace keys{"notes", "note"};
  static constexpr std::array<std::string_view, 2> key_columns{"tenant", "name"};
  static Id id(const AdminNote& n) { return {n.tenant, n.name}; }
};

namespace {

using testing::FakeCache;
using testing::FakeClock;
using testing::FakeExecutor;
using testing::StatusIs;
using Operation = FakeCache::Operation;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kDown = absl::StatusCode::kUnavailable;

class CacheAdminTest : public ::testing::Test {
 protected:
  void plant(std::initializer_list<const char*> keys) {
    for (const char* key : keys) cache_->plant(key, "x");
  }
  bool has(const std::string& key) const { return cache_->peek(key).has_value(); }
  std::vector<std::string> left(std::initializer_list<const char*> keys) const {
    std::vector<std::string> left;
    for (const char* key : keys) {
      if (has(key)) left.emplace_back(key);
    }
    return left;
  }

  FakeClock clock_;
  const std::shared_ptr<FakeExecutor> executor_ = std::make_shared<FakeExecutor>(clock_);
  const std::shared_ptr<FakeCache> cache_ = std::make_shared<FakeCache>(clock_);
  const std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  const std::shared_ptr<GuardedCache> guarded_ =
      *GuardedCache::create(cache_, {.epoch_key = "app:epoch"}, metrics_, clock_, executor_);
  CacheAdmin admin_{guarded_, "app", metrics_, clock_, executor_};
};

// ---- What is taken ----

TEST_F(CacheAdminTest, TakesAKeyOrARecordAndNothingElse) {
  plant({"app:notes:note:t1:a", "app:notes:note:t1:b", "app:notes:note:t1"});
  const InvalidationReport key = admin_.invalidateKey("app:notes:note:t1:a");
  EXPECT_OK(key.status);
  EXPECT_EQ(key.removed, 1U);
  EXPECT_OK(admin_.invalidate<AdminNote>({"t1", "b"}).status);
  EXPECT_FALSE(has("app:notes:note:t1:a"));
  EXPECT_FALSE(has("app:notes:note:t1:b"));
  EXPECT_TRUE(has("app:notes:note:t1"));
}

TEST_F(CacheAdminTest, TakesAllOfATypeAndNoneOfAnother) {
  plant({"app:notes:note:t1:a", "app:notes:note:t2:b", "app:notes:notebook:t1:a",
         "other:notes:note:t1:a"});
  const InvalidationReport report = admin_.invalidateAll<AdminNote>();
  EXPECT_OK(report.status);
  EXPECT_EQ(report.removed, 2U);
  EXPECT_THAT(left({"app:notes:note:t1:a", "app:notes:note:t2:b", "app:notes:notebook:t1:a",
                    "other:notes:note:t1:a"}),
              ::testing::ElementsAre("app:notes:notebook:t1:a", "other:notes:note:t1:a"));
}

TEST_F(CacheAdminTest, TakesWhatIsOfAnOwnerInEveryTypeAndNotOfOneWhoseNameBeginsAlike) {
  plant({"app:notes:note:t1:a", "app:conv:config:t1", "app:conv:config:t1:u1",
         "app:auth:validation:t1"});
  plant({"app:notes:note:t10:a", "app:conv:config:t10", "app:notes:note:x:t1", "app:conv:t1:x",
         "app:t1:config:x", "app2:conv:config:t1", "app:ratelimit:ai:t1"});
  const InvalidationReport report = admin_.invalidateOwner("t1");
  EXPECT_OK(report.status);
  EXPECT_EQ(report.removed, 4U);
  EXPECT_THAT(left({"app:notes:note:t1:a", "app:conv:config:t1", "app:conv:config:t1:u1",
                    "app:auth:validation:t1"}),
              ::testing::IsEmpty());
  EXPECT_EQ(left({"app:notes:note:t10:a", "app:conv:config:t10", "app:notes:note:x:t1",
                  "app:conv:t1:x", "app:t1:config:x", "app2:conv:config:t1", "app:ratelimit:ai:t1"})
                .size(),
            7U);
}

TEST_F(CacheAdminTest, FindsAnOwnerWhoseNameIsEncodedInKeys) {
  const std::string key = KeySpace("notes", "note").key("app", {"a:b*% c", "n"});
  cache_->plant(key, "x");
  EXPECT_EQ(admin_.invalidateOwner("a:b*% c").removed, 1U);
  EXPECT_FALSE(has(key));
}

TEST_F(CacheAdminTest, FindsAnOwnerInKeysThatAreShortened) {
  const KeySpace keys("notes", "note");
  const std::string long_name(600, 'n');
  const std::string mine = keys.key("app", {"t1", long_name});
  const std::string other = keys.key("app", {"t2", long_name});
  const std::string long_owner = keys.key("app", {long_name, "x"});
  ASSERT_TRUE(internal::isShortenedKey(mine));
  for (const std::string& key : {mine, other, long_owner}) cache_->plant(key, "x");
  EXPECT_EQ(admin_.invalidateOwner("t1").removed, 1U);
  EXPECT_FALSE(has(mine));
  EXPECT_TRUE(has(other) && has(long_owner));
  EXPECT_EQ(admin_.invalidateOwner(long_name).removed, 1U);
  EXPECT_FALSE(has(long_owner));
  EXPECT_TRUE(has(other));
}

TEST_F(CacheAdminTest, TakesADomainOrEverythingOfTheAppAndNeverWhatIsNoCache) {
  plant({"app:conv:config:t1", "app:conv:conversation:t1:c1", "app:notes:note:t1:a"});
  plant({"app:ratelimit:ai:t1", "app:ratelimit:x:y:z", "app:epoch", "app:events:conversation:1",
         "conv:app:x:y"});
  EXPECT_EQ(admin_.invalidateDomain("conv").removed, 2U);
  EXPECT_TRUE(has("app:notes:note:t1:a"));
  EXPECT_EQ(admin_.invalidateApp().removed, 1U);
  EXPECT_EQ(left({"app:ratelimit:ai:t1", "app:ratelimit:x:y:z", "app:epoch",
                  "app:events:conversation:1", "conv:app:x:y"})
                .size(),
            5U);
}

TEST_F(CacheAdminTest, RefusesWhatIsNotOfACache) {
  plant({"app:ratelimit:ai:t1", "app:epoch", "other:notes:note:a"});
  for (const char* key : {"app:ratelimit:ai:t1", "app:epoch", "other:notes:note:a", "", "app:"}) {
    EXPECT_THAT(admin_.invalidateKey(key).status, StatusIs(kInvalid)) << key;
  }
  EXPECT_THAT(admin_.invalidateDomain("ratelimit").status, StatusIs(kInvalid));
  EXPECT_THAT(admin_.invalidateDomain("").status, StatusIs(kInvalid));
  EXPECT_THAT(admin_.invalidateDomain("conv:config").status, StatusIs(kInvalid));
  EXPECT_THAT(admin_.invalidateOwner("").status, StatusIs(kInvalid));
  EXPECT_THAT(admin_.invalidate<AdminNote>(Id("")).status, StatusIs(kInvalid));
  EXPECT_THAT(admin_.invalidateApp({.batch_size = 0}).status, StatusIs(kInvalid));
  EXPECT_TRUE(has("app:ratelimit:ai:t1") && has("app:epoch") && has("other:notes:note:a"));
}

TEST_F(CacheAdminTest, GoesThroughThousandsOfKeysInBatchesAndTellsHowFarItIs) {
  for (int i = 0; i < 3000; ++i) cache_->plant("app:notes:note:t1:" + std::to_string(i), "x");
  std::vector<std::size_t> removed;
  const InvalidationReport report = admin_.invalidateOwner(
      "t1", {.batch_size = 100,
             .progress = [&](const InvalidationReport& now) { removed.push_back(now.removed); }});
  EXPECT_OK(report.status);
  EXPECT_EQ(report.removed, 3000U);
  EXPECT_EQ(report.scanned, 3000U);
  EXPECT_GE(removed.size(), 30U);
  EXPECT_TRUE(std::is_sorted(removed.begin(), removed.end()));
  EXPECT_EQ(cache_->calls(Operation::kRemove), 30);
  EXPECT_EQ(metrics_->count("strata_cache_admin_keys_total", {{"scope", "owner"}}), 3000);
}

// ---- What fails ----

TEST_F(CacheAdminTest, WhatCouldNotBeRemovedIsOwedAndSaid) {
  plant({"app:notes:note:t1:a"});
  cache_->loseNextRemove(FakeCache::Lost::kRequest);
  const InvalidationReport report = admin_.invalidateOwner("t1");
  EXPECT_THAT(report.status, StatusIs(kDown));
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(report.removed, 0U);
  EXPECT_TRUE(guarded_->owesDeletion("app:notes:note:t1:a"));
  executor_->advance(absl::Seconds(2));
  EXPECT_FALSE(has("app:notes:note:t1:a"));
}

TEST_F(CacheAdminTest, ACacheThatIsDownIsSaidAndARecordOwed) {
  plant({"app:notes:note:t1:a"});
  cache_->setDown(true);
  EXPECT_THAT(admin_.invalidateApp().status, StatusIs(kDown));
  EXPECT_THAT(admin_.invalidate<AdminNote>({"t1", "a"}).status, StatusIs(kDown));
  EXPECT_TRUE(guarded_->owesDeletion("app:notes:note:t1:a"));
}

TEST_F(CacheAdminTest, StopsAtTheDeadline) {
  for (int i = 0; i < 3000; ++i) cache_->plant("app:notes:note:t1:" + std::to_string(i), "x");
  const Deadline deadline = Deadline::in(absl::Seconds(1), clock_);
  const InvalidationReport report = admin_.invalidateOwner(
      "t1", {.deadline = deadline, .batch_size = 1000, .progress = [&](const InvalidationReport&) {
               clock_.advance(absl::Seconds(2));
             }});
  EXPECT_THAT(report.status, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(report.removed, 1000U);
}

// ---- Fills that are under way ----

class CacheAdminRaces : public CacheAdminTest {
 protected:
  CacheAdminRaces() {
    auto below = InMemoryStore<AdminNote>::create(database_, clock_).value();
    store_ = CachingStore<AdminNote>::create(std::move(below), guarded_, {.app = "app"}, metrics_,
                                             clock_, executor_)
                 .value();
    EXPECT_OK(store_->put({"t1", "a", "old"}));
  }

  const std::string key_ = "app:notes:note:t1:a";
  const std::shared_ptr<InMemoryDatabase> database_ = std::make_shared<InMemoryDatabase>();
  std::unique_ptr<CachingStore<AdminNote>> store_;
};

TEST_F(CacheAdminRaces, AFillThatBeganBeforeDoesNotPutItsValueBack) {
  // The reader holds its lease and has read the database; its fill comes after the call.
  InvalidationReport report;
  cache_->before(Operation::kCompareAndSet, key_, [&] { report = admin_.invalidateOwner("t1"); });
  EXPECT_OK(store_->get({"t1", "a"}));
  EXPECT_OK(report.status);
  EXPECT_EQ(report.removed, 1U);  // the lease
  EXPECT_FALSE(has(key_));
  EXPECT_EQ(metrics_->count("strata_cache_fills_total", {{"result", "lost_lease"}}), 1);
}

TEST_F(CacheAdminRaces, AFillThatCameBetweenListingAndRemovalIsRemovedToo) {
  std::latch leased(1);
  std::latch listed(1);
  cache_->before(Operation::kCompareAndSet, key_, [&] {
    leased.count_down();
    listed.wait();
  });
  std::jthread reader([&] { EXPECT_OK(store_->get({"t1", "a"})); });
  leased.wait();
  bool was_filled = false;
  cache_->after(Operation::kScan, "app:notes:note:", [&] {
    listed.count_down();
    reader.join();
    was_filled = internal::Cell::parse(*cache_->peek(key_))->tag == internal::CellTag::kValue;
  });
  EXPECT_OK(admin_.invalidateAll<AdminNote>().status);
  EXPECT_TRUE(was_filled);
  EXPECT_FALSE(has(key_));
}

TEST_F(CacheAdminRaces, ALeaseThatIsTakenAfterTheListingReadsTheDatabaseAfterTheCallBegan) {
  cache_->after(Operation::kScan, "app:notes:note:", [&] {
    EXPECT_OK(store_->put({"t1", "a", "new"}));
    EXPECT_OK(store_->get({"t1", "a"}));
  });
  EXPECT_OK(admin_.invalidateAll<AdminNote>().status);
  EXPECT_EQ((*store_->get({"t1", "a"}))->text, "new");
}

}  // namespace
}  // namespace strata
