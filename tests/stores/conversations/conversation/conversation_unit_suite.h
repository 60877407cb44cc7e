// What units of work do over both stores.
#pragma once

#include <atomic>
#include <future>

#include "strata/factories/unit_of_work_factory.h"
#include "strata/testing/eventually.h"
#include "tests/stores/conversations/conversation/conversation_fixture.h"

namespace strata {

class ConversationUnitSuite : public ConversationStoresTest {
 protected:
  using Unit = std::unique_ptr<UnitOfWork>;

  struct Made {
    Conversation conversation;
    Message message;
    Path branch;
  };

  Unit begin() { return must(beginUnitOfWork(stores_.backends)); }

  // A conversation with a message and a branch, all in one unit.
  Made makeIn(UnitOfWork& unit) {
    const WriteOptions options{.unit = &unit};
    Made made;
    made.conversation =
        must(conversations_.createConversation({.tenant_id = tenant_, .user_id = owner_}, options));
    made.message = must(conversations_.appendMessage(
        owner(), {.conversation_id = made.conversation.id, .content = "hello"}, options));
    made.branch =
        must(paths_.branchFromMessage(tenant_, made.message.id, {.activate = true}, options));
    return made;
  }

  // What another caller is answered meanwhile; a call that waits for its deadline gets there.
  template <typename Call>
  auto fromOutside(Call call) {
    const Deadline deadline = Deadline::in(absl::Seconds(1), *stores_.clock);
    auto answer = std::async(std::launch::async, [&] { return call(deadline); });
    // A database answers in its own time, and time that flies would end its timeouts.
    if (!isInMemory()) return answer.get();
    EXPECT_TRUE(testing::eventually([&] {
      stores_.clock->advance(absl::Milliseconds(100));
      return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
    }));
    return answer.get();
  }

