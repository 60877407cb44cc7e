#pragma once

#include "absl/status/statusor.h"
#include "stores/conversations/conversation/conversation_tables.h"

namespace strata::internal {

// What a merge would do, decided before anything is written. `request` has canonical ids, `now` is
// the time of all of it.
//
// Errors are those of PathStore::mergePath.
absl::StatusOr<MergeResult> planMerge(ConversationTables& tables, const Conversation& conversation,
                                      const MergeRequest& request, Timestamp now);

// Does what was planned, and completes it: the sequences of what was added.
absl::Status carryOut(ConversationTables& tables, const Conversation& conversation, Timestamp now,
                      MergeResult& plan);

}  // namespace strata::internal
