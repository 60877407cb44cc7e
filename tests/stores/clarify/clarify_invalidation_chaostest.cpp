// What it takes a real Redis to drop a user's copies, and what happens where it cannot.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "strata/factories/clarify_store_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalRedis;
using testing::LocalServers;

class ClarifyInvalidationOnRedis : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(stores_.users->put({.id = "ada", .name = "Ada"}), IsOk());
    readAll();
  }

  Backends connected() {
    Config config;
    config.database_url = servers_->postgres().url();
    config.cache_url = redis().url();
    return *connect(config,
                    {.metrics = metrics_,
                     .cache_breaker = {.name = "cache", .open_time = absl::Milliseconds(200)}});
  }
  void readAll() {
    EXPECT_THAT(stores_.sources.user->get("ada"), IsOk());
    EXPECT_THAT(stores_.sources.dreams->get("ada"), IsOk());
    EXPECT_THAT(stores_.sources.patterns->get("ada"), IsOk());
    EXPECT_THAT(stores_.sources.sessions->get("ada"), IsOk());
    EXPECT_THAT(stores_.sources.reflections->get("ada"), IsOk());
  }
  LocalRedis& redis() { return servers_->redis(); }
  std::string cached() {
    return redis()
        .command({"EXISTS", "copilot:ctx:user:ada", "copilot:ctx:dreams:ada",
                  "copilot:ctx:patterns:ada", "copilot:ctx:sessions:ada",
                  "copilot:ctx:reflections:ada"})
        .value();
  }
  std::int64_t stat(const std::string& section, const std::string& field) {
    const std::string info = redis().command({"INFO", section}).value();
    const std::size_t at = info.find(field);
    return at == std::string::npos ? 0 : std::stoll(info.substr(at + field.size()));
  }
  std::int64_t reads() { return stat("stats", "total_reads_processed:"); }
  std::int64_t unlinks() { return stat("commandstats", "cmdstat_unlink:calls="); }
  std::int64_t hits() const { return metrics_->count("strata_cache_hits_total"); }
  bool nothingPends() const { return backends_.cache->pendingDeletes() == 0; }

  // How often Redis reads from a socket, and how many commands delete, during `call`.
  template <typename Call>
  void expectOneRoundTrip(Call call) {
    reads();
    const std::int64_t before = reads();
    const std::int64_t to_look = reads() - before;
    const std::int64_t unlinks_before = unlinks();
    const std::int64_t reads_before = reads();
    call();
    EXPECT_EQ(reads() - reads_before, to_look + 1);
    EXPECT_EQ(unlinks() - unlinks_before, 1);
  }

  const std::unique_ptr<LocalServers> servers_ =
      LocalServers::start({.postgres = true, .redis = true, .client_timeout = testing::kPatience})
          .value();
  const std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  const Backends backends_ = connected();
  const ClarifyStores stores_ = *createClarifyStores(backends_);
};

// Five round trips were made, one after the other.
TEST_F(ClarifyInvalidationOnRedis, AUsersContextIsOneRoundTrip) {
  ASSERT_EQ(cached(), "5");
  expectOneRoundTrip([&] { EXPECT_THAT(stores_.invalidateUserContext("ada"), IsOk()); });
  EXPECT_EQ(cached(), "0");
}

TEST_F(ClarifyInvalidationOnRedis, TheRemovalOfAUserIsOneRoundTrip) {
  expectOneRoundTrip([&] { EXPECT_THAT(stores_.users->remove("ada"), IsOk()); });
  EXPECT_EQ(cached(), "0");
}

// An account that may not write one of the five keys: none of them is deleted then, and none is
// read, until the account may.
TEST_F(ClarifyInvalidationOnRedis, OneKeyThatCannotBeDeletedLeavesNoOldCopyInUse) {
  ASSERT_THAT(redis().command({"ACL", "SETUSER", "default", "resetkeys", "~copilot:ctx:user:*",
                               "~copilot:ctx:patterns:*", "~copilot:ctx:sessions:*",
                               "~copilot:ctx:reflections:*", "%R~copilot:ctx:dreams:*"}),
              IsOk());
  ASSERT_THAT(stores_.invalidateUserContext("ada"), IsOk());
  EXPECT_EQ(backends_.cache->pendingDeletes(), 5);
  const std::int64_t hits_before = hits();
  readAll();
  EXPECT_EQ(hits(), hits_before) << "an old copy was read";
  ASSERT_THAT(redis().command({"ACL", "SETUSER", "default", "allkeys"}), IsOk());
  EXPECT_TRUE(eventually([&] { return nothingPends(); }));
  EXPECT_EQ(cached(), "0");
  readAll();
  readAll();
  EXPECT_EQ(hits(), hits_before + 5);
}

// A Redis that is killed and restarted from a snapshot has the old copies again.
TEST_F(ClarifyInvalidationOnRedis, AServerThatDiesAndComesBackWithTheCopiesHasThemDeleted) {
  ASSERT_THAT(redis().save(), IsOk());
  ASSERT_THAT(redis().kill(), IsOk());
  EXPECT_THAT(stores_.invalidateUserContext("ada"), IsOk());
  ASSERT_THAT(stores_.users->put({.id = "ada", .name = "Countess"}), IsOk());
  EXPECT_EQ(backends_.cache->pendingDeletes(), 5);
  ASSERT_THAT(redis().start(), IsOk());
  EXPECT_EQ((*stores_.sources.user->get("ada"))->name, "Countess");
  EXPECT_TRUE(eventually([&] { return nothingPends(); }));
  EXPECT_EQ(cached(), "0");
  readAll();
  EXPECT_EQ(cached(), "5");
}

}  // namespace
}  // namespace strata
