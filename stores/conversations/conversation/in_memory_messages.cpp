#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "src/store/page_bound.h"
#include "stores/conversations/conversation/in_memory_conversation_tables.h"

namespace strata::internal {
namespace {

constexpr std::int64_t kToTheEnd = std::numeric_limits<std::int64_t>::max();

// The order of a conversation.
auto orderOf(const Message& message) {
  return std::tuple(message.created_at, message.sequence_in_path, message.id);
}

bool isWanted(const Message& message, const ResolveQuery& query) {
  if (message.deleted_at && !query.include_deleted) return false;
  if (!message.is_pinned && query.pinned_only) return false;
  return !query.role || message.role == *query.role;
}

// The part of a list that `limit` and `offset` ask for.
std::vector<Message> pageOf(std::vector<Message> all, const ResolveQuery& query) {
  const auto size = static_cast<std::int64_t>(all.size());
  const std::int64_t first = std::min(query.offset, size);
  const std::int64_t count = std::min(query.limit.value_or(size), size - first);
  all.erase(all.begin(), all.begin() + first);
  all.resize(static_cast<std::size_t>(count));
  return all;
}

}  // namespace

void InMemoryConversationTables::visitMessages(const std::string& tenant, const std::string& path,
                                               std::int64_t last, const VisitMessage& visit) const {
  const auto& index = data_.messages.all();
  for (auto at = index.lower_bound({tenant, path, 0}); at != index.end(); ++at) {
    const auto& [owner, parent, sequence] = at->first;
    if (owner != tenant || parent != path || sequence > last) return;
    visit(at->second);
  }
}

absl::StatusOr<std::optional<Message>> InMemoryConversationTables::message(
    const std::string& tenant, const std::string& id) {
  const auto* const place = data_.places.find({tenant, id});
  if (place == nullptr) return std::nullopt;
  return *data_.messages.find({tenant, place->path_id, place->sequence});
}

absl::StatusOr<std::vector<Message>> InMemoryConversationTables::newestMessages(
    const std::string& tenant, const std::string& conversation,
    const std::optional<std::string>& path, std::int64_t limit) {
  // Of each path no more than `limit` can be among them.
  std::vector<Message> newest;
  const auto& index = data_.messages.all();
  for (const std::string& id : pathIdsOf(tenant, conversation, path)) {
    auto at = index.upper_bound({tenant, id, kToTheEnd});
    for (std::int64_t n = 0; n < limit && at != index.begin(); ++n) {
      --at;
      if (std::get<0>(at->first) != tenant || std::get<1>(at->first) != id) break;
      newest.push_back(at->second);
    }
  }
  std::ranges::sort(newest, {}, orderOf);
  const auto count = static_cast<std::int64_t>(newest.size());
  if (count > limit) newest.erase(newest.begin(), newest.begin() + (count - limit));
  return asPage(std::move(newest));
}

absl::StatusOr<std::vector<Message>> InMemoryConversationTables::resolvedMessages(
    const std::string& tenant, const std::string& path, const ResolveQuery& query) {
  const auto line = chain(tenant, path);
  std::vector<Message> wanted;
  for (std::size_t i = 0; i < line->size(); ++i) {
    std::int64_t last = kToTheEnd;
    if (i + 1 < line->size()) {
      last = data_.places.find({tenant, *(*line)[i + 1].branch_point_message_id})->sequence;
    }
    visitMessages(tenant, (*line)[i].id, last, [&](const Message& message) {
      if (isWanted(message, query)) wanted.push_back(message);
    });
  }
  return asPage(pageOf(std::move(wanted), query));
}

absl::StatusOr<std::vector<Message>> InMemoryConversationTables::liveMessages(
    const std::string& tenant, const std::string& path) {
  std::vector<Message> live;
  visitMessages(tenant, path, kToTheEnd, [&](const Message& message) {
    if (!message.deleted_at) live.push_back(message);
  });
  return live;
}

absl::StatusOr<std::vector<Message>> InMemoryConversationTables::branchPoints(
    const std::string& tenant, const std::string& path) {
  std::vector<Message> points;
  visitMessages(tenant, path, kToTheEnd, [&](const Message& message) {
    if (message.is_branch_point) points.push_back(message);
  });
  return asPage(std::move(points));
}

absl::StatusOr<std::vector<Message>> InMemoryConversationTables::pinnedMessages(
    const std::string& tenant, const std::string& conversation,
    const std::optional<std::string>& path) {
  std::vector<Message> pinned;
  for (const std::string& id : pathIdsOf(tenant, conversation, path)) {
    visitMessages(tenant, id, kToTheEnd, [&](const Message& message) {
      if (message.is_pinned && !message.deleted_at) pinned.push_back(message);
    });
  }
  std::ranges::sort(pinned, {}, orderOf);
  return asPage(std::move(pinned));
}

absl::StatusOr<std::int64_t> InMemoryConversationTables::pinnedCount(
    const std::string& tenant, const std::string& conversation,
    const std::optional<std::string>& path) {
  std::int64_t count = 0;
  for (const std::string& id : pathIdsOf(tenant, conversation, path)) {
    visitMessages(tenant, id, kToTheEnd, [&](const Message& message) {
      if (message.is_pinned && !message.deleted_at) ++count;
    });
  }
  return count;
}

absl::Status InMemoryConversationTables::appendMessages(const std::string& tenant,
                                                        std::vector<Message>& messages) {
  const std::string path_id = messages.front().path_id;
  const Timestamp now = messages.back().created_at;
  const std::vector<Message> last =
      *newestMessages(tenant, messages.front().conversation_id, path_id, 1);
  std::int64_t sequence = last.empty() ? 0 : last.front().sequence_in_path;
  for (Message& message : messages) {
    message.sequence_in_path = ++sequence;
    data_.messages.put(changes_, {tenant, path_id, sequence}, message);
    data_.places.put(changes_, {tenant, message.id}, {path_id, sequence});
  }
  Path path = *data_.paths.find({tenant, path_id});
  path.message_count += static_cast<std::int64_t>(messages.size());
  path.updated_at = now;
  data_.paths.put(changes_, {tenant, path_id}, path);
  Conversation conversation = data_.conversations.find({tenant, path.conversation_id})->record;
  conversation.last_message_at = conversation.updated_at = now;
  return updateConversation(conversation);
}

absl::Status InMemoryConversationTables::update(const std::string& tenant, const Message& message) {
  data_.messages.put(changes_, {tenant, message.path_id, message.sequence_in_path}, message);
  return absl::OkStatus();
}

}  // namespace strata::internal
