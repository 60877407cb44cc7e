// Conversations; their paths are in in_memory_paths.cpp, their messages in in_memory_messages.cpp.
#include "stores/conversations/conversation/in_memory_conversation_tables.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "src/store/page_bound.h"

namespace strata::internal {
namespace {

using ConversationRow = InMemoryConversations::ConversationRow;

bool hasStatus(const Conversation& conversation, ConversationStatus status) {
  if (status == ConversationStatus::kAll) return true;
  return conversation.archived_at.has_value() == (status == ConversationStatus::kArchived);
}

// kRead of authorization.h.
bool mayRead(const Conversation& conversation, const std::optional<std::string>& reader) {
  return effectiveAudience(conversation) != ShareAudience::kPrivate || !conversation.user_id ||
         conversation.user_id == reader;
}

auto activityKey(const Conversation& conversation) {
  return std::tuple(conversation.tenant_id, activeAt(conversation), conversation.id);
}

Snapshot<Conversation> snapshotOf(const ConversationRow* row) {
  return row == nullptr ? Snapshot<Conversation>() : makeSnapshot(row->record, row->version);
}

}  // namespace

absl::StatusOr<Snapshot<Conversation>> InMemoryConversationTables::conversation(
    const std::string& tenant, const std::string& id) {
  return snapshotOf(data_.conversations.find({tenant, id}));
}

absl::StatusOr<std::vector<Snapshot<Conversation>>> InMemoryConversationTables::conversations(
    const std::string& tenant, absl::Span<const std::string> ids) {
  std::vector<Snapshot<Conversation>> found;
  for (const std::string& id : ids)
    found.push_back(snapshotOf(data_.conversations.find({tenant, id})));
  std::size_t bytes = 0;
  for (const Snapshot<Conversation>& one : found) {
    if (one != nullptr) bytes += pageBytes(typeInfo<Conversation>(), &*one);
  }
  if (bytes > kMaxPageBytes) return pageTooLarge();
  return found;
}

absl::StatusOr<Snapshot<Conversation>> InMemoryConversationTables::lockConversationOfPath(
    const std::string& tenant, const std::string& id) {
  const Path* const path = data_.paths.find({tenant, id});
  if (path == nullptr) return nullptr;
  return conversation(tenant, path->conversation_id);
}

absl::StatusOr<Snapshot<Conversation>> InMemoryConversationTables::lockConversationOfMessage(
    const std::string& tenant, const std::string& id) {
  const auto found = message(tenant, id);
  if (!found->has_value()) return nullptr;
  return conversation(tenant, (*found)->conversation_id);
}

absl::StatusOr<std::vector<Conversation>> InMemoryConversationTables::list(
    const std::string& tenant, const ListFilter& filter) {
  const auto& index = data_.by_activity.all();
  // Backwards from the cursor, or from the end of the tenant.
  auto at = filter.after ? index.lower_bound({tenant, filter.after->active_at, filter.after->id})
                         : index.upper_bound({tenant, Timestamp::max(), ""});
  std::vector<Conversation> page;
  while (at != index.begin() && static_cast<std::int64_t>(page.size()) < filter.limit) {
    const auto& [owner, active_at, id] = (--at)->first;
    if (owner != tenant) break;
    const Conversation& found = data_.conversations.find({tenant, id})->record;
    if (hasStatus(found, filter.status) && mayRead(found, filter.reader)) page.push_back(found);
  }
  return page;
}

absl::StatusOr<std::vector<Conversation>> InMemoryConversationTables::needingCompaction(
    const std::string& tenant, const CompactionFilter& filter) {
  std::vector<Conversation> due;
  const auto& index = data_.by_activity.all();
  for (auto at = index.lower_bound({tenant, filter.active_since, ""});
       at != index.end() && std::get<0>(at->first) == tenant; ++at) {
    const std::string& id = std::get<2>(at->first);
    const Conversation& found = data_.conversations.find({tenant, id})->record;
    if (found.archived_at ||
        (found.last_compacted_at && *found.last_compacted_at >= filter.not_compacted_since)) {
      continue;
    }
    std::int64_t messages = 0;
    visitPaths(tenant, id, [&](const Path& path) { messages += path.message_count; });
    if (messages > filter.more_messages_than) due.push_back(found);
  }
  const auto order = [](const Conversation& a, const Conversation& b) {
    const auto compacted = std::tuple(a.last_compacted_at, activeAt(b), b.id);
    return compacted < std::tuple(b.last_compacted_at, activeAt(a), a.id);
  };
  std::ranges::sort(due, order);
  if (static_cast<std::int64_t>(due.size()) > filter.limit) {
    due.resize(static_cast<std::size_t>(filter.limit));
  }
  return asPage(std::move(due));
}

absl::Status InMemoryConversationTables::insertConversation(const Conversation& conversation) {
  return updateConversation(conversation);
}

absl::Status InMemoryConversationTables::updateConversation(const Conversation& conversation) {
  const std::pair key(conversation.tenant_id, conversation.id);
  if (const ConversationRow* before = data_.conversations.find(key)) {
    data_.by_activity.erase(changes_, activityKey(before->record));
  }
  data_.by_activity.put(changes_, activityKey(conversation), {});
  data_.conversations.put(changes_, key, {conversation, changes_.nextVersion()});
  return absl::OkStatus();
}

}  // namespace strata::internal
