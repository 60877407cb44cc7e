// What every PathStore refuses to merge, and what it previews.
#pragma once

#include "tests/stores/conversations/path/path_merge_suite.h"

namespace strata {

TEST_P(PathMergeSuite, RefusesToMergeWhatTheRulesForbid) {
  const Scene scene = setScene();
  const Talk other = talk();
  const std::string archived = branch(scene.chat.messages[0].id).id;
  must(paths_.updatePath(tenant_, archived, {.is_active = false}));
  const auto before = stateOf(scene.chat.id);
  struct Pair {
    std::string source, target, why;
  };
  for (const auto& [source, target, why] :
       {Pair{scene.source, scene.source, "itself"},
        Pair{scene.chat.main, scene.source, "the primary source"},
        Pair{scene.source, other.main, "another conversation"},
        Pair{scene.source, archived, "an archived target"}}) {
    for (const MergeMode mode : {MergeMode::kSummary, MergeMode::kFull, MergeMode::kSelective}) {
      const MergeRequest request{.source_path_id = source,
                                 .target_path_id = target,
                                 .mode = mode,
                                 .message_ids = {scene.messages[0].id}};
      EXPECT_THAT(paths_.mergePath(tenant_, request), forbidden()) << why;
      EXPECT_THAT(paths_.previewMerge(tenant_, request), forbidden()) << why;
    }
  }
  EXPECT_EQ(stateOf(scene.chat.id), before);
}

TEST_P(PathMergeSuite, RefusesToMergeWhatWasMergedAlready) {
  for (const bool archive : {true, false}) {
    const Scene scene = setScene();
    const std::string third = branch(scene.chat.messages[0].id).id;
    MergeRequest request = into(scene, MergeMode::kFull);
    request.archive_source = archive;
    must(paths_.mergePath(tenant_, request));
    const auto before = stateOf(scene.chat.id);
    EXPECT_THAT(paths_.mergePath(tenant_, request), forbidden());
    EXPECT_THAT(paths_.previewMerge(tenant_, request), forbidden());
    request.target_path_id = third;
    EXPECT_THAT(paths_.mergePath(tenant_, request), forbidden());
    EXPECT_EQ(stateOf(scene.chat.id), before);
  }
}

TEST_P(PathMergeSuite, MergesAPathThatIsArchived) {
  const Scene scene = setScene();
  must(paths_.updatePath(tenant_, scene.source, {.is_active = false}));
  EXPECT_EQ(must(paths_.mergePath(tenant_, into(scene, MergeMode::kFull))).added.size(), 2U);
}

TEST_P(PathMergeSuite, DoesNotFindWhatIsNotThereToMerge) {
  const Scene scene = setScene();
  const auto before = stateOf(scene.chat.id);
  const auto merge = [&](const MergeRequest& request) {
    EXPECT_THAT(paths_.mergePath(tenant_, request), notFound());
    EXPECT_THAT(paths_.previewMerge(tenant_, request), notFound());
  };
  MergeRequest request = into(scene, MergeMode::kFull);
  request.source_path_id = newId();
  merge(request);
  request = into(scene, MergeMode::kFull);
  request.target_path_id = newId();
  merge(request);
  request = into(scene, MergeMode::kSelective);
  for (const std::string& id : {newId(), scene.messages[1].id, scene.chat.messages[0].id}) {
    request.message_ids = {scene.messages[0].id, id};  // absent, deleted, the parent's
    merge(request);
  }
  EXPECT_EQ(stateOf(scene.chat.id), before);
}

TEST_P(PathMergeSuite, PreviewsWhatAMergeAnswersAndChangesNothing) {
  for (const MergeMode mode : {MergeMode::kSummary, MergeMode::kFull, MergeMode::kSelective}) {
    for (const bool keep : {true, false}) {
      const Scene scene = setScene();
      must(paths_.setActivePath(tenant_, scene.chat.id, scene.source));
      const auto before = stateOf(scene.chat.id);
      MergeRequest request = into(scene, mode);
      request.preserve_pinned = keep;
      request.archive_source = keep;
      if (mode == MergeMode::kSelective) request.message_ids = {scene.messages[0].id};
      const MergeResult preview = must(paths_.previewMerge(tenant_, request));
      EXPECT_EQ(stateOf(scene.chat.id), before);
      EXPECT_EQ(comparable(preview), comparable(must(paths_.mergePath(tenant_, request))));
    }
  }
}

}  // namespace strata
