// When the cached copy of a conversation is read and when it is deleted, by both stores, within
// units of work and without.
#pragma once

#include "tests/stores/conversations/conversation/conversation_unit_suite.h"

namespace strata {

TEST_P(ConversationUnitSuite, ReadsAConversationFromTheCacheWhereThereIsOne) {
  const Conversation made = converse();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(*must(conversations_.getConversation(owner(), made.id)), made);
  }
  EXPECT_EQ(hits(), isCached() ? 2 : 0);
  EXPECT_EQ(misses(), isCached() ? 1 : 0);
}

// B-17
TEST_P(ConversationUnitSuite, DeletesTheCachedCopyByTheWritesOfBothStores) {
  const Conversation made = converse();
  titleOf(made.id);
  titleOf(made.id);
  const Message said = say(made.id, "hello");
  EXPECT_EQ(must(conversations_.getConversation(owner(), made.id))->last_message_at, now());
  const Path side = branch(said.id, {.activate = true});
  EXPECT_EQ(must(conversations_.getConversation(owner(), made.id))->active_path_id, side.id);
  EXPECT_THAT(paths_.deletePath(tenant_, side.id, PathDeletion::kHard), IsOk());
  EXPECT_EQ(must(conversations_.getConversation(owner(), made.id))->active_path_id,
            made.active_path_id);
  must(conversations_.updateSharing(owner(), made.id, {.title = "new"}));
  EXPECT_EQ(titleOf(made.id), "new");
  EXPECT_EQ(hits(), isCached() ? 1 : 0);
}

// B-58
TEST_P(ConversationUnitSuite, DeletesTheCachedCopyAfterTheCommitAndNotBefore) {
  const Conversation made = converse({.title = "old"});
  EXPECT_EQ(titleOf(made.id), "old");
  Unit unit = begin();
  must(conversations_.updateSharing(owner(), made.id, {.title = "new"}, {.unit = unit.get()}));
  const auto inside = must(conversations_.getConversation(owner(), made.id, {.unit = unit.get()}));
  EXPECT_EQ(inside->title, "new");
  if (isCached()) {
    EXPECT_EQ(titleOf(made.id), "old");
    EXPECT_EQ(hits(), 1);
  }
  ASSERT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(titleOf(made.id), "new");
  EXPECT_EQ(hits(), isCached() ? 1 : 0);
}

// B-58
TEST_P(ConversationUnitSuite, LeavesTheCachedCopyAloneWhenItIsRolledBack) {
  const Conversation made = converse({.title = "old"});
  const Message said = say(made.id, "hello");
  EXPECT_EQ(titleOf(made.id), "old");
  Unit unit = begin();
  const WriteOptions options{.unit = unit.get()};
  must(conversations_.updateSharing(owner(), made.id, {.title = "new"}, options));
  must(paths_.branchFromMessage(tenant_, said.id, {.activate = true}, options));
  unit->rollback();
  EXPECT_EQ(titleOf(made.id), "old");
  EXPECT_EQ(hits(), isCached() ? 1 : 0);
  EXPECT_EQ(misses(), isCached() ? 1 : 0);
}

}  // namespace strata
