#include "strata/base/executor.h"
#include "strata/cache/guarded_cache.h"
#include "strata/cache/lru_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/factories/conversation_config_store_factory.h"
#include "strata/memory/in_memory_store.h"
#include "strata/strata.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/mocks/mock_conversation_config_store.h"
#include "strata/testing/mocks/mock_store.h"
#include "tests/stores/conversation_config/conversation_config_suite.h"

namespace strata {
namespace {

using ::testing::_;
using ::testing::Return;
using Overrides = ConversationConfigOverrides;

constexpr const char* kTenant = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
constexpr const char* kUser = "9b2d7c10-0000-4000-8000-00000000000a";

ConfigStores inMemory() {
  const auto database = std::make_shared<InMemoryDatabase>();
  const auto make = [&] {
    return makeConversationConfigStore(*InMemoryStore<Overrides>::create(database));
  };
  return {make(), make()};
}

ConfigStores cachingOverLru() {
  const auto database = std::make_shared<InMemoryDatabase>();
  const auto cache = std::make_shared<LruCache>();
  const auto make = [&] {
    return makeConversationConfigStore(
        *CachingStore<Overrides>::create(*InMemoryStore<Overrides>::create(database), cache,
                                         {.app = "app", .negative_ttl = absl::Seconds(300)}));
  };
  return {make(), make()};
}

INSTANTIATE_TEST_SUITE_P(InProcess, ConversationConfigSuite,
                         ::testing::Values(ConfigStack{"InMemory", inMemory},
                                           ConfigStack{"CachingOverLru", cachingOverLru}),
                         nameOfStack);

// What createConversationConfigStore builds, over a cache whose calls are counted.
class CachedConversationConfigs : public ::testing::Test {
 protected:
  using Operation = testing::FakeCache::Operation;

  std::unique_ptr<ConversationConfigStore> makeStore(const Config& config = {}) {
    Backends backends{.config = config,
                      .memory = std::make_shared<InMemoryDatabase>(),
                      .cache = GuardedCache::over(cache_, metrics_, clock_, Executor::shared()),
                      .metrics = metrics_,
                      .clock = &clock_};
    return *createConversationConfigStore(backends);
  }
  // Ids that the database was asked for.
  std::int64_t loads() const {
    return metrics_->count("strata_store_calls_total",
                           {{"layer", "database"}, {"operation", "get_many"}}) +
           metrics_->count("strata_store_calls_total",
                           {{"layer", "database"}, {"operation", "get"}});
  }

