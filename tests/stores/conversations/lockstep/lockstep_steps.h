// All calls that run in step, and random sequences of them.
#pragma once

#include <rapidcheck.h>

#include <algorithm>
#include <ostream>
#include <utility>
#include <vector>

#include "tests/stores/conversations/lockstep/lockstep_conversations.h"
#include "tests/stores/conversations/lockstep/lockstep_merges.h"
#include "tests/stores/conversations/lockstep/lockstep_others.h"
#include "tests/stores/conversations/lockstep/lockstep_paths.h"
#include "tests/stores/conversations/lockstep/lockstep_time.h"

namespace strata::lockstep {

// Which calls there are, and how often each comes.
struct Kind {
  const char* name;
  std::size_t weight;
  Operation (*make)(World&, Choices&);
};

// The plainest first: that is what shrinking turns others into.
inline constexpr Kind kKinds[] = {
    {"create_conversation", 5, createConversation},
    {"append_message", 20, appendMessage},
    {"branch_from_message", 8, branchFromMessage},
    {"create_path", 6, createPath},
    {"merge_path", 9, mergePath},
    {"soft_delete_message", 5, softDeleteMessage},
    {"pin_message", 4, pinMessage},
    {"unpin_message", 2, unpinMessage},
    {"update_path", 5, updatePath},
    {"delete_path", 6, deletePath},
    {"set_active_path", 4, setActivePath},
    {"update_sharing", 4, updateSharing},
    {"set_archived_state", 3, setArchivedState},
    {"record_compaction", 2, recordCompaction},
    {"ensure_primary_path", 1, ensurePrimaryPath},
    {"get_conversation", 4, getConversation},
    {"list_conversations", 6, listConversations},
    {"get_messages", 4, getMessages},
    {"check_access", 3, checkAccess},
    {"get_path", 2, getPath},
    {"list_paths", 3, listPaths},
    {"resolve_path_messages", 6, resolvePathMessages},
    {"get_full_path_resolution", 2, getFullPathResolution},
    {"get_active_path", 2, getActivePath},
    {"get_branch_points_for_path", 2, getBranchPoints},
    {"preview_merge", 3, previewMerge},
    {"get_pinned_messages", 2, getPinnedMessages},
    {"get_pinned_message_count", 2, getPinnedMessageCount},
    {"get_primary_path", 1, getPrimaryPath},
    {"load_context", 2, loadContext},
    {"save_context", 4, saveContext},
    {"merge_active_node_ids", 3, mergeNodes},
    {"create_context", 6, createExecution},
    {"get_context", 2, getExecution},
    {"get_context_by_path", 2, getExecutionByPath},
    {"touch_context", 3, touchExecution},
    {"update_status", 4, updateStatus},
    {"terminate_context", 3, terminateExecution},
    {"get_expired_contexts", 2, getExpired},
    {"purge_terminated", 3, purgeTerminated},
    {"get_config", 3, getConfig},
    {"set_config", 3, setConfig},
    {"delete_config", 2, deleteConfig},
    {"begin", 6, beginUnit},
    {"commit_or_rollback", 7, endUnit},
    {"time_passes", 9, letTimePass},
    {"clock_is_set_back", 4, setClockBack},
    {"get_conversations_needing_compaction", 2, needingCompaction},
    {"append_many", 1, appendMany},
};

inline void showValue(const Step& step, std::ostream& out) {
  out << kKinds[step.kind].name;
  for (const std::uint16_t choice : step.choices) out << ' ' << choice;
}

// Every number of the range alike, whatever the size is.
template <typename T>
rc::Gen<T> anyBelow(T end) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange<T>(0, end));
}

inline rc::Gen<Step> anyStep() {
  std::vector<std::size_t> by_weight;
  for (std::size_t kind = 0; kind < std::size(kKinds); ++kind) {
    by_weight.insert(by_weight.end(), kKinds[kind].weight, kind);
  }
  return rc::gen::map(
      rc::gen::pair(anyBelow(by_weight.size()), rc::gen::container<std::vector<std::uint16_t>>(
                                                    12, anyBelow<std::uint16_t>(55440))),
      [by_weight](const std::pair<std::size_t, std::vector<std::uint16_t>>& chosen) {
        Step step{.kind = by_weight[chosen.first]};
        std::ranges::copy(chosen.second, step.choices.begin());
        return step;
      });
}

// Thirty on the average.
inline rc::Gen<std::vector<Step>> anySequence() {
  return rc::gen::resize(60, rc::gen::container<std::vector<Step>>(anyStep()));
}

}  // namespace strata::lockstep
