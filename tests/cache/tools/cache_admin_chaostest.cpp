// createCacheAdmin, warming by a query and the verifier, on real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "strata/adapters/postgres/id_query.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/cache/tools/cache_verifier.h"
#include "strata/cache/tools/cache_warming.h"
#include "strata/factories/cache_admin_factory.h"
#include "strata/factories/rate_limiter_factory.h"
#include "strata/factories/store_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {

struct OpsNote {
  std::string tenant;
  std::string name;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(OpsNote, (), (tenant, name, text))

template <>
struct Entity<OpsNote> {
  static constexpr auto table = "ops_notes";
  static constexpr KeySpace keys{"ops", "note"};
  static constexpr std::array<std::string_view, 2> key_columns{"tenant", "name"};
  static Id id(const OpsNote& n) { return {n.tenant, n.name}; }
};

namespace {

using testing::eventually;
using testing::LocalServers;
using testing::StatusIs;

const CircuitBreakerOptions kImpatient{.name = "cache", .open_time = absl::Milliseconds(200)};

class OperationsTest : public ::testing::Test {
 protected:
  OperationsTest() {
    here_ = connected();
    there_ = connected();
    store_ = createStore<OpsNote>(here_).value();
    other_ = createStore<OpsNote>(there_).value();
  }
  // As another process would.
  Backends connected() const {
    Config config;
    config.app = "ops";
    config.database_url = servers_->postgres().url();
    config.cache_url = servers_->redis().url();
    return connect(config, {.cache_breaker = kImpatient}).value();
  }
  void write(int tenants, int names) {
    for (int t = 0; t < tenants; ++t) {
      for (int n = 0; n < names; ++n) {
        ASSERT_OK(store_->put({"t" + std::to_string(t), "n" + std::to_string(n), "text"}));
      }
    }
  }
  WarmReport warmed() {
    return warm(*store_,
                idsFromQuery(here_.database, "SELECT tenant || ':' || name, text FROM ops_notes;",
                             {.page_size = 30}));
  }
  std::size_t cachedOf(const std::string& prefix) {
    std::size_t count = 0;
    std::string cursor;
    do {
      const auto page = here_.cache->scan(prefix, cursor);
      EXPECT_OK(page);
      if (!page.ok()) break;
      count += page->keys.size();
      cursor = page->next;
    } while (!cursor.empty());
    return count;
  }

