#include "tests/stores/conversations/conversation/conversation_memory_stacks.h"
#include "tests/stores/conversations/conversation/conversation_suites.h"

namespace strata {
namespace {

STRATA_INSTANTIATE_CONVERSATION_SUITES(InProcess,
                                       ::testing::Values(inMemory(), cachingOverLruInMemory()));

// In memory a unit of work holds the turn to write, for which others wait.
class InMemoryUnit : public ConversationUnitSuite {};

TEST_P(InMemoryUnit, MakesAWriterOutsideWaitNoLongerThanItsDeadline) {
  const Conversation made = converse();
  Unit unit = begin();
  must(conversations_.appendMessage(owner(), {.conversation_id = made.id}, {.unit = unit.get()}));
  const auto late = fromOutside([&](Deadline deadline) {
    return conversations_.appendMessage(owner(), {.conversation_id = made.id},
                                        {.deadline = deadline});
  });
  EXPECT_THAT(late, StatusIs(absl::StatusCode::kDeadlineExceeded));
  ASSERT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(say(made.id, "next").sequence_in_path, 2);
}

INSTANTIATE_TEST_SUITE_P(InProcess, InMemoryUnit,
                         ::testing::Values(inMemory(), cachingOverLruInMemory()), nameOfStack);

TEST(ConversationStoreInMemory, KeepsStoresOfOneMemoryTogetherAndOthersApart) {
  const Config config;
  const auto memory = std::make_shared<InMemoryDatabase>();
  const Backends one = must(connect(config, {.memory = memory}));
  const Backends same = must(connect(config, {.memory = memory}));
  const Backends other = must(connect(config, {.memory = std::make_shared<InMemoryDatabase>()}));
  const std::string tenant = newId();
  const Conversation made =
      must(must(createConversationStore(one))->createConversation({.tenant_id = tenant}));
  EXPECT_THAT(must(createConversationStore(same))->getConversation({tenant, {}}, made.id), IsOk());
  EXPECT_THAT(must(createPathStore(same))->getPrimaryPath(tenant, made.id), IsOk());
  EXPECT_THAT(must(createPathStore(other))->getPrimaryPath(tenant, made.id), notFound());
}

}  // namespace
}  // namespace strata
