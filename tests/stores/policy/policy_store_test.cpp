#include "strata/cache/lru_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/memory/in_memory_store.h"
#include "strata/testing/mocks/mock_policy_store.h"
#include "tests/stores/policy/policy_store_suite.h"

namespace strata {
namespace {

std::unique_ptr<PolicyStore> inMemory() {
  return makePolicyStore(
      *InMemoryStore<TenantLlmPolicy>::create(std::make_shared<InMemoryDatabase>()));
}

std::unique_ptr<PolicyStore> cachingOverMemory() {
  return makePolicyStore(*CachingStore<TenantLlmPolicy>::create(
      *InMemoryStore<TenantLlmPolicy>::create(std::make_shared<InMemoryDatabase>()),
      std::make_shared<LruCache>(), {.app = "app"}));
}

INSTANTIATE_TEST_SUITE_P(InProcess, PolicyStoreSuite,
                         ::testing::Values(PolicyStack{"InMemory", inMemory},
                                           PolicyStack{"CachingOverLru", cachingOverMemory}),
                         nameOfStack);

TEST(MockPolicyStore, StandsInForAStore) {
  testing::MockPolicyStore mock;
  EXPECT_CALL(mock, getPolicy(std::string_view("t"), ::testing::_))
      .WillOnce(::testing::Return(makeSnapshot(TenantLlmPolicy{.default_model = "m"})));
  PolicyStore& store = mock;
  EXPECT_EQ((*store.getPolicy("t"))->default_model, "m");
}

}  // namespace
}  // namespace strata