  const std::unique_ptr<LocalServers> servers_ =
      LocalServers::start({.postgres = true, .redis = true, .client_timeout = testing::kPatience})
          .value();
  Backends here_;
  Backends there_;
  std::unique_ptr<Store<OpsNote>> store_;
  std::unique_ptr<Store<OpsNote>> other_;
};

TEST_F(OperationsTest, WarmsByAQueryVerifiesAndDropsWhatIsATenants) {
  write(12, 10);
  const WarmReport report = warmed();
  EXPECT_OK(report.status);
  EXPECT_EQ(report.asked, 120U);
  EXPECT_EQ(report.present, 120U);
  EXPECT_EQ(cachedOf("ops:ops:note:"), 120U);
  EXPECT_EQ(cachedOf("ops:ops:note:t1:"), 10U);

  // Somebody writes past the stores.
  ASSERT_OK(here_.database->execute(
      "UPDATE ops_notes SET text = 'x' WHERE tenant = 't3' AND name = 'n3'"));
  const VerifyReport verified =
      verifyCache<OpsNote>(*here_.cache, "ops", *store_, {.grace = absl::Milliseconds(50)});
  EXPECT_OK(verified.status);
  EXPECT_EQ(verified.stale, 1U);
  EXPECT_EQ(verified.fresh, 119U);
  EXPECT_THAT(verified.stale_keys, ::testing::ElementsAre("ops:ops:note:t3:n3"));

  const auto limiter = createRateLimiter(here_, {.limit = {.name = "ops", .limit = 5}}).value();
  ASSERT_OK(limiter->check("t1"));
  CacheAdmin admin = createCacheAdmin(there_).value();
  const InvalidationReport dropped = admin.invalidateOwner("t1");
  EXPECT_OK(dropped.status);
  EXPECT_EQ(dropped.removed, 10U);
  EXPECT_EQ(cachedOf("ops:ops:note:t1:"), 0U);
  EXPECT_EQ(cachedOf("ops:ops:note:"), 110U);
  EXPECT_OK(admin.invalidateApp().status);
  EXPECT_EQ(cachedOf("ops:ops:note:"), 0U);
  EXPECT_EQ(limiter->check("t1")->remaining, 3);
}

// Writers past the cache, as psql is: after the call nobody reads what was there before it.
TEST_F(OperationsTest, WhatWasCachedBeforeIsNotMetAfterwardsWhileReadersFill) {
  write(1, 20);
  std::atomic<bool> done = false;
  std::vector<std::jthread> readers;
  for (Store<OpsNote>* store : {store_.get(), other_.get()}) {
    readers.emplace_back([store, &done] {
      for (int i = 0; !done; ++i) {
        EXPECT_OK(store->get({"t0", "n" + std::to_string(i % 20)}));
      }
    });
  }
  CacheAdmin admin = createCacheAdmin(here_).value();
  for (int round = 0; round < 30; ++round) {
    const std::string text = "round " + std::to_string(round);
    ASSERT_OK(here_.database->execute("UPDATE ops_notes SET text = '" + text + "'"));
    ASSERT_OK(admin.invalidateAll<OpsNote>().status);
    for (int i = 0; i < 20; ++i) {
      const auto note = other_->get({"t0", "n" + std::to_string(i)});
      ASSERT_OK(note);
      ASSERT_EQ((*note)->text, text);
    }
  }
  done = true;
}

TEST_F(OperationsTest, AKilledRedisIsSaidAndWhatIsOwedIsMadeGoodWhenItIsBack) {
  write(2, 5);
  ASSERT_OK(warmed().status);
  CacheAdmin admin = createCacheAdmin(here_).value();
  ASSERT_OK(servers_->redis().kill());
  EXPECT_FALSE(admin.invalidateApp().status.ok());
  EXPECT_FALSE(admin.invalidate<OpsNote>({"t0", "n0"}).status.ok());
  EXPECT_FALSE(verifyCache<OpsNote>(*here_.cache, "ops", *store_).status.ok());
  // The stores go on, and warming finds everything, though it fills nothing.
  EXPECT_EQ(warmed().present, 10U);
  ASSERT_OK(servers_->redis().start());
  EXPECT_TRUE(eventually([&] { return admin.invalidateApp().status.ok(); }));
  EXPECT_EQ(cachedOf("ops:ops:note:"), 0U);
}

TEST_F(OperationsTest, AListingThatARestartCutsInTwoIsNotTakenForComplete) {
  for (int i = 0; i < 3000; ++i) {
    ASSERT_OK(here_.cache->set("ops:ops:other:" + std::to_string(i), "x", absl::Hours(1)));
  }
  const auto cache = RedisCache::create({.url = servers_->redis().url()}).value();
  const auto first = cache->scan("ops:", "");
  ASSERT_OK(first);
  ASSERT_FALSE(first->next.empty());
  ASSERT_OK(servers_->redis().kill());
  ASSERT_OK(servers_->redis().start());
  absl::Status second;
  EXPECT_TRUE(eventually([&] {
    second = cache->scan("ops:", first->next).status();
    return !absl::IsUnavailable(second);
  }));
  EXPECT_THAT(second, StatusIs(absl::StatusCode::kAborted));
}

TEST_F(OperationsTest, TheQueryOfIdsSaysWhatIsWrongWithIt) {
  EXPECT_FALSE(
      warm(*store_, idsFromQuery(here_.database, "SELECT nonsense FROM nowhere")).status.ok());
  EXPECT_THAT(warm(*store_, idsFromQuery(here_.database, "SELECT 'a b'")).status,
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(warm(*store_, idsFromQuery(here_.database, "SELECT 'a'", {.page_size = 0})).status,
              StatusIs(absl::StatusCode::kInvalidArgument));
  const WarmReport report =
      warm(*store_, idsFromQuery(here_.database,
                                 "SELECT v FROM (VALUES ('a:b'), (NULL), ('a:b'), ('Z:z')) AS t(v)",
                                 {.page_size = 1}));
  EXPECT_OK(report.status);
  EXPECT_EQ(report.asked, 2U);
  EXPECT_EQ(report.absent, 2U);
}

TEST(CreateCacheAdmin, NeedsSomethingThatIsCached) {
  EXPECT_THAT(createCacheAdmin(Backends{}), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace strata
