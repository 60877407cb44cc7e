// What every PathStore does when it merges one path into another.
#pragma once

#include "tests/stores/conversations/path/path_suite.h"

namespace strata {

class PathMergeSuite : public PathStoreSuite {
 protected:
  // A branch of m1 with three messages: s1, which is pinned and has metadata, s2, which is deleted,
  // and s3.
  struct Scene {
    Talk chat;
    std::string source;
    std::vector<Message> messages;
  };
  Scene setScene() {
    Scene scene{.chat = talk(), .source = {}, .messages = {}};
    scene.source = branch(scene.chat.messages[0].id, {.name = "What if"}).id;
    tick();
    const Message first = must(
        conversations_.appendMessage(owner(), {.conversation_id = scene.chat.id,
                                               .content = "s1 'größte 🎉",
                                               .path_id = scene.source,
                                               .metadata = json(R"({"a":[1],"merged_from":"old"})"),
                                               .trace_id = "trace",
                                               .root_span_name = "span"}));
    scene.messages.push_back(must(paths_.pinMessage(tenant_, first.id, colleague_)));
    scene.messages.push_back(say(scene.chat.id, "s2", scene.source));
    must(conversations_.softDeleteMessage(owner(), scene.messages[1].id));
    scene.messages.push_back(say(scene.chat.id, "s3", scene.source));
    tick();
    return scene;
  }
  static MergeRequest into(const Scene& scene, MergeMode mode) {
    return {.source_path_id = scene.source, .target_path_id = scene.chat.main, .mode = mode};
  }
  // What is to be copied from `original`, whose metadata has these members beside its origin.
  static Message copyOf(const Message& original, const Message& copy, const std::string& members,
                        const std::string& target) {
    Message expected = original;
    expected.id = copy.id;
    expected.path_id = target;
    expected.sequence_in_path = copy.sequence_in_path;
    expected.created_at = copy.created_at;
    expected.metadata = json("{" + members + R"("merged_from":{"message_id":")" + original.id +
                             R"(","path_id":")" + original.path_id + R"("}})");
    return expected;
  }
  // The result with what a preview does not keep made the same.
  static std::vector<std::string> comparable(MergeResult result) {
    if (result.source.merge_summary_message_id) result.source.merge_summary_message_id = "kept";
    std::vector<std::string> texts{encodeJson(result.source), encodeJson(result.target)};
    for (Message& message : result.added) {
      EXPECT_NE(message.id, "");
      message.id.clear();
      texts.push_back(encodeJson(message));
    }
    return texts;
  }
};

TEST_P(PathMergeSuite, AddsOneMessageThatSumsThePathUp) {
  const Scene scene = setScene();
  MergeRequest request = into(scene, MergeMode::kSummary);
  request.summary = "We agreed on größer 🎉.";
  request.user_id = upper(owner_);
  const MergeResult merged = must(paths_.mergePath(tenant_, request));
  ASSERT_EQ(merged.added.size(), 1U);
  const Message& summary = merged.added[0];
  EXPECT_EQ(summary.message_type, MessageType::kMergeSummary);
  EXPECT_EQ(summary.content, request.summary);
  EXPECT_EQ(summary.path_id, scene.chat.main);
  EXPECT_EQ(summary.sequence_in_path, 4);
  EXPECT_EQ(summary.user_id, owner_);
  EXPECT_EQ(summary.created_at, now());
  EXPECT_FALSE(summary.is_pinned);
  EXPECT_EQ(message(scene.chat.id, summary.id), summary);
  EXPECT_EQ(merged.source.merge_summary_message_id, summary.id);
  EXPECT_EQ(merged.source.merge_mode, MergeMode::kSummary);
  EXPECT_EQ(merged.target.message_count, 4);
}

TEST_P(PathMergeSuite, WritesASummaryOfItsOwnWhenNoneIsGiven) {
  const Scene scene = setScene();
  const MergeResult merged = must(paths_.mergePath(tenant_, into(scene, MergeMode::kSummary)));
  ASSERT_EQ(merged.added.size(), 1U);
  EXPECT_NE(merged.added[0].content, "");
  EXPECT_EQ(merged.added[0].user_id, std::nullopt) << "the application wrote it";
}

TEST_P(PathMergeSuite, MarksTheSourceAndArchivesIt) {
  for (const MergeMode mode : {MergeMode::kSummary, MergeMode::kFull, MergeMode::kSelective}) {
    const Scene scene = setScene();
    MergeRequest request = into(scene, mode);
    if (mode == MergeMode::kSelective) request.message_ids = {scene.messages[0].id};
    const MergeResult merged = must(paths_.mergePath(tenant_, request));
    EXPECT_FALSE(merged.source.is_active);
    EXPECT_EQ(merged.source.merged_at, now());
    EXPECT_EQ(merged.source.merged_to_path_id, scene.chat.main);
    EXPECT_EQ(merged.source.merge_mode, mode);
    EXPECT_EQ(merged.source.merge_summary_message_id.has_value(), mode == MergeMode::kSummary);
    EXPECT_EQ(path(scene.source), merged.source);
    EXPECT_EQ(path(scene.chat.main), merged.target);
    EXPECT_EQ(merged.source.message_count, 2) << "its messages stay";
    EXPECT_EQ(latest(scene.chat.id).last_message_at, now());
  }
}

