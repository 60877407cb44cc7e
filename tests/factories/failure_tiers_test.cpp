// What a failing cache means to each component that has one: the tier is a setting of each, 2 by
// default.
#include "strata/base/failure_tier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "strata/cache/guarded_cache.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/context_builder_factory.h"
#include "strata/factories/conversation_config_store_factory.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/policy_store_factory.h"
#include "strata/factories/store_factory.h"
#include "strata/factories/validation_cache_factory.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::FakeCache;
using testing::FakeClock;
using testing::FakeExecutor;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::SizeIs;
using testing::StatusIs;

constexpr const char* kTenant = "11111111-2222-4333-8444-555555555555";

class FailureTiers : public ::testing::TestWithParam<FailureTier> {
 protected:
  Backends made() {
    Config config;
    config.domain.enable_conversation_cache = true;
    Backends backends =
        *connect(config, {.clock = &clock_, .memory = std::make_shared<InMemoryDatabase>()});
    backends.cache = *GuardedCache::create(cache_, {}, Metrics::none(), clock_, executor_);
    return backends;
  }

  // Of calls that the cache has no part in yet, of those that it fails, and of those that its open
  // breaker refuses.
  void expectTier(const std::function<absl::Status()>& read) {
    cache_->setDown(true);
    for (int call = 0; call < 3; ++call) expectAnswer(read(), "");
    ASSERT_FALSE(backends_.cache->breaker().allows());
    expectAnswer(read(), "circuit breaker is open");
  }
  static void expectAnswer(const absl::Status& status, const std::string& why) {
    if (GetParam() == FailureTier::kCritical) {
      EXPECT_THAT(status, StatusIs(absl::StatusCode::kUnavailable, HasSubstr(why)));
    } else {
      EXPECT_THAT(status, IsOk());
    }
  }

  FakeClock clock_;
  const std::shared_ptr<FakeExecutor> executor_ = std::make_shared<FakeExecutor>(clock_);
  const std::shared_ptr<FakeCache> cache_ = std::make_shared<FakeCache>(clock_);
  const Backends backends_ = made();
};

// Only createStore had the tier; the stores of the domain had no way to fail closed.
TEST_P(FailureTiers, OfThePolicyStore) {
  const auto store = *createPolicyStore(backends_, {.cache_failure_tier = GetParam()});
  expectTier([&] { return store->getPolicy(kTenant).status(); });
}

TEST_P(FailureTiers, OfTheConfigStore) {
  const auto store = *createConversationConfigStore(backends_, {.cache_failure_tier = GetParam()});
  expectTier([&] { return store->getConfig(kTenant).status(); });
}

TEST_P(FailureTiers, OfTheConversationStore) {
  const auto store = *createConversationStore(backends_, {.cache_failure_tier = GetParam()});
  const auto conversation = store->createConversation({.tenant_id = kTenant});
  ASSERT_THAT(conversation, IsOk());
  expectTier(
      [&] { return store->getConversation({.tenant_id = kTenant}, conversation->id).status(); });
}

TEST_P(FailureTiers, OfEachSourceOfTheClarifyStores) {
  const ClarifyStores stores = *createClarifyStores(backends_, {.cache_failure_tier = GetParam()});
  ASSERT_THAT(stores.users->put({.id = "ada"}), IsOk());
  cache_->setDown(true);
  expectAnswer(stores.sources.user->get("ada").status(), "");
  expectAnswer(stores.sources.dreams->get("ada").status(), "");
  expectAnswer(stores.sources.patterns->get("ada").status(), "");
  backends_.cache->breaker().reset();
  expectAnswer(stores.sources.sessions->get("ada").status(), "");
  expectAnswer(stores.sources.reflections->get("ada").status(), "");
}

// The write has happened, whatever the cache says; an invalidation alone has not.
TEST_P(FailureTiers, OfInvalidationsByTheClarifyStores) {
  const ClarifyStores stores = *createClarifyStores(backends_, {.cache_failure_tier = GetParam()});
  cache_->setDown(true);
  EXPECT_THAT(stores.users->put({.id = "ada"}), IsOk());
  expectAnswer(stores.invalidateUserContext("ada"), "");
  EXPECT_EQ(backends_.cache->pendingDeletes(), 5);
  cache_->setDown(false);
  executor_->advance(absl::Seconds(20));
  EXPECT_EQ(backends_.cache->pendingDeletes(), 0);
  EXPECT_THAT(stores.invalidateUserContext("ada"), IsOk());
}

TEST_P(FailureTiers, OfAContext) {
  const ClarifyStores stores = *createClarifyStores(backends_, {.cache_failure_tier = GetParam()});
  ASSERT_THAT(stores.users->put({.id = "ada", .name = "Ada"}), IsOk());
  const auto builder = *createContextBuilder(backends_, stores.sources);
  cache_->setDown(true);
  const auto context = builder->build("ada", "");
  ASSERT_THAT(context, IsOk());
  EXPECT_THAT(context->failed, SizeIs(GetParam() == FailureTier::kCritical ? 5 : 0));
}

INSTANTIATE_TEST_SUITE_P(Each, FailureTiers,
                         ::testing::Values(FailureTier::kCritical, FailureTier::kImportant,
                                           FailureTier::kBestEffort));

TEST(FailureTiersByDefault, AreImportant) {
  EXPECT_EQ(StoreOptions{}.cache_failure_tier, FailureTier::kImportant);
  EXPECT_EQ(PolicyStoreOptions{}.cache_failure_tier, FailureTier::kImportant);
  EXPECT_EQ(ConversationConfigStoreOptions{}.cache_failure_tier, FailureTier::kImportant);
  EXPECT_EQ(ConversationStoreOptions{}.cache_failure_tier, FailureTier::kImportant);
  EXPECT_EQ(ClarifyStoreOptions{}.cache_failure_tier, FailureTier::kImportant);
  EXPECT_EQ(CreateValidationCacheOptions{}.cache_failure_tier, FailureTier::kImportant);
  EXPECT_EQ(ValidationCacheOptions{}.cache_failure_tier, FailureTier::kImportant);
}

}  // namespace
}  // namespace strata
