#include <algorithm>
#include <limits>
#include <tuple>

#include "src/store/page_bound.h"
#include "stores/conversations/conversation/in_memory_conversation_tables.h"
#include "stores/conversations/execution/in_memory_execution_tables.h"

namespace strata::internal {

void InMemoryConversationTables::visitPaths(const std::string& tenant,
                                            const std::string& conversation,
                                            const VisitPath& visit) const {
  const auto& index = data_.paths_of.all();
  for (auto at = index.lower_bound({tenant, conversation, ""}); at != index.end(); ++at) {
    const auto& [owner, parent, id] = at->first;
    if (owner != tenant || parent != conversation) return;
    visit(*data_.paths.find({tenant, id}));
  }
}

Path InMemoryConversationTables::withCounts(Path path) const {
  path.branch_count = 0;
  visitPaths(path.tenant_id, path.conversation_id, [&](const Path& other) {
    if (other.parent_path_id == path.id) ++path.branch_count;
  });
  return path;
}

std::vector<std::string> InMemoryConversationTables::pathIdsOf(
    const std::string& tenant, const std::string& conversation,
    const std::optional<std::string>& only) const {
  std::vector<std::string> ids;
  visitPaths(tenant, conversation, [&](const Path& path) {
    if (!only || *only == path.id) ids.push_back(path.id);
  });
  return ids;
}

absl::StatusOr<std::optional<Path>> InMemoryConversationTables::path(const std::string& tenant,
                                                                     const std::string& id) {
  const Path* const found = data_.paths.find({tenant, id});
  if (found == nullptr) return std::nullopt;
  return withCounts(*found);
}

absl::StatusOr<std::optional<Path>> InMemoryConversationTables::primaryPath(
    const std::string& tenant, const std::string& conversation) {
  std::optional<Path> primary;
  visitPaths(tenant, conversation, [&](const Path& path) {
    if (path.is_primary) primary = withCounts(path);
  });
  return primary;
}

absl::StatusOr<std::vector<Path>> InMemoryConversationTables::pathsOf(
    const std::string& tenant, const std::string& conversation, const PathQuery& query) {
  std::vector<Path> found;
  visitPaths(tenant, conversation, [&](const Path& path) {
    if (!path.is_active && !query.include_inactive) return;
    if (query.parent == PathParent::kRoots && path.parent_path_id) return;
    if (query.parent == PathParent::kOf && path.parent_path_id != query.parent_path_id) return;
    found.push_back(withCounts(path));
  });
  std::ranges::sort(found, {}, [](const Path& path) {
    return std::tuple(!path.is_primary, path.created_at, path.id);
  });
  return asPage(std::move(found));
}

absl::StatusOr<std::vector<Path>> InMemoryConversationTables::chain(const std::string& tenant,
                                                                    const std::string& path) {
  std::vector<Path> up;
  for (const Path* at = data_.paths.find({tenant, path}); at != nullptr;) {
    up.push_back(withCounts(*at));
    const bool ends = !at->parent_path_id || static_cast<std::int64_t>(up.size()) > kMaxPathDepth;
    at = ends ? nullptr : data_.paths.find({tenant, *at->parent_path_id});
  }
  std::ranges::reverse(up);
  return up;
}

absl::StatusOr<PathUse> InMemoryConversationTables::useOf(const std::string& tenant,
                                                          const std::string& path) {
  PathUse use;
  visitPaths(tenant, data_.paths.find({tenant, path})->conversation_id, [&](const Path& other) {
    if (other.parent_path_id == path) ++use.branches;
    if (other.merged_to_path_id == path) ++use.merged_into;
  });
  return use;
}

absl::Status InMemoryConversationTables::insert(const Path& path) {
  Path stored = path;
  stored.message_count = 0;
  data_.paths_of.put(changes_, {path.tenant_id, path.conversation_id, path.id}, {});
  data_.paths.put(changes_, {path.tenant_id, path.id}, std::move(stored));
  return absl::OkStatus();
}

absl::Status InMemoryConversationTables::update(const Path& path) {
  Path stored = path;
  stored.message_count = data_.paths.find({path.tenant_id, path.id})->message_count;
  data_.paths.put(changes_, {path.tenant_id, path.id}, std::move(stored));
  return absl::OkStatus();
}

absl::Status InMemoryConversationTables::addToMessageCount(const std::string& tenant,
                                                           const std::string& path,
                                                           std::int64_t difference) {
  Path counted = *data_.paths.find({tenant, path});
  counted.message_count += difference;
  data_.paths.put(changes_, {tenant, path}, std::move(counted));
  return absl::OkStatus();
}

absl::Status InMemoryConversationTables::removePath(const std::string& tenant,
                                                    const std::string& path) {
  std::vector<Message> removed;
  visitMessages(tenant, path, std::numeric_limits<std::int64_t>::max(),
                [&](const Message& message) { removed.push_back(message); });
  for (const Message& message : removed) {
    data_.messages.erase(changes_, {tenant, path, message.sequence_in_path});
    data_.places.erase(changes_, {tenant, message.id});
  }
  removeExecutionsOf(data_, changes_, *data_.paths.find({tenant, path}));
  data_.paths_of.erase(changes_, {tenant, data_.paths.find({tenant, path})->conversation_id, path});
  data_.paths.erase(changes_, {tenant, path});
  return absl::OkStatus();
}

}  // namespace strata::internal
