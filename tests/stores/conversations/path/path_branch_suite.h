// What every PathStore does with branches: how they begin, and what they show.
#pragma once

#include "tests/stores/conversations/path/path_suite.h"

namespace strata {

TEST_P(PathStoreSuite, BranchesFromAMessage) {
  const Talk chat = talk();
  tick();
  const Message& origin = chat.messages[1];
  const std::string id = newId();
  const Path made = must(paths_.branchFromMessage(
      tenant_, origin.id, {.name = "What if", .description = "…", .id = upper(id)}));
  EXPECT_EQ(made, (Path{.id = id,
                        .conversation_id = chat.id,
                        .tenant_id = tenant_,
                        .parent_path_id = chat.main,
                        .branch_point_message_id = origin.id,
                        .name = "What if",
                        .description = "…",
                        .created_at = now(),
                        .updated_at = now()}));
  EXPECT_EQ(path(id), made);
  EXPECT_EQ(latest(chat.id).active_path_id, chat.main);
  Message marked = origin;
  marked.is_branch_point = true;
  marked.branched_to_paths = {id};
  EXPECT_EQ(message(chat.id, origin.id), marked);
}

TEST_P(PathStoreSuite, ActivatesABranchAtOnceWhenAsked) {
  const Talk chat = talk();
  const Path made = branch(chat.messages[0].id, {.activate = true});
  EXPECT_EQ(latest(chat.id).active_path_id, made.id);
  EXPECT_EQ(must(paths_.getActivePath(tenant_, chat.id)), made);
}

TEST_P(PathStoreSuite, BranchesFromAnArchivedPathAndNotFromADeletedMessage) {
  const Talk chat = talk();
  const std::string side = branch(chat.messages[0].id).id;
  const std::string said = say(chat.id, "s1", side).id;
  const std::string deleted = say(chat.id, "s2", side).id;
  must(conversations_.softDeleteMessage(owner(), deleted));
  must(paths_.updatePath(tenant_, side, {.is_active = false}));
  EXPECT_THAT(paths_.branchFromMessage(tenant_, said), IsOk());
  const auto before = stateOf(chat.id);
  EXPECT_THAT(paths_.branchFromMessage(tenant_, deleted), forbidden());
  EXPECT_EQ(stateOf(chat.id), before);
}

TEST_P(PathStoreSuite, AnswersTheBranchPointsOfAPathInOrder) {
  const Talk chat = talk();
  const std::string late = branch(chat.messages[2].id).id;
  const std::string early = branch(chat.messages[0].id).id;
  const std::string again = branch(chat.messages[0].id).id;
  branch(say(chat.id, "s1", early).id);
  const auto points = must(paths_.getBranchPointsForPath(tenant_, chat.main));
  EXPECT_THAT(contents(points), ElementsAre("m1", "m3"));
  EXPECT_THAT(points[0].branched_to_paths, ElementsAre(early, again));
  EXPECT_THAT(points[1].branched_to_paths, ElementsAre(late));
  EXPECT_THAT(contents(must(paths_.getBranchPointsForPath(tenant_, early))), ElementsAre("s1"));
  EXPECT_THAT(paths_.getBranchPointsForPath(tenant_, late), IsOkAndHolds(IsEmpty()));
}

// ---- Resolving ----

TEST_P(PathStoreSuite, ResolvesThreeBranchesDeep) {
  const Talk chat = talk();
  const std::string a = branch(chat.messages[1].id).id;  // after m2
  const Message a1 = say(chat.id, "a1", a);
  const Message a2 = say(chat.id, "a2", a);
  say(chat.id, "a3", a);
  const std::string b = branch(a2.id).id;
  const Message b1 = say(chat.id, "b1", b);
  const std::string c = branch(b1.id).id;
  say(chat.id, "b2", b);
  say(chat.id, "c1", c);
  say(chat.id, "m4", chat.main);
  EXPECT_THAT(resolved(chat.main), ElementsAre("m1", "m2", "m3", "m4"));
  EXPECT_THAT(resolved(a), ElementsAre("m1", "m2", "a1", "a2", "a3"));
  EXPECT_THAT(resolved(b), ElementsAre("m1", "m2", "a1", "a2", "b1", "b2"));
  EXPECT_THAT(resolved(c), ElementsAre("m1", "m2", "a1", "a2", "b1", "c1"));
  EXPECT_THAT(resolved(branch(a1.id).id), ElementsAre("m1", "m2", "a1"));
  const auto resolution = must(paths_.getFullPathResolution(tenant_, c));
  EXPECT_THAT(resolution.chain, ElementsAre(path(chat.main), path(a), path(b), path(c)));
  EXPECT_EQ(resolution.messages, must(paths_.resolvePathMessages(tenant_, c)));
  EXPECT_EQ(resolution.messages[0], message(chat.id, chat.messages[0].id));
}

TEST_P(PathStoreSuite, ResolvesWhatItCanOfAPathWithoutMessages) {
  const Talk chat = talk(0);
  EXPECT_THAT(resolved(chat.main), IsEmpty());
  const auto resolution = must(paths_.getFullPathResolution(tenant_, chat.main));
  EXPECT_THAT(resolution.chain, ElementsAre(path(chat.main)));
  EXPECT_THAT(resolution.messages, IsEmpty());
}

// Limit and offset count what is left once everything was resolved and filtered.
TEST_P(PathStoreSuite, PagesOnceAfterResolvingAndFiltering) {
  const Talk chat = talk();
  const std::string a = branch(chat.messages[1].id).id;
  const Message a1 = say(chat.id, "a1", a);
  const std::string b = branch(a1.id).id;
  say(chat.id, "b1", b);
  must(conversations_.softDeleteMessage(owner(), chat.messages[0].id));
  EXPECT_THAT(resolved(b), ElementsAre("m2", "a1", "b1"));
  EXPECT_THAT(resolved(b, {.limit = 1}), ElementsAre("m2"));
  EXPECT_THAT(resolved(b, {.limit = 2, .offset = 1}), ElementsAre("a1", "b1"));
  EXPECT_THAT(resolved(b, {.limit = 1, .offset = 2}), ElementsAre("b1"));
  EXPECT_THAT(resolved(b, {.offset = 1}), ElementsAre("a1", "b1"));
  EXPECT_THAT(resolved(b, {.limit = 100}), ElementsAre("m2", "a1", "b1"));
  EXPECT_THAT(resolved(b, {.offset = 3}), IsEmpty()) << "the path is there all the same";
  EXPECT_THAT(resolved(b, {.include_deleted = true, .limit = 2}), ElementsAre("m1", "m2"));
  EXPECT_THAT(resolved(b, {.include_deleted = true}), ElementsAre("m1", "m2", "a1", "b1"));
}

TEST_P(PathStoreSuite, ResolvesOnlyPinnedMessagesOrThoseOfARole) {
  const Talk chat = talk();
  const std::string a = branch(chat.messages[2].id).id;
  for (const auto& [content, role] :
       {std::pair("a1", MessageRole::kAssistant), std::pair("a2", MessageRole::kSystem),
        std::pair("a3", MessageRole::kAssistant)}) {
    tick();
    const Message added = must(conversations_.appendMessage(
        owner(), {.conversation_id = chat.id, .content = content, .role = role, .path_id = a}));
    must(paths_.pinMessage(tenant_, added.id, {}));
  }
  must(paths_.pinMessage(tenant_, chat.messages[1].id, {}));
  EXPECT_THAT(resolved(a, {.pinned_only = true}), ElementsAre("m2", "a1", "a2", "a3"));
  EXPECT_THAT(resolved(a, {.role = MessageRole::kAssistant}), ElementsAre("a1", "a3"));
  EXPECT_THAT(resolved(a, {.role = MessageRole::kUser}), ElementsAre("m1", "m2", "m3"));
  EXPECT_THAT(resolved(a, {.pinned_only = true, .role = MessageRole::kUser}), ElementsAre("m2"));
  EXPECT_THAT(resolved(a, {.role = MessageRole::kAssistant, .limit = 1, .offset = 1}),
              ElementsAre("a3"));
}

TEST_P(PathStoreSuite, ResolvesUpToABranchPointThatWasDeletedLater) {
  const Talk chat = talk();
  const std::string a = branch(chat.messages[1].id).id;
  say(chat.id, "a1", a);
  must(conversations_.softDeleteMessage(owner(), chat.messages[1].id));
  EXPECT_THAT(resolved(a), ElementsAre("m1", "a1"));
  EXPECT_THAT(resolved(a, {.include_deleted = true}), ElementsAre("m1", "m2", "a1"));
}

TEST_P(PathStoreSuite, AllowsAHundredAncestorsAndNoMore) {
  const Talk chat = talk(1);
  std::string origin = chat.messages[0].id;
  std::string deepest = chat.main;
  for (int depth = 1; depth <= kMaxPathDepth; ++depth) {
    deepest = branch(origin).id;
    origin = say(chat.id, std::to_string(depth), deepest).id;
  }
  EXPECT_EQ(must(paths_.getFullPathResolution(tenant_, deepest)).chain.size(),
            static_cast<std::size_t>(kMaxPathDepth) + 1);
  EXPECT_EQ(resolved(deepest).size(), static_cast<std::size_t>(kMaxPathDepth) + 1);
  EXPECT_THAT(paths_.branchFromMessage(tenant_, origin), forbidden());
  EXPECT_THAT(paths_.createPath(tenant_, {.conversation_id = chat.id,
                                          .parent_path_id = deepest,
                                          .branch_point_message_id = origin}),
              forbidden());
  EXPECT_EQ(path(deepest).branch_count, 0);
}

// ---- Pins ----

TEST_P(PathStoreSuite, PinsAMessageOnceAndTakesThePinOff) {
  const Talk chat = talk();
  tick();
  Message expected = chat.messages[0];
  expected.is_pinned = true;
  expected.pinned_at = now();
  expected.pinned_by = owner_;
  EXPECT_THAT(paths_.pinMessage(tenant_, expected.id, upper(owner_)), IsOkAndHolds(expected));
  tick();
  EXPECT_THAT(paths_.pinMessage(tenant_, expected.id, colleague_), IsOkAndHolds(expected))
      << "pinning what is pinned changes nothing";
  EXPECT_EQ(message(chat.id, expected.id), expected);
  EXPECT_THAT(paths_.unpinMessage(tenant_, expected.id), IsOkAndHolds(chat.messages[0]));
  EXPECT_THAT(paths_.unpinMessage(tenant_, expected.id), IsOkAndHolds(chat.messages[0]));
  EXPECT_EQ(must(paths_.pinMessage(tenant_, expected.id, std::nullopt)).pinned_by, std::nullopt);
}

TEST_P(PathStoreSuite, PinsNoDeletedMessageAndListsNone) {
  const Talk chat = talk();
  must(paths_.pinMessage(tenant_, chat.messages[0].id, owner_));
  for (int i = 0; i < 2; ++i) {
    must(conversations_.softDeleteMessage(owner(), chat.messages[static_cast<std::size_t>(i)].id));
  }
  EXPECT_THAT(paths_.pinMessage(tenant_, chat.messages[1].id, owner_), forbidden());
  EXPECT_THAT(paths_.getPinnedMessages(tenant_, chat.id), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(paths_.getPinnedMessageCount(tenant_, chat.id), IsOkAndHolds(0));
}

TEST_P(PathStoreSuite, ListsThePinsOfAConversationOrOfOnePathsOwn) {
  const Talk chat = talk();
  const std::string side = branch(chat.messages[0].id).id;
  const Message s1 = say(chat.id, "s1", side);
  const Message m4 = say(chat.id, "m4", chat.main);
  for (const std::string& id : {m4.id, s1.id, chat.messages[0].id}) {
    tick();
    must(paths_.pinMessage(tenant_, id, {}));
  }
  const auto pins = [&](const std::optional<std::string>& path) {
    auto found = contents(must(paths_.getPinnedMessages(tenant_, chat.id, path)));
    EXPECT_THAT(paths_.getPinnedMessageCount(tenant_, chat.id, path),
                IsOkAndHolds(static_cast<std::int64_t>(found.size())));
    return found;
  };
  EXPECT_THAT(pins({}), ElementsAre("m1", "s1", "m4")) << "the oldest message first";
  EXPECT_THAT(pins(side), ElementsAre("s1"));
  EXPECT_THAT(pins(chat.main), ElementsAre("m1", "m4"));
  const Talk other = talk();
  EXPECT_THAT(paths_.getPinnedMessages(tenant_, other.id), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(paths_.getPinnedMessages(tenant_, chat.id, other.main), notFound());
  EXPECT_THAT(paths_.getPinnedMessageCount(tenant_, chat.id, other.main), notFound());
}

}  // namespace strata
