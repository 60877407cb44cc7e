#include "stores/conversations/path/path_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "stores/base/text_limits.h"
#include "stores/base/uuid.h"
#include "stores/conversations/conversation/conversation_rules.h"
#include "strata/records/json_codec.h"

namespace strata::internal {
namespace {

// Where a copied message comes from: the member `merged_from` of its metadata.
struct MergeOrigin {
  std::string message_id;
  std::string path_id;
};
BOOST_DESCRIBE_STRUCT(MergeOrigin, (), (message_id, path_id))

absl::Status broken(const char* rule) { return absl::FailedPreconditionError(rule); }

absl::Status checkPaths(const Path& source, const Path& target) {
  if (source.id == target.id) return broken("a path cannot be merged into itself");
  if (source.conversation_id != target.conversation_id) {
    return broken("paths of different conversations cannot be merged");
  }
  if (source.is_primary) return broken("the primary path cannot be merged into another");
  if (source.merged_at) return broken("the path was merged already");
  return checkOpen(target);
}

// Those of `live` that are asked for, in their order.
absl::StatusOr<std::vector<Message>> select(std::vector<Message> live,
                                            const std::vector<std::string>& ids) {
  const auto is_live = [&](const std::string& id) {
    return std::ranges::find(live, id, &Message::id) != live.end();
  };
  if (!std::ranges::all_of(ids, is_live)) return noSuch("message on the path that is merged");
  std::erase_if(live, [&](const Message& message) {
    return std::ranges::find(ids, message.id) == ids.end();
  });
  return live;
}

Json withOrigin(const Json& metadata, const MergeOrigin& origin) {
  // Both are objects of our own making, so neither can fail.
  auto members = *decodeJson<std::map<std::string, Json>>(metadata.text());
  members["merged_from"] = *Json::parse(encodeJson(origin));
  return *Json::parse(encodeJson(members));
}

Message copyOf(const Message& original, const MergeRequest& request, Timestamp now) {
  Message copy = original;
  copy.id = newUuid(now);
  copy.path_id = request.target_path_id;
  copy.metadata =
      withOrigin(original.metadata, {.message_id = original.id, .path_id = original.path_id});
  copy.is_branch_point = false;
  copy.branched_to_paths.clear();
  copy.created_at = now;
  if (!request.preserve_pinned) {
    copy.is_pinned = false;
    copy.pinned_at.reset();
    copy.pinned_by.reset();
  }
  return copy;
}

Message summaryOf(const Path& source, const MergeRequest& request, std::size_t messages,
                  Timestamp now) {
  Message summary{.id = newUuid(now),
                  .conversation_id = source.conversation_id,
                  .path_id = request.target_path_id,
                  .role = MessageRole::kSystem,
                  .content = request.summary,
                  .user_id = request.user_id,
                  .message_type = MessageType::kMergeSummary,
                  .created_at = now};
  if (summary.content.empty()) {
    summary.content = fmt::format("Merged {} messages of the path \"{}\".", messages,
                                  source.name.value_or(source.id));
  }
  return summary;
}

absl::StatusOr<std::vector<Message>> added(ConversationTables& tables, const Path& source,
                                           const MergeRequest& request, Timestamp now) {
  auto messages = tables.liveMessages(source.tenant_id, source.id);
  if (!messages.ok()) return messages.status();
  if (request.mode == MergeMode::kSummary) {
    return std::vector<Message>{summaryOf(source, request, messages->size(), now)};
  }
  if (request.mode == MergeMode::kSelective) {
    messages = select(*std::move(messages), request.message_ids);
    if (!messages.ok()) return messages.status();
  }
  std::vector<Message> copies;
  for (const Message& original : *messages) {
    copies.push_back(copyOf(original, request, now));
    if (absl::Status status = checkTexts(copies.back()); !status.ok()) return status;
  }
  return copies;
}

void markMerged(const MergeRequest& request, Timestamp now, MergeResult& result) {
  Path& source = result.source;
  source.merged_to_path_id = request.target_path_id;
  source.merged_at = source.updated_at = now;
  source.merge_mode = request.mode;
  if (request.mode == MergeMode::kSummary) {
    source.merge_summary_message_id = result.added.front().id;
  }
  if (request.archive_source) source.is_active = false;
  if (result.added.empty()) return;
  result.target.updated_at = now;
  result.target.message_count += static_cast<std::int64_t>(result.added.size());
}

}  // namespace

absl::StatusOr<MergeResult> planMerge(ConversationTables& tables, const Conversation& conversation,
                                      const MergeRequest& request, Timestamp now) {
  auto source = found(tables.path(conversation.tenant_id, request.source_path_id), "path");
  if (!source.ok()) return source.status();
  auto target = found(tables.path(conversation.tenant_id, request.target_path_id), "path");
  if (!target.ok()) return target.status();
  if (absl::Status status = checkPaths(*source, *target); !status.ok()) return status;
  auto messages = added(tables, *source, request, now);
  if (!messages.ok()) return messages.status();
  const auto newest = tables.newestMessages(conversation.tenant_id, conversation.id, target->id, 1);
  if (!newest.ok()) return newest.status();
  std::int64_t sequence = newest->empty() ? 0 : newest->front().sequence_in_path;
  for (Message& message : *messages) message.sequence_in_path = ++sequence;
  MergeResult result{
      .source = *std::move(source), .target = *std::move(target), .added = *std::move(messages)};
  markMerged(request, now, result);
  return result;
}

absl::Status carryOut(ConversationTables& tables, const Conversation& conversation, Timestamp now,
                      MergeResult& plan) {
  if (!plan.added.empty()) {
    absl::Status status = tables.append(conversation.tenant_id, plan.added);
    if (!status.ok()) return status;
  }
  if (absl::Status status = tables.update(plan.source); !status.ok()) return status;
  if (conversation.active_path_id != plan.source.id) return touch(tables, conversation, now);
  // Nothing can be added to it any more. Read again: appending has changed the conversation.
  const auto current = tables.conversation(conversation.tenant_id, conversation.id);
  if (!current.ok()) return current.status();
  Conversation moved = **current;
  moved.active_path_id = plan.target.id;
  moved.updated_at = now;
  return tables.update(moved);
}

}  // namespace strata::internal