TEST_P(PathMergeSuite, LeavesTheSourceOpenWhenToldTo) {
  const Scene scene = setScene();
  MergeRequest request = into(scene, MergeMode::kFull);
  request.archive_source = false;
  const MergeResult merged = must(paths_.mergePath(tenant_, request));
  EXPECT_TRUE(merged.source.is_active);
  EXPECT_EQ(merged.source.merged_to_path_id, scene.chat.main);
  EXPECT_EQ(path(scene.source), merged.source);
}

TEST_P(PathMergeSuite, CopiesEveryMessageThatIsNotDeletedWithItsOrigin) {
  const Scene scene = setScene();
  branch(scene.messages[2].id);
  tick();
  const MergeResult merged = must(paths_.mergePath(tenant_, into(scene, MergeMode::kFull)));
  ASSERT_EQ(merged.added.size(), 2U);
  EXPECT_EQ(merged.added[0],
            copyOf(scene.messages[0], merged.added[0], R"("a":[1],)", scene.chat.main))
      << "pinned, and no branch point";
  EXPECT_EQ(merged.added[1], copyOf(scene.messages[2], merged.added[1], "", scene.chat.main));
  EXPECT_EQ(merged.added[0].sequence_in_path, 4);
  EXPECT_EQ(merged.added[1].sequence_in_path, 5);
  EXPECT_EQ(merged.added[0].created_at, now());
  EXPECT_NE(merged.added[0].id, scene.messages[0].id);
  EXPECT_THAT(resolved(scene.chat.main),
              ElementsAre("m1", "m2", "m3", scene.messages[0].content, "s3"));
  EXPECT_EQ(must(paths_.resolvePathMessages(tenant_, scene.chat.main))[3], merged.added[0]);
  EXPECT_EQ(message(scene.chat.id, scene.messages[0].id), scene.messages[0]) << "as it was";
}

TEST_P(PathMergeSuite, CopiesOnlyTheSourcesOwnMessages) {
  const Scene scene = setScene();
  const std::string leaf = branch(scene.messages[2].id).id;
  say(scene.chat.id, "l1", leaf);
  const MergeResult merged = must(paths_.mergePath(
      tenant_,
      {.source_path_id = leaf, .target_path_id = scene.chat.main, .mode = MergeMode::kFull}));
  EXPECT_THAT(contents(merged.added), ElementsAre("l1"));
}

TEST_P(PathMergeSuite, CopiesWhatWasChosenInTheOrderOfThePath) {
  const Scene scene = setScene();
  MergeRequest request = into(scene, MergeMode::kSelective);
  request.message_ids = {upper(scene.messages[2].id), scene.messages[0].id, scene.messages[2].id};
  const MergeResult merged = must(paths_.mergePath(tenant_, request));
  EXPECT_THAT(contents(merged.added), ElementsAre(scene.messages[0].content, "s3"));
  EXPECT_EQ(path(scene.chat.main).message_count, 5);
}

TEST_P(PathMergeSuite, TakesPinsOffTheCopiesWhenToldTo) {
  for (const bool preserve : {true, false}) {
    const Scene scene = setScene();
    MergeRequest request = into(scene, MergeMode::kFull);
    request.preserve_pinned = preserve;
    const Message copy = must(paths_.mergePath(tenant_, request)).added.at(0);
    EXPECT_EQ(copy.is_pinned, preserve);
    EXPECT_EQ(copy.pinned_at.has_value(), preserve);
    EXPECT_EQ(copy.pinned_by.has_value(), preserve);
    EXPECT_EQ(message(scene.chat.id, copy.id), copy);
    EXPECT_EQ(must(paths_.getPinnedMessages(tenant_, scene.chat.id)).size(), preserve ? 2U : 1U);
  }
}

TEST_P(PathMergeSuite, MergesAPathWithoutMessages) {
  const Talk chat = talk();
  const std::string empty = branch(chat.messages[0].id).id;
  const MergeResult merged = must(paths_.mergePath(
      tenant_, {.source_path_id = empty, .target_path_id = chat.main, .mode = MergeMode::kFull}));
  EXPECT_THAT(merged.added, IsEmpty());
  EXPECT_EQ(merged.source.merged_to_path_id, chat.main);
  EXPECT_EQ(path(chat.main), merged.target);
}

TEST_P(PathMergeSuite, MergesIntoABranchAndOnFromThere) {
  const Scene scene = setScene();
  const std::string middle = branch(scene.chat.messages[0].id).id;
  MergeRequest request = into(scene, MergeMode::kFull);
  request.target_path_id = middle;
  const MergeResult first = must(paths_.mergePath(tenant_, request));
  request.source_path_id = middle;
  request.target_path_id = scene.chat.main;
  const MergeResult second = must(paths_.mergePath(tenant_, request));
  ASSERT_EQ(second.added.size(), 2U);
  EXPECT_EQ(second.added[1], copyOf(first.added[1], second.added[1], "", scene.chat.main))
      << "its origin is where it was copied from";
}

TEST_P(PathMergeSuite, LeavesTheConversationWithAnOpenActivePath) {
  const Scene scene = setScene();
  must(paths_.setActivePath(tenant_, scene.chat.id, scene.source));
  tick();
  must(paths_.mergePath(tenant_, into(scene, MergeMode::kSummary)));
  const Path active = must(paths_.getActivePath(tenant_, scene.chat.id));
  EXPECT_TRUE(active.is_active);
  EXPECT_EQ(latest(scene.chat.id).active_path_id, active.id);
  EXPECT_EQ(latest(scene.chat.id).last_message_at, now());
  say(scene.chat.id, "goes on");
}

}  // namespace strata
