// createConversationStore on real servers: the suites, and what a unit of work does there.
#include <gtest/gtest.h>

#include "tests/stores/conversations/conversation/conversation_server_stacks.h"
#include "tests/stores/conversations/conversation/conversation_suites.h"

namespace strata {
namespace {

using testing::sharedServers;

STRATA_INSTANTIATE_CONVERSATION_SUITES(OnServers,
                                       ::testing::Values(onPostgres(), onPostgresAndLru(),
                                                         onPostgresAndRedis()));

class UnitOnServers : public ConversationUnitSuite {};

INSTANTIATE_TEST_SUITE_P(OnServers, UnitOnServers,
                         ::testing::Values(onPostgres(), onPostgresAndRedis()), nameOfStack);

// A write that fails may have done half of its work: nothing but a rollback is left.
TEST_P(UnitOnServers, IsPoisonedByAWriteThatFailed) {
  const Conversation made = converse({.title = "old"});
  EXPECT_EQ(titleOf(made.id), "old");
  const auto before = stateOf(made.id);
  Unit unit = begin();
  const WriteOptions options{.unit = unit.get()};
  const NewMessage message{.conversation_id = made.id, .content = "hello"};
  must(conversations_.appendMessage(owner(), message, options));
  ASSERT_THAT(sharedServers().postgres().query(
                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in "
                  "transaction'"),
              IsOk());
  EXPECT_FALSE(conversations_.appendMessage(owner(), message, options).ok());
  EXPECT_THAT(conversations_.appendMessage(owner(), message, options), forbidden());
  EXPECT_THAT(paths_.createPath(tenant_, {.conversation_id = made.id}, options), forbidden());
  EXPECT_THAT(unit->commit(), forbidden());
  EXPECT_EQ(stateOf(made.id), before);
  EXPECT_EQ(titleOf(made.id), "old");
  EXPECT_EQ(say(made.id, "next").sequence_in_path, 1);
}

// B-58: to another process, which shares nothing but the servers.
TEST(ConversationsOfTwoProcesses, SeeACommittedUnitAndNoneThatWasRolledBack) {
  const ConversationStores one = makeConversationStores(postgresAndRedis());
  const ConversationStores other = makeConversationStores(postgresAndRedis());
  const Caller caller{newId(), newId()};
  const std::string id =
      must(one.conversations->createConversation(
               {.tenant_id = caller.tenant_id, .user_id = caller.user_id, .title = "old"}))
          .id;
  const auto title = [&] { return must(other.conversations->getConversation(caller, id))->title; };
  EXPECT_EQ(title(), "old");
  for (const bool commit : {false, true}) {
    const auto unit = must(beginUnitOfWork(one.backends));
    must(one.conversations->updateSharing(caller, id, {.title = "new"}, {.unit = unit.get()}));
    EXPECT_EQ(title(), "old");
    if (commit) {
      ASSERT_THAT(unit->commit(), IsOk());
    } else {
      unit->rollback();
    }
    EXPECT_EQ(title(), commit ? "new" : "old");
  }
}

}  // namespace
}  // namespace strata
