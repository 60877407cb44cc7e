// What every ConversationStore does with conversations that are to be compacted.
#pragma once

#include "tests/stores/conversations/conversation/conversation_fixture.h"

namespace strata {

class ConversationCompactionSuite : public ConversationStoresTest {
 protected:
  // A conversation with so many messages.
  std::string talk(int messages) {
    std::string id = converse().id;
    for (int i = 0; i < messages; ++i) {
      must(conversations_.appendMessage(owner(), {.conversation_id = id, .content = "m"}));
    }
    return id;
  }
  std::vector<std::string> toCompact(std::int64_t limit = 50) {
    return idsOf(must(conversations_.getConversationsNeedingCompaction(tenant_, limit)));
  }
};

TEST_P(ConversationCompactionSuite, WantsToCompactMoreThanFiftyMessagesThatAreNotDeleted) {
  talk(50);
  const std::string enough = talk(51);
  const std::string deleted = talk(51);
  const auto some = must(conversations_.getMessages(owner(), deleted, {.limit = 1}));
  must(conversations_.softDeleteMessage(owner(), some.front().id));
  EXPECT_THAT(toCompact(), ElementsAre(enough));
  say(deleted, "one more");
  EXPECT_EQ(must(conversations_.getConversationsNeedingCompaction(tenant_)),
            (std::vector<Conversation>{latest(deleted), latest(enough)}));
}

TEST_P(ConversationCompactionSuite, CountsTheMessagesOfAllPathsForCompaction) {
  const std::string id = talk(50);
  const auto last = must(conversations_.getMessages(owner(), id, {.limit = 1}));
  const Path side = branch(last.front().id);
  EXPECT_THAT(toCompact(), IsEmpty());
  say(id, "on the side", side.id);
  EXPECT_THAT(toCompact(), ElementsAre(id));
}

TEST_P(ConversationCompactionSuite, DoesNotWantToCompactWhatIsArchivedOrInactiveForAWeek) {
  const std::string id = talk(51);
  must(conversations_.setArchivedState(owner(), id, true));
  EXPECT_THAT(toCompact(), IsEmpty());
  must(conversations_.setArchivedState(owner(), id, false));
  EXPECT_THAT(toCompact(), ElementsAre(id));
  stores_.clock->advance(absl::Hours(7 * 24) - absl::Seconds(1));
  EXPECT_THAT(toCompact(), ElementsAre(id));
  stores_.clock->advance(absl::Seconds(2));
  EXPECT_THAT(toCompact(), IsEmpty());
  say(id, "again");
  EXPECT_THAT(toCompact(), ElementsAre(id));
}

TEST_P(ConversationCompactionSuite, DoesNotWantToCompactAgainWithinADay) {
  const std::string id = talk(51);
  tick();
  EXPECT_THAT(conversations_.recordCompaction(tenant_, id), IsOk());
  EXPECT_EQ(latest(id).last_compacted_at, now());
  EXPECT_THAT(toCompact(), IsEmpty());
  stores_.clock->advance(absl::Hours(24) - absl::Seconds(1));
  EXPECT_THAT(toCompact(), IsEmpty());
  stores_.clock->advance(absl::Seconds(2));
  EXPECT_THAT(toCompact(), ElementsAre(id));
}

TEST_P(ConversationCompactionSuite, WantsToCompactFirstWhatNeverWasThenWhatWasLongestAgo) {
  const std::string a = talk(51);
  const std::string b = talk(51);
  const std::string c = talk(51);
  const std::string d = talk(51);
  tick();
  EXPECT_THAT(conversations_.recordCompaction(tenant_, b), IsOk());
  tick();
  EXPECT_THAT(conversations_.recordCompaction(tenant_, a), IsOk());
  stores_.clock->advance(absl::Hours(25));
  EXPECT_THAT(toCompact(), ElementsAre(d, c, b, a));
  EXPECT_THAT(toCompact(3), ElementsAre(d, c, b));
}

}  // namespace strata
