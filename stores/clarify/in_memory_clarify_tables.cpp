#include "stores/clarify/in_memory_clarify_tables.h"

#include <utility>

namespace strata::internal {

absl::StatusOr<std::optional<ClarifySession>> InMemoryClarifySessionRows::doNoteMessage(
    const std::string& user_id, const std::string& id, Timestamp at) {
  auto found = find(user_id, id);
  if (!found.ok() || !*found) return found;
  ClarifySession& session = **found;
  ++session.message_count;
  session.last_message_at = std::max(session.last_message_at, at);
  put(session);
  return found;
}

InMemoryClarifyTables::InMemoryClarifyTables(InMemoryClarify& data, InMemoryChanges& changes)
    : data_(data),
      changes_(changes),
      dreams_(data.dreams, changes),
      patterns_(data.patterns, changes),
      sessions_(data.sessions, changes),
      reflections_(data.reflections, changes) {}

absl::StatusOr<std::vector<UserProfile>> InMemoryClarifyTables::users(
    absl::Span<const std::string> ids) {
  std::vector<UserProfile> found;
  for (const std::string& id : ids) {
    if (const UserProfile* user = data_.users.find(id); user != nullptr) found.push_back(*user);
  }
  return asPage(std::move(found));
}

absl::StatusOr<std::optional<UserProfile>> InMemoryClarifyTables::lockUser(const std::string& id) {
  const UserProfile* found = data_.users.find(id);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

absl::StatusOr<UserProfile> InMemoryClarifyTables::doPutUser(const UserProfile& user) {
  UserProfile stored = user;
  if (const UserProfile* before = data_.users.find(user.id); before != nullptr) {
    stored = *before;
    stored.name = user.name;
    stored.tier = user.tier;
    stored.updated_at = std::max(before->updated_at, user.updated_at);
  }
  data_.users.put(changes_, user.id, stored);
  return stored;
}

absl::Status InMemoryClarifyTables::doUpdateUser(const UserProfile& user) {
  data_.users.put(changes_, user.id, user);
  return absl::OkStatus();
}

absl::StatusOr<bool> InMemoryClarifyTables::doRemoveUser(const std::string& id) {
  if (data_.users.find(id) == nullptr) return false;
  for (const absl::Status& removed : {dreams_.removeAll(id), patterns_.removeAll(id),
                                      sessions_.removeAll(id), reflections_.removeAll(id)}) {
    if (!removed.ok()) return removed;
  }
  data_.users.erase(changes_, id);
  return true;
}

}  // namespace strata::internal
