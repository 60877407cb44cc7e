// Every operation of both stores as a call of one form, for what all of them have in common: what
// they do with ids, tenants, units of work and the cache.
#pragma once

#include "tests/stores/conversations/conversation/conversation_calls.h"

namespace strata {
namespace calls {

inline MergeRequest mergeOf(const CallIds& ids) {
  return {.source_path_id = ids.path,
          .target_path_id = ids.target,
          .mode = MergeMode::kSelective,
          .message_ids = {ids.message},
          .user_id = ids.user};
}

inline std::vector<StoreCall> readingPaths() {
  return {
      reading(
          "getPath", {kPath},
          STRATA_CALL { return s.paths->getPath(i.tenant, i.path, o).status(); }),
      reading(
          "listPaths", {kConversation, kPath},
          STRATA_CALL {
            const PathQuery query{.parent = PathParent::kOf, .parent_path_id = i.path};
            return s.paths->listPaths(i.tenant, i.conversation, query, o).status();
          }),
      reading(
          "getActivePath", {kConversation},
          STRATA_CALL { return s.paths->getActivePath(i.tenant, i.conversation, o).status(); }),
      reading(
          "getPrimaryPath", {kConversation},
          STRATA_CALL { return s.paths->getPrimaryPath(i.tenant, i.conversation, o).status(); }),
      reading(
          "previewMerge", {kPath, kTarget, kMessage, kUser},
          STRATA_CALL { return s.paths->previewMerge(i.tenant, mergeOf(i), o).status(); }),
  };
}

inline std::vector<StoreCall> writingPaths() {
  return {
      writing(
          "createPath", {kConversation, kPath, kMessage, kId},
          STRATA_CALL {
            return s.paths
                ->createPath(i.tenant,
                             {.conversation_id = i.conversation,
                              .parent_path_id = i.path,
                              .branch_point_message_id = i.message,
                              .id = i.id},
                             o)
                .status();
          }),
      writing(
          "updatePath", {kPath},
          STRATA_CALL {
            return s.paths->updatePath(i.tenant, i.path, {.name = "new"}, o).status();
          }),
      writing(
          "deletePath soft", {kPath},
          STRATA_CALL { return s.paths->deletePath(i.tenant, i.path, PathDeletion::kSoft, o); }),
      writing(
          "deletePath hard", {kPath},
          STRATA_CALL { return s.paths->deletePath(i.tenant, i.path, PathDeletion::kHard, o); }),
      writing(
          "setActivePath", {kConversation, kPath},
          STRATA_CALL {
            return s.paths->setActivePath(i.tenant, i.conversation, i.path, o).status();
          }),
      writing(
          "ensurePrimaryPath", {kConversation},
          STRATA_CALL { return s.paths->ensurePrimaryPath(i.tenant, i.conversation, o).status(); }),
      writing(
          "mergePath", {kPath, kTarget, kMessage, kUser},
          STRATA_CALL { return s.paths->mergePath(i.tenant, mergeOf(i), o).status(); }),
  };
}

inline std::vector<StoreCall> ofMessagesOfPaths() {
  return {
      reading(
          "resolvePathMessages", {kPath},
          STRATA_CALL {
            return unlessEmpty(s.paths->resolvePathMessages(i.tenant, i.path, {}, o));
          }),
      reading(
          "getFullPathResolution", {kPath},
          STRATA_CALL { return s.paths->getFullPathResolution(i.tenant, i.path, o).status(); }),
      writing(
          "branchFromMessage", {kMessage, kId},
          STRATA_CALL {
            return s.paths
                ->branchFromMessage(i.tenant, i.message, {.activate = true, .id = i.id}, o)
                .status();
          }),
      reading(
          "getBranchPointsForPath", {kPath},
          STRATA_CALL { return s.paths->getBranchPointsForPath(i.tenant, i.path, o).status(); }),
      writing(
          "pinMessage", {kMessage, kUser},
          STRATA_CALL { return s.paths->pinMessage(i.tenant, i.message, i.user, o).status(); }),
      writing(
          "unpinMessage", {kMessage},
          STRATA_CALL { return s.paths->unpinMessage(i.tenant, i.message, o).status(); }),
      reading(
          "getPinnedMessages", {kConversation, kPath},
          STRATA_CALL {
            return s.paths->getPinnedMessages(i.tenant, i.conversation, i.path, o).status();
          }),
      reading(
          "getPinnedMessageCount", {kConversation, kPath},
          STRATA_CALL {
            return s.paths->getPinnedMessageCount(i.tenant, i.conversation, i.path, o).status();
          }),
  };
}

#undef STRATA_CALL

}  // namespace calls

inline std::vector<StoreCall> everyCall() {
  std::vector<StoreCall> all;
  for (const auto part :
       {calls::readingConversations, calls::writingConversations, calls::ofMessages,
        calls::ofCompaction, calls::readingPaths, calls::writingPaths, calls::ofMessagesOfPaths}) {
    const std::vector<StoreCall> some = part();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace strata
