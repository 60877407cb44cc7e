// The key and the time to live of everything that the platform's stores and components leave on a
// Redis server, with the defaults that docs/keys.md states.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/cache/caching_options.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/config.h"
#include "strata/factories/conversation_config_store_factory.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/policy_store_factory.h"
#include "strata/factories/rate_limiter_factory.h"
#include "strata/factories/store_factory.h"
#include "strata/factories/validation_cache_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::ElementsAre;
using testing::eventually;
using testing::IsOk;
using testing::LocalServers;

constexpr const char* kTenant = "00000000-0000-4000-8000-00000000000a";
constexpr const char* kUser = "00000000-0000-4000-8000-00000000000b";

class DocumentedKeys : public ::testing::Test {
 protected:
  void SetUp() override {
    servers_ = LocalServers::start({.postgres = true, .redis = true}).value();
    config_.app = "copilot";
    config_.database_url = servers_->postgres().url();
    config_.cache_url = servers_->redis().url();
  }

  absl::Duration timeToLive(const std::string& key) {
    std::int64_t ms = -2;
    EXPECT_TRUE(absl::SimpleAtoi(servers_->redis().command({"PTTL", key}).value(), &ms));
    return absl::Milliseconds(ms);
  }
  // The only key that `call` leaves, sooner or later, is this one, with about this time to live. The
  // first call may find that the server's incarnation is not known yet and fill nothing.
  void expectKey(const std::string& key, absl::Duration ttl, const std::function<void()>& call) {
    SCOPED_TRACE(key);
    ASSERT_THAT(servers_->redis().command({"FLUSHALL"}), IsOk());
    const MonotonicTime start = Clock::system().now();
    EXPECT_TRUE(eventually([&] {
      call();
      return servers_->redis().command({"EXISTS", key}).value() == "1";
    }));
    const absl::Duration left = timeToLive(key);
    EXPECT_THAT(servers_->redis().elements({"KEYS", "*:*:*"}).value(), ElementsAre(key));
    EXPECT_LE(left, 1.1 * ttl) << "jitter of a tenth";
    EXPECT_GE(left, 0.9 * ttl - (Clock::system().now() - start));
  }

  std::unique_ptr<LocalServers> servers_;
  Config config_;
};

TEST_F(DocumentedKeys, OfThePolicy) {
  const auto store = createPolicyStore(config_).value();
  ASSERT_THAT(
      store->setPolicy({.tenant_id = kTenant, .default_model = "m", .default_provider = "local"}),
      IsOk());
  expectKey(std::string("copilot:llm:policy:") + kTenant, absl::Seconds(300),
            [&] { ASSERT_THAT(store->getPolicy(kTenant), IsOk()); });
}

TEST_F(DocumentedKeys, OfTheThreeScopesOfAConversationConfig) {
  const auto store = createConversationConfigStore(config_).value();
  const std::string prefix = "copilot:conv:config:";
  expectKey(prefix + "global", absl::Seconds(300),
            [&] { ASSERT_THAT(store->getGlobalOverrides(), IsOk()); });
  expectKey(prefix + kTenant, absl::Seconds(300),
            [&] { ASSERT_THAT(store->getTenantOverrides(kTenant), IsOk()); });
  expectKey(prefix + kTenant + ":" + kUser, absl::Seconds(300),
            [&] { ASSERT_THAT(store->getUserOverrides(kTenant, kUser), IsOk()); });
}

TEST_F(DocumentedKeys, OfAConversation) {
  config_.domain.enable_conversation_cache = true;
  const auto store = createConversationStore(config_).value();
  const auto made = store->createConversation({.tenant_id = kTenant, .user_id = kUser});
  ASSERT_THAT(made, IsOk());
  const Caller caller{.tenant_id = kTenant, .user_id = kUser};
  expectKey(std::string("copilot:conv:conversation:") + kTenant + ":" + made->id, absl::Seconds(60),
            [&] { ASSERT_THAT(store->getConversation(caller, made->id), IsOk()); });
}

TEST_F(DocumentedKeys, OfTheFiveSourcesOfAContext) {
  const ContextSources sources = createClarifyStores(config_).value().sources;
  const std::string prefix = "copilot:ctx:";
  expectKey(prefix + "user:ada", absl::Seconds(300),
            [&] { ASSERT_THAT(sources.user->get("ada"), IsOk()); });
  expectKey(prefix + "dreams:ada", absl::Seconds(120),
            [&] { ASSERT_THAT(sources.dreams->get("ada"), IsOk()); });
  expectKey(prefix + "patterns:ada", absl::Seconds(600),
            [&] { ASSERT_THAT(sources.patterns->get("ada"), IsOk()); });
  expectKey(prefix + "sessions:ada", absl::Seconds(60),
            [&] { ASSERT_THAT(sources.sessions->get("ada"), IsOk()); });
  expectKey(prefix + "reflections:ada", absl::Seconds(300),
            [&] { ASSERT_THAT(sources.reflections->get("ada"), IsOk()); });
}

TEST_F(DocumentedKeys, OfAValidation) {
  const auto cache = createValidationCache(config_).value();
  expectKey("copilot:auth:validation:ada", absl::Seconds(300), [&] {
    ASSERT_THAT(cache->invalidate("ada"),
                IsOk());  // what this process keeps is not asked for again
    ASSERT_THAT(cache->validate("ada", [] { return Validation{.is_valid = true}; }), IsOk());
  });
}

TEST_F(DocumentedKeys, OfARateLimit) {
  const auto limiter = createRateLimiter(config_, {.limit = {.name = "docs"}}).value();
  expectKey("copilot:ratelimit:docs:10.0.0.1", absl::Seconds(60),
            [&] { ASSERT_THAT(limiter->check("10.0.0.1"), IsOk()); });
}

// Every segment of an id keeps to itself, so the users "b" of tenant "a" and none of tenant "a:b"
// have different keys.
TEST_F(DocumentedKeys, OfIdsWithMarksOfKeysInThem) {
  const ContextSources sources = createClarifyStores(config_).value().sources;
  expectKey("copilot:ctx:dreams:a%3Ab%25%2A%20c", absl::Seconds(120),
            [&] { ASSERT_THAT(sources.dreams->get("a:b%* c"), IsOk()); });
}

TEST(DefaultTimesToLive, AreFiveMinutesOfAProgramsOwnTypes) {
  EXPECT_EQ(StoreOptions{}.cache_ttl, absl::Seconds(300));
  EXPECT_EQ(CachingOptions{}.ttl, absl::Seconds(300));
  EXPECT_EQ(CachingOptions{}.negative_ttl, absl::ZeroDuration());
}

}  // namespace
}  // namespace strata
