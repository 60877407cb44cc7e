#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

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

// A call that forgot the unit in whose function it was made waited five seconds for its end.
TEST_P(InMemoryUnit, RefusesACallOfItsFunctionThatForgetsItAtOnce) {
  const Conversation made = converse();
  const NewMessage message{.conversation_id = made.id};
  const absl::Status ran = runUnit(stores_.backends, [&](UnitOfWork& unit) {
    const auto added = conversations_.appendMessage(owner(), message, {.unit = &unit});
    if (!added.ok()) return added.status();
    EXPECT_THAT(conversations_.getConversation(owner(), made.id), IsOk()) << "readers do not wait";
    return conversations_.appendMessage(owner(), message).status();
  });
  EXPECT_THAT(ran, StatusIs(absl::StatusCode::kFailedPrecondition,
                            HasSubstr("name the unit in the options")));
  EXPECT_EQ(say(made.id, "next").sequence_in_path, 1) << "it was rolled back";
}

// Each unit appends two messages, and half of them are rolled back: readers see two or none of each.
TEST_P(InMemoryUnit, IsSeenAsAWholeByReadersThatDoNotWait) {
  const Conversation made = converse();
  std::atomic<bool> is_done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!is_done) {
        const auto read = conversations_.getMessages(owner(), made.id, {.limit = 1000});
        ASSERT_THAT(read, IsOk());
        EXPECT_EQ(read->size() % 2, 0U);
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    Unit unit = begin();
    for (int j = 0; j < 2; ++j) {
      must(conversations_.appendMessage(owner(), {.conversation_id = made.id},
                                        {.unit = unit.get()}));
    }
    if (i % 2 == 0) {
      EXPECT_THAT(unit->commit(), IsOk());
    }
  }
  is_done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(must(conversations_.getMessages(owner(), made.id, {.limit = 1000})).size(), 100U);
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

// What an authorization service threw went through the store, out of a change that was being made.
TEST(ConversationStore, AnAuthorizationThatThrowsIsInternalAndNothingIsChanged) {
  struct Throwing final : AuthorizationService {
    Access decide(const Conversation& conversation, const Caller& caller,
                  ConversationAction action) override {
      if (throws) throw std::runtime_error("hunter2");
      return RowAuthorization().decide(conversation, caller, action);
    }
    bool throws = false;
  };
  const auto authorization = std::make_shared<Throwing>();
  const Backends backends = must(connect(Config()));
  const auto store = must(createConversationStore(backends, {.authorization = authorization}));
  const std::string tenant = "7b0d5a2e-9a55-4c0e-8f57-0d1f0a6f6f01";
  const Conversation made = must(store->createConversation({.tenant_id = tenant}));
  authorization->throws = true;
  const auto is_thrown =
      StatusIs(absl::StatusCode::kInternal,
               ::testing::AllOf(::testing::HasSubstr("std::runtime_error"),
                                ::testing::Not(::testing::HasSubstr("hunter2"))));
  EXPECT_THAT(store->getConversation({tenant, {}}, made.id), is_thrown);
  EXPECT_THAT(store->setArchivedState({tenant, {}}, made.id, true), is_thrown);
  authorization->throws = false;
  EXPECT_THAT(store->getConversation({tenant, {}}, made.id), IsOk());
}

}  // namespace
}  // namespace strata
