#include "stores/conversations/execution/in_memory_execution_tables.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/functional/function_ref.h"
#include "src/store/page_bound.h"

namespace strata::internal {
namespace {

using When = std::optional<Timestamp> (*)(const ExecutionContext&);

// Those of a tenant that have a time by then, in its order, at most `limit`.
std::vector<ExecutionContext> firstBy(const InMemoryConversations& data,
                                      const std::string& tenant_id, When when, Timestamp by,
                                      std::int64_t limit) {
  std::vector<ExecutionContext> found;
  const auto& all = data.executions.all();
  for (auto at = all.lower_bound({tenant_id, ""}); at != all.end(); ++at) {
    if (at->first.first != tenant_id) break;
    const std::optional<Timestamp> time = when(at->second);
    if (time && *time <= by) found.push_back(at->second);
  }
  std::ranges::sort(found, {}, [when](const ExecutionContext& context) {
    return std::pair(*when(context), context.id);
  });
  if (found.size() > static_cast<std::size_t>(limit)) found.resize(static_cast<std::size_t>(limit));
  return found;
}

void visitPath(const InMemoryConversations& data, const std::string& tenant_id,
               const std::string& conversation_id, const std::string& path_id,
               absl::FunctionRef<void(const ExecutionContext&)> visit) {
  const auto& index = data.executions_of.all();
  const auto first = index.lower_bound({tenant_id, conversation_id, path_id, ""});
  for (auto at = first; at != index.end(); ++at) {
    const auto& [tenant, conversation, path, id] = at->first;
    if (std::tie(tenant, conversation, path) != std::tie(tenant_id, conversation_id, path_id)) {
      return;
    }
    visit(*data.executions.find({tenant, id}));
  }
}

void remove(InMemoryConversations& data, InMemoryChanges& changes,
            const ExecutionContext& context) {
  data.executions_of.erase(
      changes, {context.tenant_id, context.conversation_id, context.path_id, context.id});
  data.executions.erase(changes, {context.tenant_id, context.id});
}

}  // namespace

absl::StatusOr<bool> InMemoryExecutionTables::lockConversation(const std::string& tenant_id,
                                                               const std::string& conversation_id) {
  return data_.conversations.find({tenant_id, conversation_id}) != nullptr;
}

absl::StatusOr<bool> InMemoryExecutionTables::hasPath(const std::string& tenant_id,
                                                      const std::string& conversation_id,
                                                      const std::string& path_id) {
  const Path* const path = data_.paths.find({tenant_id, path_id});
  return path != nullptr && path->conversation_id == conversation_id;
}

InMemoryExecutionTables::Found InMemoryExecutionTables::find(const std::string& tenant_id,
                                                             const std::string& id) {
  const ExecutionContext* const found = data_.executions.find({tenant_id, id});
  if (found == nullptr) return std::nullopt;
  return *found;
}

InMemoryExecutionTables::Found InMemoryExecutionTables::findUnterminated(
    const std::string& tenant_id, const std::string& conversation_id, const std::string& path_id) {
  std::optional<ExecutionContext> found;
  visitPath(data_, tenant_id, conversation_id, path_id, [&](const ExecutionContext& context) {
    if (!context.terminated_at) found = context;
  });
  return found;
}

absl::StatusOr<std::vector<ExecutionContext>> InMemoryExecutionTables::listExpired(
    const std::string& tenant_id, Timestamp by, std::int64_t limit) {
  const When expires = [](const ExecutionContext& context) {
    return context.terminated_at ? std::nullopt : std::optional(context.expires_at);
  };
  return asPage(firstBy(data_, tenant_id, expires, by, limit));
}

absl::StatusOr<bool> InMemoryExecutionTables::insert(const ExecutionContext& context) {
  if (data_.executions.find({context.tenant_id, context.id}) != nullptr) return false;
  data_.executions.put(changes_, {context.tenant_id, context.id}, context);
  data_.executions_of.put(
      changes_, {context.tenant_id, context.conversation_id, context.path_id, context.id}, {});
  return true;
}

absl::Status InMemoryExecutionTables::update(const ExecutionContext& context) {
  data_.executions.put(changes_, {context.tenant_id, context.id}, context);
  return absl::OkStatus();
}

absl::StatusOr<std::int64_t> InMemoryExecutionTables::removeTerminated(const std::string& tenant_id,
                                                                       Timestamp by,
                                                                       std::int64_t limit) {
  const When terminated = [](const ExecutionContext& context) { return context.terminated_at; };
  const auto found = firstBy(data_, tenant_id, terminated, by, limit);
  for (const ExecutionContext& context : found) remove(data_, changes_, context);
  return static_cast<std::int64_t>(found.size());
}

void removeExecutionsOf(InMemoryConversations& data, InMemoryChanges& changes, const Path& path) {
  std::vector<ExecutionContext> found;
  visitPath(data, path.tenant_id, path.conversation_id, path.id,
            [&](const ExecutionContext& context) { found.push_back(context); });
  for (const ExecutionContext& context : found) remove(data, changes, context);
}

}  // namespace strata::internal
