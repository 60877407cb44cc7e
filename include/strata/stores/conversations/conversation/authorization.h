// Who may do what with a conversation.
//
//   RowAuthorization rows;                                   // the rules below, from the row alone
//   Access access = rows.decide(conversation, {tenant, user}, ConversationAction::kWrite);
//   if (!access.allowed) return absl::PermissionDeniedError(access.reason);
//
// The rules, for the effective audience (the row's `share_audience`; with the model kOpenfga the
// `fallback_audience` of its `authorization_spec`, private where it names none):
//
//   kRead     the audience is the tenant or public, or there is no owner, or the caller is it
//   kWrite    the audience is the tenant, which may edit, and the caller is a user; or there is no
//             owner, or the caller is it
//   kManage   there is no owner, or the caller is it (sharing, archiving)
//
// None of them reaches beyond the tenant, "public" included.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "strata/stores/conversations/conversation/conversation.h"

namespace strata {

// Who asks. Both are UUIDs.
struct Caller {
  std::string tenant_id;
  // None: the application itself, which owns nothing.
  std::optional<std::string> user_id;
};

enum class ConversationAction : std::uint8_t { kRead, kWrite, kManage };

struct Access {
  bool allowed = false;
  // For people and logs: "the caller is the owner". Never empty.
  std::string reason;
};

ShareAudience effectiveAudience(const Conversation& conversation);

// Decides. The seam for a relationship service of the application's own; `RowAuthorization` asks
// nobody, FakeAuthorization (testing/) is told what to say.
//
// Thread-safe. Called for every operation on one conversation, a cache hit included, and for writes
// while the conversation is locked: so it must be quick and call no store of conversations. What it
// throws is Internal to the caller of the store, who gets and changes nothing. Lists
// are filtered by the row's rules, in SQL; an implementation that is stricter than those has to
// filter what lists answer by itself.
class AuthorizationService {
 public:
  virtual ~AuthorizationService() = default;
  virtual Access decide(const Conversation& conversation, const Caller& caller,
                        ConversationAction action) = 0;
};

// Thread-safe.
class RowAuthorization final : public AuthorizationService {
 public:
  Access decide(const Conversation& conversation, const Caller& caller,
                ConversationAction action) override;
};

}  // namespace strata
