#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "src/cache/invalidator.h"
#include "stores/base/cached_database.h"
#include "stores/conversations/conversation/conversation_tables.h"

namespace strata::internal {

// The tables of conversations for the two stores on them. Whatever a write changed of conversation
// records, it deletes their cached copies.
class ConversationDatabase : public CachedDatabase<ConversationTables> {
 public:
  // Without an invalidator nothing is cached by anybody.
  ConversationDatabase(std::shared_ptr<Transactor<ConversationTables>> transactor,
                       std::optional<Invalidator> invalidator)
      : CachedDatabase(std::move(transactor)), invalidator_(std::move(invalidator)) {}

  template <typename R, typename Work>
  absl::StatusOr<R> write(const StoreOperation& operation, const WriteOptions& options, Work work) {
    return writeThen<R>(operation, options, std::move(work),
                        [&](const std::vector<Id>& changed, const absl::Status& written) {
                          if (!invalidator_ || changed.empty()) return;
                          invalidator_->after(written, changed, options.unit);
                        });
  }

  // What is stamped on a change of a conversation: the wall clock, which several hosts have, but
  // always later than the conversation's last change.
  Timestamp stampAfter(const Conversation& conversation) const {
    return std::max(now(), conversation.updated_at + std::chrono::microseconds(1));
  }

 private:
  std::optional<Invalidator> invalidator_;
};

}  // namespace strata::internal
