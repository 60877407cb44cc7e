#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "stores/conversation/conversation_tables.h"
#include "stores/transactor.h"
#include "strata/decorators/invalidator.h"

namespace strata {

// The tables of conversations for the two stores on them. Whatever a write changed of conversation
// records, it deletes their cached copies.
class ConversationDatabase {
 public:
  // Without an invalidator nothing is cached by anybody.
  ConversationDatabase(std::shared_ptr<Transactor<ConversationTables>> transactor,
                       std::optional<Invalidator> invalidator)
      : transactor_(std::move(transactor)), invalidator_(std::move(invalidator)) {}

  // `work` takes the tables and answers an absl::StatusOr<R>.
  template <typename R, typename Work>
  absl::StatusOr<R> read(const StoreOperation& operation, const ReadOptions& options, Work work) {
    absl::StatusOr<R> answer = absl::UnknownError("");  // never seen
    absl::Status status = transactor_->read(operation, options, [&](ConversationTables& tables) {
      answer = work(tables);
      return answer.status();
    });
    if (!status.ok()) return status;
    return answer;
  }

  template <typename R, typename Work>
  absl::StatusOr<R> write(const StoreOperation& operation, const WriteOptions& options, Work work) {
    absl::StatusOr<R> answer = absl::UnknownError("");  // never seen
    std::vector<Id> changed;
    absl::Status status = transactor_->write(operation, options, [&](ConversationTables& tables) {
      answer = work(tables);
      changed = tables.changed();
      return answer.status();
    });
    if (invalidator_ && !changed.empty()) invalidator_->after(status, changed, options.unit);
    if (!status.ok()) return status;
    return answer;
  }

  // What is stamped on a change of a conversation: the wall clock, which several hosts have, but
  // always later than the conversation's last change.
  Timestamp stampAfter(const Conversation& conversation) const {
    return std::max(transactor_->clock().wallTime(),
                    conversation.updated_at + std::chrono::microseconds(1));
  }
  Timestamp now() const { return transactor_->clock().wallTime(); }

  Health healthCheck() { return transactor_->healthCheck(); }

 private:
  const std::shared_ptr<Transactor<ConversationTables>> transactor_;
  std::optional<Invalidator> invalidator_;
};

}  // namespace strata
