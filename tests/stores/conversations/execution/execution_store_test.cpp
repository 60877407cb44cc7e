#include "stores/conversations/execution/in_memory_execution_tables.h"
#include "strata/testing/mocks/mock_execution_store.h"
#include "tests/stores/conversations/execution/execution_store_suite.h"

namespace strata {
namespace {

INSTANTIATE_TEST_SUITE_P(InProcess, ExecutionStoreSuite, ::testing::Values(inMemoryStack()),
                         nameOfStack);
INSTANTIATE_TEST_SUITE_P(InProcess, ConcurrentExecutionStores, ::testing::Values(inMemoryStack()),
                         nameOfStack);

// What a foreign key does in PostgreSQL.
TEST(InMemoryExecutionTables, RemovesWhatHangsOnAPath) {
  const Backends backends = inMemoryStack().connect(Clock::system());
  const auto store = createExecutionStore(backends).value();
  const std::string tenant = anyUuid();
  const std::string conversation = anyUuid();
  const std::vector<std::string> paths = {anyUuid(), anyUuid()};
  insertConversation(backends, tenant, conversation, paths);
  for (const std::string& path : {paths[0], paths[0], paths[1]}) {
    const auto made = store->createContext(
        {.tenant_id = tenant, .conversation_id = conversation, .path_id = path});
    ASSERT_THAT(made, IsOk());
    if (path == paths[0]) {
      ASSERT_THAT(store->terminateContext(tenant, made->context.id), IsOk());
    }
  }
  const auto transaction = internal::InMemoryTransaction::begin(backends.memory);
  auto& data = backends.memory->tables().data<internal::InMemoryConversations>();
  const auto removed = transaction->changeData({}, Clock::system(), [&] {
    internal::InMemoryChanges changes(transaction.get());
    internal::removeExecutionsOf(data, changes, *data.paths.find({tenant, paths[0]}));
    return absl::OkStatus();
  });
  ASSERT_THAT(removed.status, testing::IsOk());
  ASSERT_EQ(data.executions.all().size(), 1U);
  EXPECT_EQ(data.executions.all().begin()->second.path_id, paths[1]);
  EXPECT_EQ(data.executions_of.all().size(), 1U);
}

TEST(MockExecutionStore, StandsInForAStore) {
  testing::MockExecutionStore mock;
  EXPECT_CALL(mock, createContext)
      .WillOnce(::testing::Return(CreatedExecutionContext{.context = {}, .created = true}));
  ExecutionStore& store = mock;
  EXPECT_TRUE(store.createContext({})->created);
}

}  // namespace
}  // namespace strata
