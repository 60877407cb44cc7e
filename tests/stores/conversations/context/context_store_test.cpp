#include "strata/testing/mocks/mock_context_store.h"
#include "tests/stores/conversations/context/context_store_suite.h"

namespace strata {
namespace {

INSTANTIATE_TEST_SUITE_P(InProcess, ContextStoreSuite, ::testing::Values(inMemoryStack()),
                         nameOfStack);

TEST(ContextStore, CountsItsOperations) {
  const auto metrics = std::make_shared<InMemoryMetrics>();
  const auto backends =
      connect(Config(), {.metrics = metrics, .memory = std::make_shared<InMemoryDatabase>()});
  const auto store = createContextStore(*backends).value();
  EXPECT_THAT(store->load(anyUuid(), anyUuid()), IsOk());
  EXPECT_THAT(store->mergeActiveNodeIds(anyUuid(), anyUuid(), {}),
              StatusIs(absl::StatusCode::kNotFound));
  const auto calls = [&](const char* operation, const char* result) {
    return metrics->count("strata_store_calls_total", {{"store", "conversation_contexts"},
                                                       {"layer", "store"},
                                                       {"operation", operation},
                                                       {"result", result}});
  };
  EXPECT_EQ(calls("load", "ok"), 1);
  EXPECT_EQ(calls("merge_active_node_ids", "absent"), 1);
}

TEST(MockContextStore, StandsInForAStore) {
  testing::MockContextStore mock;
  EXPECT_CALL(mock, load).WillOnce(::testing::Return(ConversationContext{.trace_id = "t"}));
  ContextStore& store = mock;
  EXPECT_EQ((*store.load("t", "c"))->trace_id, "t");
}

}  // namespace
}  // namespace strata
