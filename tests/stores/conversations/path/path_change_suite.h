// What every PathStore does when paths are changed and deleted.
#pragma once

#include "tests/stores/conversations/path/path_suite.h"

namespace strata {

TEST_P(PathStoreSuite, ChangesOfAPathWhatIsThereAndKeepsTheRest) {
  const Talk chat = talk();
  const Path side = branch(chat.messages[0].id, {.name = "name", .description = "description"});
  EXPECT_EQ(side.name, "name");
  EXPECT_EQ(side.description, "description");
  tick();
  Path expected = side;
  expected.name = "new";
  expected.updated_at = now();
  EXPECT_THAT(paths_.updatePath(tenant_, side.id, {.name = "new"}), IsOkAndHolds(expected));
  // Later than the change before, though the clock stands still.
  expected.name = std::nullopt;
  expected.updated_at += std::chrono::microseconds(1);
  EXPECT_THAT(paths_.updatePath(tenant_, side.id, {.name = std::optional<std::string>()}),
              IsOkAndHolds(expected));
  expected.description = std::nullopt;
  expected.updated_at += std::chrono::microseconds(1);
  EXPECT_THAT(paths_.updatePath(tenant_, side.id, {.description = std::optional<std::string>()}),
              IsOkAndHolds(expected));
  EXPECT_EQ(path(side.id), expected);
  EXPECT_THAT(paths_.updatePath(tenant_, side.id, {}), IsOkAndHolds(expected));
}

TEST_P(PathStoreSuite, ArchivesAPathAndTakesItBack) {
  const Talk chat = talk();
  const std::string side = branch(chat.messages[0].id).id;
  say(chat.id, "s1", side);
  EXPECT_FALSE(must(paths_.updatePath(tenant_, side, {.is_active = false})).is_active);
  EXPECT_THAT(resolved(side), ElementsAre("m1", "s1")) << "it can be read";
  EXPECT_TRUE(must(paths_.updatePath(tenant_, side, {.is_active = true})).is_active);
  EXPECT_EQ(say(chat.id, "s2", side).sequence_in_path, 2);
}

TEST_P(PathStoreSuite, RenamesThePrimaryPathAndNeverArchivesIt) {
  const Talk chat = talk();
  EXPECT_EQ(must(paths_.updatePath(tenant_, chat.main, {.name = "Trunk"})).name, "Trunk");
  EXPECT_TRUE(must(paths_.updatePath(tenant_, chat.main, {.is_active = true})).is_active);
  const auto before = stateOf(chat.id);
  EXPECT_THAT(paths_.updatePath(tenant_, chat.main, {.name = "x", .is_active = false}),
              forbidden());
  EXPECT_EQ(stateOf(chat.id), before);
}

TEST_P(PathStoreSuite, KeepsAMergedPathMergedWhenItIsTakenFromTheArchive) {
  const Talk chat = talk();
  const std::string side = branch(chat.messages[0].id).id;
  const MergeRequest merge{.source_path_id = side, .target_path_id = chat.main};
  const Path merged = must(paths_.mergePath(tenant_, merge)).source;
  const Path back = must(paths_.updatePath(tenant_, side, {.is_active = true}));
  EXPECT_EQ(back.merged_at, merged.merged_at);
  EXPECT_EQ(back.merged_to_path_id, chat.main);
  EXPECT_THAT(paths_.mergePath(tenant_, merge), forbidden());
  EXPECT_THAT(conversations_.appendMessage(owner(), {.conversation_id = chat.id, .path_id = side}),
              forbidden())
      << "merged";
}

TEST_P(PathStoreSuite, FallsBackToThePrimaryPathWhenTheActiveOneIsArchived) {
  const Talk chat = talk();
  const std::string side = branch(chat.messages[0].id, {.activate = true}).id;
  must(paths_.updatePath(tenant_, side, {.is_active = false}));
  EXPECT_EQ(must(paths_.getActivePath(tenant_, chat.id)).id, chat.main);
  EXPECT_EQ(latest(chat.id).active_path_id, chat.main);
}

// ---- Deleting ----

TEST_P(PathStoreSuite, NeverDeletesThePrimaryPath) {
  const Talk chat = talk();
  const auto before = stateOf(chat.id);
  EXPECT_THAT(paths_.deletePath(tenant_, chat.main, PathDeletion::kSoft), forbidden());
  EXPECT_THAT(paths_.deletePath(tenant_, chat.main, PathDeletion::kHard), forbidden());
  EXPECT_EQ(stateOf(chat.id), before);
}

TEST_P(PathStoreSuite, ArchivesAPathThatIsDeletedSoftly) {
  const Talk chat = talk();
  const std::string side = branch(chat.messages[0].id, {.activate = true}).id;
  say(chat.id, "s1", side);
  EXPECT_THAT(paths_.deletePath(tenant_, side, PathDeletion::kSoft), IsOk());
  EXPECT_FALSE(path(side).is_active);
  EXPECT_THAT(resolved(side), ElementsAre("m1", "s1"));
  EXPECT_EQ(must(paths_.getActivePath(tenant_, chat.id)).id, chat.main);
  EXPECT_TRUE(message(chat.id, chat.messages[0].id).is_branch_point) << "it still branches there";
  EXPECT_THAT(paths_.deletePath(tenant_, side, PathDeletion::kSoft), IsOk());
  EXPECT_TRUE(must(paths_.updatePath(tenant_, side, {.is_active = true})).is_active);
}

TEST_P(PathStoreSuite, RemovesALeafWithItsMessagesAndItsMark) {
  const Talk chat = talk();
  const std::string& origin = chat.messages[1].id;
  const std::string keep = branch(origin).id;
  const std::string side = branch(origin, {.activate = true}).id;
  const std::string said = say(chat.id, "s1", side).id;
  must(paths_.pinMessage(tenant_, said, owner_));
  EXPECT_THAT(message(chat.id, origin).branched_to_paths, ElementsAre(keep, side));

  EXPECT_THAT(paths_.deletePath(tenant_, side, PathDeletion::kHard), IsOk());
  EXPECT_THAT(paths_.getPath(tenant_, side), notFound());
  EXPECT_THAT(paths_.deletePath(tenant_, side, PathDeletion::kHard), notFound());
  EXPECT_THAT(paths_.pinMessage(tenant_, said, owner_), notFound());
  EXPECT_THAT(contents(must(conversations_.getMessages(owner(), chat.id))),
              ElementsAre("m1", "m2", "m3"));
  EXPECT_THAT(paths_.getPinnedMessageCount(tenant_, chat.id), IsOkAndHolds(0));
  EXPECT_THAT(message(chat.id, origin).branched_to_paths, ElementsAre(keep));
  EXPECT_TRUE(message(chat.id, origin).is_branch_point);
  EXPECT_EQ(must(paths_.getActivePath(tenant_, chat.id)).id, chat.main);

  EXPECT_THAT(paths_.deletePath(tenant_, keep, PathDeletion::kHard), IsOk());
  EXPECT_FALSE(message(chat.id, origin).is_branch_point);
  EXPECT_EQ(message(chat.id, origin), chat.messages[1]) << "as it was";
}

TEST_P(PathStoreSuite, LeavesAnotherPathActiveWhenOneIsRemoved) {
  const Talk chat = talk();
  const std::string active = branch(chat.messages[0].id, {.activate = true}).id;
  const std::string side = branch(chat.messages[0].id).id;
  EXPECT_THAT(paths_.deletePath(tenant_, side, PathDeletion::kHard), IsOk());
  EXPECT_EQ(must(paths_.getActivePath(tenant_, chat.id)).id, active);
}

TEST_P(PathStoreSuite, RemovesNoPathThatOthersBranchFrom) {
  const Talk chat = talk();
  const std::string side = branch(chat.messages[0].id).id;
  const std::string leaf = branch(say(chat.id, "s1", side).id).id;
  EXPECT_THAT(paths_.deletePath(tenant_, leaf, PathDeletion::kSoft), IsOk());
  const auto before = stateOf(chat.id);
  EXPECT_THAT(paths_.deletePath(tenant_, side, PathDeletion::kHard), forbidden());
  EXPECT_EQ(stateOf(chat.id), before);
  EXPECT_THAT(paths_.deletePath(tenant_, side, PathDeletion::kSoft), IsOk());
  EXPECT_THAT(resolved(leaf), ElementsAre("m1", "s1")) << "an archived parent still shows";
  EXPECT_THAT(paths_.deletePath(tenant_, leaf, PathDeletion::kHard), IsOk());
  EXPECT_THAT(paths_.deletePath(tenant_, side, PathDeletion::kHard), IsOk());
}

TEST_P(PathStoreSuite, RemovesNoPathThatAnotherWasMergedInto) {
  const Talk chat = talk();
  const std::string target = branch(chat.messages[0].id).id;
  const std::string source = branch(chat.messages[0].id).id;
  must(paths_.mergePath(tenant_, {.source_path_id = source, .target_path_id = target}));
  EXPECT_THAT(paths_.deletePath(tenant_, target, PathDeletion::kHard), forbidden());
  EXPECT_THAT(paths_.deletePath(tenant_, source, PathDeletion::kHard), IsOk()) << "a leaf";
  EXPECT_THAT(paths_.deletePath(tenant_, target, PathDeletion::kHard), IsOk());
  EXPECT_EQ(list(chat.id, {.include_inactive = true}).size(), 1U);
}

}  // namespace strata