  std::int64_t hits() const { return stores_.metrics->count("strata_cache_hits_total"); }
  std::int64_t misses() const { return stores_.metrics->count("strata_cache_misses_total"); }
  std::optional<std::string> titleOf(const std::string& conversation) {
    return must(conversations_.getConversation(owner(), conversation))->title;
  }
};

TEST_P(ConversationUnitSuite, SeesWhatItWroteBeforeTheCommit) {
  Unit unit = begin();
  const Made made = makeIn(*unit);
  const ReadOptions options{.unit = unit.get()};
  const std::string& id = made.conversation.id;
  const auto found = must(conversations_.getConversation(owner(), id, options));
  EXPECT_EQ(found->active_path_id, made.branch.id);
  EXPECT_EQ(must(conversations_.listConversations(owner(), {}, options)).conversations.size(), 1U);
  EXPECT_THAT(contents(must(conversations_.getMessages(owner(), id, {}, options))),
              ElementsAre("hello"));
  EXPECT_THAT(contents(must(paths_.resolvePathMessages(tenant_, made.branch.id, {}, options))),
              ElementsAre("hello"));
  EXPECT_EQ(must(paths_.getActivePath(tenant_, id, options)).id, made.branch.id);
  EXPECT_EQ(must(paths_.listPaths(tenant_, id, {}, options)).size(), 2U);
}

TEST_P(ConversationUnitSuite, ShowsAllOfItAfterTheCommit) {
  Unit unit = begin();
  const Made made = makeIn(*unit);
  ASSERT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(latest(made.conversation.id).active_path_id, made.branch.id);
  EXPECT_EQ(latest(made.conversation.id).last_message_at, made.message.created_at);
  EXPECT_THAT(contents(must(paths_.resolvePathMessages(tenant_, made.branch.id))),
              ElementsAre("hello"));
  EXPECT_EQ(message(made.conversation.id, made.message.id).branched_to_paths,
            std::vector{made.branch.id});
}

TEST_P(ConversationUnitSuite, LeavesNothingAfterARollback) {
  Unit unit = begin();
  const Made made = makeIn(*unit);
  unit->rollback();
  EXPECT_THAT(conversations_.getConversation(owner(), made.conversation.id), notFound());
  EXPECT_THAT(conversations_.getMessages(owner(), made.conversation.id), notFound());
  EXPECT_THAT(paths_.getPath(tenant_, made.branch.id), notFound());
  EXPECT_THAT(paths_.pinMessage(tenant_, made.message.id, {}), notFound());
  EXPECT_THAT(must(conversations_.listConversations(owner())).conversations, IsEmpty());
}

// In memory those outside waited for the end of the unit, or until their time was over.
TEST_P(ConversationUnitSuite, ShowsThoseOutsideWhatWasCommittedBeforeAndTheyDoNotWait) {
  const Conversation before = converse();
  say(before.id, "old");
  Unit unit = begin();
  const Made made = makeIn(*unit);
  must(conversations_.appendMessage(owner(), {.conversation_id = before.id, .content = "new"},
                                    {.unit = unit.get()}));
  Unit other = begin();
  const auto expect_old = [&] {
    const auto from = [&](UnitOfWork* of) {
      const ReadOptions options{.deadline = Deadline::in(absl::Seconds(5), *stores_.clock),
                                .unit = of};
      EXPECT_THAT(conversations_.getConversation(owner(), made.conversation.id, options),
                  notFound());
      EXPECT_THAT(paths_.getPath(tenant_, made.branch.id, options), notFound());
      EXPECT_EQ(must(conversations_.listConversations(owner(), {}, options)).conversations.size(),
                1U);
      EXPECT_THAT(contents(must(conversations_.getMessages(owner(), before.id, {}, options))),
                  ElementsAre("old"));
    };
    from(nullptr);
    from(other.get());
  };
  expect_old();
  must(conversations_.appendMessage(owner(), {.conversation_id = before.id, .content = "newer"},
                                    {.unit = unit.get()}));
  expect_old();
  ASSERT_THAT(unit->commit(), IsOk());
  EXPECT_THAT(conversations_.getConversation(owner(), made.conversation.id), IsOk());
  EXPECT_THAT(contents(must(conversations_.getMessages(owner(), before.id))),
              ElementsAre("old", "new", "newer"));
}

TEST_P(ConversationUnitSuite, NumbersMessagesWithinTheUnit) {
  const Conversation made = converse();
  say(made.id, "1");
  Unit unit = begin();
  for (int i = 2; i <= 4; ++i) {
    const Message added = must(
        conversations_.appendMessage(owner(), {.conversation_id = made.id}, {.unit = unit.get()}));
    EXPECT_EQ(added.sequence_in_path, i);
  }
  unit->rollback();
  EXPECT_EQ(say(made.id, "2").sequence_in_path, 2) << "what was undone leaves no gap";
}

// A rule that forbids something has written nothing, so the unit goes on.
TEST_P(ConversationUnitSuite, StaysUsableAfterARuleForbadeSomething) {
  const Conversation made = converse();
  const std::string main = *made.active_path_id;
  const Message said = say(made.id, "hello");
  const Path side = branch(said.id);
  Unit unit = begin();
  const WriteOptions options{.unit = unit.get()};
  EXPECT_THAT(paths_.deletePath(tenant_, main, PathDeletion::kSoft, options), forbidden());
  EXPECT_THAT(paths_.deletePath(tenant_, main, PathDeletion::kHard, options), forbidden());
  EXPECT_THAT(
      paths_.mergePath(tenant_, {.source_path_id = main, .target_path_id = side.id}, options),
      forbidden());
  EXPECT_THAT(paths_.branchFromMessage(tenant_, newId(), {}, options), notFound());
  EXPECT_THAT(paths_.branchFromMessage(tenant_, said.id, {.id = side.id}, options), inUseAlready());
  EXPECT_THAT(conversations_.appendMessage(owner(), {.conversation_id = newId()}, options),
              notFound());
  EXPECT_THAT(
      conversations_.appendMessage(owner(), {.conversation_id = made.id, .id = said.id}, options),
      inUseAlready());
  EXPECT_THAT(conversations_.updateSharing(colleague(), made.id, {.title = "x"}, options),
              notFound());
  EXPECT_THAT(conversations_.appendMessage(
                  owner(), {.conversation_id = made.id, .content = "after"}, options),
              IsOk());
  ASSERT_THAT(unit->commit(), IsOk());
  EXPECT_THAT(contents(must(conversations_.getMessages(owner(), made.id))),
              ElementsAre("hello", "after"));
}

// A call that asks for two things, of which the rules forbid the second, does not do the first.
TEST_P(ConversationUnitSuite, StaysUsableAfterARuleForbadeHalfOfAnUpdate) {
  const Conversation made = converse();
  Unit unit = begin();
  const WriteOptions options{.unit = unit.get()};
  EXPECT_THAT(paths_.updatePath(tenant_, *made.active_path_id, {.name = "new", .is_active = false},
                                options),
              forbidden());
  EXPECT_THAT(conversations_.appendMessage(owner(), {.conversation_id = made.id}, options), IsOk());
  EXPECT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(primary(made.id).name, "Main");
}

TEST_P(ConversationUnitSuite, StaysUsableAfterTheIdOfAConversationWasInUse) {
  const Conversation made = converse();
  Unit unit = begin();
  const WriteOptions options{.unit = unit.get()};
  EXPECT_THAT(conversations_.createConversation({.tenant_id = tenant_, .id = made.id}, options),
              inUseAlready());
  EXPECT_THAT(conversations_.createConversation({.tenant_id = tenant_}, options), IsOk());
  EXPECT_THAT(unit->commit(), IsOk());
}

}  // namespace strata