  testing::FakeClock clock_;
  const std::shared_ptr<testing::FakeCache> cache_ = std::make_shared<testing::FakeCache>(clock_);
  const std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
};

TEST_F(CachedConversationConfigs, CostOneRoundTripAndNoQueryWhenTheyAreWarm) {
  const auto store = makeStore();
  ASSERT_THAT(store->setTenantConfig(kTenant, {.path_max_messages = 7}), IsOk());
  ASSERT_THAT(store->getConfig(kTenant, kUser), IsOk());
  const std::int64_t loads_before = loads();
  cache_->resetCalls();
  EXPECT_EQ(store->getConfig(kTenant, kUser)->path_max_messages, 7);
  EXPECT_EQ(cache_->calls(), 1);
  EXPECT_EQ(cache_->calls(Operation::kGetOrLease), 1);
  EXPECT_EQ(loads(), loads_before);
}

TEST_F(CachedConversationConfigs, ShareTheGlobalAndTheTenantsLevelAmongUsers) {
  const auto store = makeStore();
  ASSERT_THAT(store->getConfig(kTenant, kUser), IsOk());
  EXPECT_EQ(loads(), 3);
  ASSERT_THAT(store->getConfig(kTenant), IsOk());
  EXPECT_EQ(loads(), 3);
  ASSERT_THAT(store->getConfig(kTenant, "9b2d7c10-0000-4000-8000-00000000000c"), IsOk());
  EXPECT_EQ(loads(), 4);
}

TEST_F(CachedConversationConfigs, RememberThatALevelSaysNothingForTheConfiguredTime) {
  Config config;
  config.domain.config_ttl = absl::Seconds(60);
  const auto store = makeStore(config);
  EXPECT_THAT(store->getConfig(kTenant, kUser), IsOkAndHolds(ConversationConfig{}));
  EXPECT_EQ(loads(), 3);
  clock_.advance(absl::Seconds(53));  // 60 s less at most a tenth
  EXPECT_THAT(store->getConfig(kTenant, kUser), IsOkAndHolds(ConversationConfig{}));
  EXPECT_EQ(loads(), 3);
  clock_.advance(absl::Seconds(14));
  EXPECT_THAT(store->getConfig(kTenant, kUser), IsOkAndHolds(ConversationConfig{}));
  EXPECT_EQ(loads(), 6);
}

TEST_F(CachedConversationConfigs, AreNotCachedWhereThatIsSwitchedOff) {
  Config config;
  config.domain.enable_conversation_config_cache = false;
  const auto store = makeStore(config);
  for (int i = 0; i < 2; ++i) ASSERT_THAT(store->getConfig(kTenant, kUser), IsOk());
  EXPECT_EQ(cache_->calls(), 0);
  EXPECT_EQ(loads(), 6);
}

TEST_F(CachedConversationConfigs, StayCachedForOthersWhenOneAsksForAVersion) {
  const auto store = makeStore();
  const auto version = store->setGlobalConfig({.path_max_messages = 7});
  ASSERT_THAT(version, IsOk());
  ASSERT_THAT(store->getConfig(kTenant, kUser), IsOk());
  const std::int64_t loads_before = loads();
  EXPECT_THAT(store->getConfig(kTenant, kUser, {.min_version = Version(version->value() + 1)}),
              IsOk());
  EXPECT_EQ(loads(), loads_before + 3);
  EXPECT_THAT(store->getConfig(kTenant, kUser), IsOk());
  EXPECT_EQ(loads(), loads_before + 3);
}

TEST_F(CachedConversationConfigs, ComeFromTheDatabaseWhileTheCacheIsDown) {
  const auto store = makeStore();
  ASSERT_THAT(store->getConfig(kTenant), IsOk());
  cache_->setDown(true);
  ASSERT_THAT(store->setGlobalConfig({.path_max_messages = 7}), IsOk());
  EXPECT_EQ(store->getConfig(kTenant)->path_max_messages, 7);
  cache_->setDown(false);
  EXPECT_EQ(store->getConfig(kTenant)->path_max_messages, 7);
}

TEST(ConversationConfigStore, StampsTheTimeOfItsClock) {
  testing::FakeClock clock;
  const auto store = makeConversationConfigStore(
      *InMemoryStore<Overrides>::create(std::make_shared<InMemoryDatabase>()), clock);
  clock.advance(absl::Seconds(5));
  ASSERT_THAT(store->setGlobalConfig({.updated_at = kMaxTimestamp}), IsOk());
  EXPECT_EQ((*store->getGlobalOverrides())->updated_at, clock.wallTime());
}

using Mock = testing::MockStore<Overrides>;

TEST(ConversationConfigStore, AsksForAllLevelsAtOnceWithTheCallersOptions) {
  auto mock = std::make_unique<Mock>();
  EXPECT_CALL(*mock, getMany(ElementsAre(Id("global"), Id(kTenant), Id{kTenant, kUser}), _))
      .WillOnce([](absl::Span<const Id>, const ReadOptions& options) {
        EXPECT_EQ(options.consistency, Consistency::kEventual);
        EXPECT_FALSE(options.deadline.isNever());
        return Snapshots<Overrides>(3, Snapshot<Overrides>());
      });
  const auto store = makeConversationConfigStore(std::move(mock));
  EXPECT_THAT(store->getConfig(kTenant, kUser,
                               {.deadline = Deadline::in(absl::Seconds(5)),
                                .consistency = Consistency::kEventual}),
              IsOkAndHolds(ConversationConfig{}));
}

TEST(ConversationConfigStore, FailsWhereALevelCannotBeRead) {
  for (std::size_t bad = 0; bad < 3; ++bad) {
    auto mock = std::make_unique<Mock>();
    Snapshots<Overrides> answers(3, Snapshot<Overrides>());
    answers[bad] = absl::DataLossError("the row is damaged");
    EXPECT_CALL(*mock, getMany).WillOnce(Return(answers));
    EXPECT_THAT(makeConversationConfigStore(std::move(mock))->getConfig(kTenant, kUser),
                StatusIs(absl::StatusCode::kDataLoss, HasSubstr("damaged")));
  }
}

TEST(MockConversationConfigStore, StandsInForAStore) {
  testing::MockConversationConfigStore mock;
  EXPECT_CALL(mock, getConfig(std::string_view("t"), _, _))
      .WillOnce(Return(ConversationConfig{.path_max_messages = 10}));
  ConversationConfigStore& store = mock;
  EXPECT_EQ(store.getConfig("t")->path_max_messages, 10);
}

}  // namespace
}  // namespace strata
