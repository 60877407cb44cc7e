// Merges in step, whose copies and summaries have ids that each side makes by itself.
#pragma once

#include "tests/stores/conversations/lockstep/lockstep_world.h"

namespace strata::lockstep {

struct Merge {
  std::string tenant;
  MergeRequest request;  // in words of both sides
};

inline Merge chooseMerge(World& world, Choices& choose) {
  const Known source = choose.known(world.paths);
  Merge merge{.tenant = choose.tenantOf(source), .request = {}};
  MergeRequest& request = merge.request;
  request.source_path_id = choose.spelled(source.id);
  request.target_path_id = choose.spelled(choose.sibling(world.paths, source).id);
  request.mode = choose.of({MergeMode::kSummary, MergeMode::kFull, MergeMode::kSelective});
  request.summary = choose.oneIn(3) ? choose.content() : "";
  for (std::size_t more = choose.below(4); more > 0; --more) {
    request.message_ids.push_back(choose.sibling(world.messages, source).id);
  }
  request.preserve_pinned = choose.below(2) == 0;
  request.archive_source = choose.below(2) == 0;
  request.user_id = choose.maybeUser();
  return merge;
}

inline std::string describedMerge(const char* name, const Merge& merge) {
  const MergeRequest& request = merge.request;
  return described(name, {{"tenant", merge.tenant},
                          {"from", request.source_path_id},
                          {"into", request.target_path_id},
                          {"mode", std::to_string(static_cast<int>(request.mode))},
                          {"messages", encodeJson(request.message_ids)},
                          {"archive", request.archive_source ? "yes" : "no"}});
}

inline MergeRequest realRequest(const Side& side, MergeRequest request) {
  request.source_path_id = side.real(request.source_path_id);
  request.target_path_id = side.real(request.target_path_id);
  for (std::string& id : request.message_ids) id = side.real(id);
  return request;
}

inline Operation mergePath(World& world, Choices& choose) {
  const Merge merge = chooseMerge(world, choose);
  world.momentOfItsOwn();
  return {describedMerge("merge_path", merge), [&world, merge](Side& side) {
            const auto merged = side.paths->mergePath(
                merge.tenant, realRequest(side, merge.request), side.writing());
            std::string answer = answerOf(side, merged);
            if (!merged.ok()) return answer;
            for (const Message& added : merged->added) {
              world.learn(world.messages, {merged->target.tenant_id, added.conversation_id,
                                           side.inWords(added.id)});
            }
            return answer;
          }};
}

inline Operation previewMerge(World& world, Choices& choose) {
  const Merge merge = chooseMerge(world, choose);
  return {describedMerge("preview_merge", merge), [merge](Side& side) {
            return answerOf(side,
                            side.paths->previewMerge(merge.tenant, realRequest(side, merge.request),
                                                     side.reading()));
          }};
}

}  // namespace strata::lockstep
