// What every PathStore does with paths themselves, on whatever it stands.
#pragma once

#include "tests/stores/conversations/conversation/conversation_fixture.h"

namespace strata {

class PathStoreSuite : public ConversationStoresTest {
 protected:
  // The primary path of a new conversation, with so many messages: "m1", "m2", …
  struct Talk {
    std::string id;
    std::string main;
    std::vector<Message> messages;
  };
  Talk talk(int messages = 3) {
    const Conversation made = converse();
    Talk talk{.id = made.id, .main = made.active_path_id.value_or(""), .messages = {}};
    for (int i = 1; i <= messages; ++i) {
      talk.messages.push_back(say(made.id, "m" + std::to_string(i), talk.main));
    }
    return talk;
  }
  Path path(const std::string& id) { return must(paths_.getPath(tenant_, id)); }
  std::vector<std::string> list(const std::string& conversation, const PathQuery& query = {}) {
    return idsOf(must(paths_.listPaths(tenant_, conversation, query)));
  }
  std::vector<std::string> resolved(const std::string& path, const ResolveQuery& query = {}) {
    return contents(must(paths_.resolvePathMessages(tenant_, path, query)));
  }
};

TEST_P(PathStoreSuite, CreatesAPathThatBeginsByItself) {
  const Talk chat = talk();
  tick();
  const NewPath given{.conversation_id = chat.id,
                      .name = "größte 🎉'; DROP TABLE conversation_paths; --",
                      .description = "",
                      .id = newId()};
  const Path made = must(paths_.createPath(tenant_, given));
  EXPECT_EQ(made, (Path{.id = *given.id,
                        .conversation_id = chat.id,
                        .tenant_id = tenant_,
                        .name = given.name,
                        .description = "",
                        .created_at = now(),
                        .updated_at = now()}));
  EXPECT_EQ(path(made.id), made);
  EXPECT_EQ(latest(chat.id).active_path_id, chat.main);
  EXPECT_EQ(must(paths_.createPath(tenant_, {.conversation_id = chat.id})).name, std::nullopt);
}

TEST_P(PathStoreSuite, CreatesAPathThatBranchesFromAMessage) {
  const Talk chat = talk();
  const Path made =
      must(paths_.createPath(tenant_, {.conversation_id = chat.id,
                                       .parent_path_id = chat.main,
                                       .branch_point_message_id = chat.messages[1].id}));
  EXPECT_EQ(made.parent_path_id, chat.main);
  EXPECT_EQ(made.branch_point_message_id, chat.messages[1].id);
  EXPECT_EQ(path(made.id), made);
  const Message origin = message(chat.id, chat.messages[1].id);
  EXPECT_TRUE(origin.is_branch_point);
  EXPECT_EQ(origin.branched_to_paths, std::vector{made.id});
  EXPECT_THAT(resolved(made.id), ElementsAre("m1", "m2"));
}

TEST_P(PathStoreSuite, CreatesNoPathOnWhatIsNotTheParentsOwn) {
  const Talk chat = talk();
  const Talk other = talk();
  const Path side = branch(chat.messages[0].id);
  const auto before = stateOf(chat.id);
  const auto create = [&](const std::string& parent, const std::string& message) {
    return paths_.createPath(
        tenant_,
        {.conversation_id = chat.id, .parent_path_id = parent, .branch_point_message_id = message});
  };
  EXPECT_THAT(create(side.id, chat.messages[0].id), forbidden()) << "it is the parent's parent's";
  EXPECT_THAT(create(chat.main, other.messages[0].id), forbidden());
  EXPECT_THAT(create(other.main, other.messages[0].id), notFound()) << "no path of that one";
  EXPECT_THAT(create(newId(), chat.messages[0].id), notFound());
  EXPECT_THAT(create(chat.main, newId()), notFound());
  EXPECT_EQ(stateOf(chat.id), before);
}

TEST_P(PathStoreSuite, RefusesTheIdOfAPathOfAnyConversationOfTheTenant) {
  const Talk chat = talk();
  const Talk other = talk();
  const auto before = stateOf(chat.id);
  EXPECT_THAT(paths_.createPath(tenant_, {.conversation_id = chat.id, .id = upper(other.main)}),
              inUseAlready());
  EXPECT_THAT(paths_.branchFromMessage(tenant_, chat.messages[0].id, {.id = chat.main}),
              inUseAlready());
  EXPECT_EQ(stateOf(chat.id), before);
}

TEST_P(PathStoreSuite, DoesNotFindWhatDoesNotExist) {
  const std::string none = newId();
  const Talk chat = talk();
  EXPECT_THAT(paths_.createPath(tenant_, {.conversation_id = none}), notFound());
  EXPECT_THAT(paths_.getPath(tenant_, none), notFound());
  EXPECT_THAT(paths_.listPaths(tenant_, none), notFound());
  EXPECT_THAT(paths_.updatePath(tenant_, none, {.name = "x"}), notFound());
  EXPECT_THAT(paths_.deletePath(tenant_, none, PathDeletion::kSoft), notFound());
  EXPECT_THAT(paths_.deletePath(tenant_, none, PathDeletion::kHard), notFound());
  EXPECT_THAT(paths_.resolvePathMessages(tenant_, none), notFound());
  EXPECT_THAT(paths_.getFullPathResolution(tenant_, none), notFound());
  EXPECT_THAT(paths_.getActivePath(tenant_, none), notFound());
  EXPECT_THAT(paths_.setActivePath(tenant_, none, chat.main), notFound());
  EXPECT_THAT(paths_.setActivePath(tenant_, chat.id, none), notFound());
  EXPECT_THAT(paths_.branchFromMessage(tenant_, none), notFound());
  EXPECT_THAT(paths_.getBranchPointsForPath(tenant_, none), notFound());
  EXPECT_THAT(paths_.pinMessage(tenant_, none, {}), notFound());
  EXPECT_THAT(paths_.unpinMessage(tenant_, none), notFound());
  EXPECT_THAT(paths_.getPinnedMessages(tenant_, none), notFound());
  EXPECT_THAT(paths_.getPinnedMessageCount(tenant_, none), notFound());
  EXPECT_THAT(paths_.getPrimaryPath(tenant_, none), notFound());
  EXPECT_THAT(paths_.ensurePrimaryPath(tenant_, none), notFound());
}

// ---- Lists ----

TEST_P(PathStoreSuite, ListsThePrimaryPathFirstThenTheOldest) {
  const Talk chat = talk();
  const std::string a = branch(chat.messages[0].id).id;
  const std::string b = branch(chat.messages[0].id).id;
  tick();
  const std::string c = must(paths_.createPath(tenant_, {.conversation_id = chat.id})).id;
  EXPECT_THAT(list(chat.id), ElementsAre(chat.main, a, b, c));
  stores_.clock->jumpWallClock(-absl::Hours(1));
  const std::string d = branch(chat.messages[0].id).id;
  EXPECT_THAT(list(chat.id), ElementsAre(chat.main, a, b, c, d)) << "times never run backwards";
}

TEST_P(PathStoreSuite, ListsArchivedPathsOnlyWhenAsked) {
  const Talk chat = talk();
  const std::string side = branch(chat.messages[0].id).id;
  must(paths_.updatePath(tenant_, side, {.is_active = false}));
  EXPECT_THAT(list(chat.id), ElementsAre(chat.main));
  EXPECT_THAT(list(chat.id, {.include_inactive = true}), ElementsAre(chat.main, side));
}

TEST_P(PathStoreSuite, ListsRootsOrThoseThatBranchFromAPath) {
  const Talk chat = talk();
  const std::string side = branch(chat.messages[0].id).id;
  const std::string deep = branch(say(chat.id, "s1", side).id).id;
  tick();
  const std::string root = must(paths_.createPath(tenant_, {.conversation_id = chat.id})).id;
  const auto of = [&](const std::string& parent) {
    return list(chat.id, {.parent = PathParent::kOf, .parent_path_id = parent});
  };
  EXPECT_THAT(list(chat.id, {.parent = PathParent::kRoots}), ElementsAre(chat.main, root));
  EXPECT_THAT(of(chat.main), ElementsAre(side));
  EXPECT_THAT(of(side), ElementsAre(deep));
  EXPECT_THAT(of(deep), IsEmpty());
  EXPECT_THAT(list(chat.id), ElementsAre(chat.main, side, deep, root));
}

TEST_P(PathStoreSuite, CountsItsOwnMessagesAndTheBranchesFromIt) {
  const Talk chat = talk(2);
  const std::string a = branch(chat.messages[0].id).id;
  const std::string b = branch(chat.messages[1].id).id;
  const std::string said = say(chat.id, "a1", a).id;
  branch(said);
  EXPECT_EQ(path(chat.main).message_count, 2);
  EXPECT_EQ(path(chat.main).branch_count, 2);
  EXPECT_EQ(path(a).message_count, 1);
  EXPECT_EQ(path(a).branch_count, 1);
  must(conversations_.softDeleteMessage(owner(), said));
  EXPECT_EQ(path(a).message_count, 0);
  EXPECT_THAT(paths_.deletePath(tenant_, b, PathDeletion::kHard), IsOk());
  EXPECT_EQ(path(chat.main).branch_count, 1);
  EXPECT_EQ(must(paths_.listPaths(tenant_, chat.id)).front(), path(chat.main));
}

// ---- Primary and active ----

TEST_P(PathStoreSuite, EnsuresThePrimaryPathThatThereIs) {
  const Talk chat = talk();
  EXPECT_THAT(paths_.ensurePrimaryPath(tenant_, chat.id), IsOkAndHolds(primary(chat.id)));
  EXPECT_EQ(list(chat.id).size(), 1U);
}

TEST_P(PathStoreSuite, SetsTheActivePath) {
  const Talk chat = talk();
  const std::string side = branch(chat.messages[0].id).id;
  EXPECT_EQ(must(paths_.getActivePath(tenant_, chat.id)).id, chat.main);
  tick();
  EXPECT_EQ(must(paths_.setActivePath(tenant_, chat.id, side)).id, side);
  EXPECT_EQ(must(paths_.getActivePath(tenant_, chat.id)).id, side);
  EXPECT_EQ(latest(chat.id).active_path_id, side);
  EXPECT_EQ(must(paths_.setActivePath(tenant_, chat.id, side)).id, side);
  EXPECT_EQ(must(paths_.setActivePath(tenant_, chat.id, chat.main)).id, chat.main);
}

TEST_P(PathStoreSuite, ActivatesNoArchivedPathAndNoneOfAnotherConversation) {
  const Talk chat = talk();
  const Talk other = talk();
  const std::string side = branch(chat.messages[0].id).id;
  must(paths_.updatePath(tenant_, side, {.is_active = false}));
  const auto before = stateOf(chat.id);
  EXPECT_THAT(paths_.setActivePath(tenant_, chat.id, side), forbidden());
  EXPECT_THAT(paths_.setActivePath(tenant_, chat.id, other.main), forbidden());
  EXPECT_EQ(stateOf(chat.id), before);
}

}  // namespace strata
