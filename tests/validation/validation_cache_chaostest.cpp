// createValidationCache on a real Redis, which is killed and comes back; two processes' worth.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "strata/factories/app.h"
#include "strata/factories/cache_admin_factory.h"
#include "strata/factories/validation_cache_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOkAndHolds;
using testing::LocalServers;
using ::testing::Not;
using testing::StatusIs;

const CircuitBreakerOptions kImpatient{.name = "cache", .open_time = absl::Milliseconds(200)};

Validation verdict(bool is_valid, std::string tenant = "t1") {
  return {.is_valid = is_valid, .checked_at = {}, .tenant_id = std::move(tenant)};
}

Config onRedis(const std::string& url) {
  Config config;
  config.cache_url = url;
  return config;
}

absl::StatusOr<Validation> ask(ValidationCache& cache, std::string_view user,
                               const Validation& truth) {
  return cache.validate(user, [&] { return absl::StatusOr<Validation>(truth); });
}

class ValidationCacheOutage : public ::testing::Test {
 protected:
  std::unique_ptr<ValidationCache> created() const {
    return createValidationCache(onRedis(servers_->redis().url()), {.breaker = kImpatient}).value();
  }

  const std::unique_ptr<LocalServers> servers_ =
      LocalServers::start({.redis = true, .client_timeout = testing::kPatience}).value();
  const std::unique_ptr<ValidationCache> here_ = created();
  const std::unique_ptr<ValidationCache> there_ = created();
};

TEST_F(ValidationCacheOutage, ProcessesShareVerdictsWithoutADatabase) {
  EXPECT_THAT(ask(*here_, "alice", verdict(false)), IsOkAndHolds(verdict(false)));
  EXPECT_THAT(ask(*there_, "alice", verdict(true)), IsOkAndHolds(verdict(false)));
  EXPECT_THAT(servers_->redis().command({"EXISTS", "copilot:auth:validation:alice"}),
              IsOkAndHolds("1"));
  ASSERT_OK(there_->invalidate("alice"));
  EXPECT_THAT(ask(*here_, "alice", verdict(true)), IsOkAndHolds(verdict(true)));
  EXPECT_EQ(here_->stats().backend, "redis");
  EXPECT_EQ(here_->healthCheck().state, HealthState::kPass);
}

// B-94
TEST_F(ValidationCacheOutage,
       AKilledRedisIsNoErrorAndWhatWasInvalidatedMeanwhileIsNotMetAfterwards) {
  ASSERT_OK(ask(*here_, "alice", verdict(true)));
  ASSERT_OK(servers_->redis().command({"SAVE"}));
  ASSERT_OK(servers_->redis().kill());
  for (int i = 0; i < 10; ++i) {
    EXPECT_OK(ask(*here_, "alice", verdict(true)));
    EXPECT_OK(here_->get("alice"));
  }
  EXPECT_EQ(here_->stats().backend, "in-memory");
  EXPECT_EQ(here_->healthCheck().state, HealthState::kWarn);
  ASSERT_OK(here_->invalidate("alice"));
  EXPECT_THAT(ask(*here_, "alice", verdict(false)), IsOkAndHolds(verdict(false)));
  ASSERT_OK(servers_->redis().start());
  EXPECT_TRUE(eventually([&] { return here_->stats().backend == "redis"; }));
  EXPECT_THAT(ask(*here_, "alice", verdict(false)), IsOkAndHolds(verdict(false)));
  EXPECT_TRUE(eventually([&] { return here_->healthCheck().state == HealthState::kPass; }));
}

TEST_F(ValidationCacheOutage, NoSlowAnswerOfAnyProcessOutlivesAnInvalidation) {
  std::atomic<int> truth = 0;
  std::atomic<bool> done = false;
  std::atomic<int> stale = 0;
  std::vector<std::jthread> readers;
  for (ValidationCache* cache : {here_.get(), there_.get()}) {
    readers.emplace_back([&, cache] {
      while (!done) {
        const int least = truth;
        const auto answer = cache->validate("alice", [&] {
          const int seen = truth;
          Clock::system().sleepFor(absl::Microseconds(200));
          return absl::StatusOr<Validation>(verdict(true, std::to_string(seen)));
        });
        if (!answer.ok() || std::stoi(*answer->tenant_id) < least - 1) ++stale;
      }
    });
  }
  for (int i = 1; i <= 300; ++i) {
    truth = i;
    EXPECT_OK(here_->invalidate("alice"));
    // Known to be forgotten: from here on nobody may say less than i.
    const auto now = there_->validate(
        "alice", [&] { return absl::StatusOr<Validation>(verdict(true, std::to_string(truth))); });
    ASSERT_OK(now);
    EXPECT_GE(std::stoi(*now->tenant_id), i);
  }
  done = true;
  readers.clear();
  EXPECT_EQ(stale, 0);
}

TEST_F(ValidationCacheOutage, AnOperatorDropsAUsersVerdictWithWhateverElseIsHis) {
  ASSERT_OK(ask(*here_, "alice", verdict(true)));
  ASSERT_OK(ask(*here_, "alice2", verdict(true)));
  CacheAdmin admin =
      createCacheAdmin({.config = withDomainApp(onRedis(servers_->redis().url()))}).value();
  EXPECT_EQ(admin.invalidateOwner("alice").removed, 1U);
  EXPECT_THAT(ask(*here_, "alice", verdict(false)), IsOkAndHolds(verdict(false)));
  EXPECT_THAT(ask(*here_, "alice2", verdict(false)), IsOkAndHolds(verdict(true)));
  EXPECT_OK(here_->clear());
  EXPECT_THAT(here_->get("alice2"), IsOkAndHolds(::testing::Eq(std::nullopt)));
}

// B-80
TEST_F(ValidationCacheOutage, WithCachingOffNoConnectionIsOpenedAndThisProcessRemembers) {
  const auto connections = [&] {
    const std::string info = servers_->redis().command({"INFO", "stats"}).value();
    const std::string field = "total_connections_received:";
    return std::stoll(info.substr(info.find(field) + field.size()));
  };
  Config config = onRedis(servers_->redis().url());
  config.enable_redis_caching = false;
  const auto before = connections();
  const auto cache = createValidationCache(config).value();
  EXPECT_OK(ask(*cache, "alice", verdict(true)));
  EXPECT_THAT(ask(*cache, "alice", verdict(false)), IsOkAndHolds(verdict(true)));
  EXPECT_EQ(cache->stats().backend, "in-memory");
  EXPECT_EQ(connections(), before + 1);  // the second question
}

TEST(CreateValidationCache, ReadsItsSwitchAndItsTimeToLive) {
  Config config;
  config.domain.auth_ttl = absl::Seconds(60);
  EXPECT_EQ((*createValidationCache(config))->stats().ttl, absl::Seconds(60));
  config.domain.enable_auth_validation_cache = false;
  const auto off = createValidationCache(config).value();
  EXPECT_EQ(off->stats().backend, "none");
  EXPECT_OK(ask(*off, "alice", verdict(true)));
  EXPECT_THAT(ask(*off, "alice", verdict(false)), IsOkAndHolds(verdict(false)));
}

// B-79
TEST(CreateValidationCache, TellsAWrongPasswordAtOnceButNotItself) {
  const auto servers = LocalServers::start({.redis = true, .redis_password = "swordfish"}).value();
  EXPECT_THAT(createValidationCache(
                  onRedis("redis://:hunter2@127.0.0.1:" + std::to_string(servers->redis().port()))),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       ::testing::AllOf(HasSubstr("REDIS_URL"), Not(HasSubstr("hunter2")))));
}

}  // namespace
}  // namespace strata
