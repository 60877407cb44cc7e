#include "strata/stores/conversations/conversation/authorization.h"

#include "strata/records/json_codec.h"

namespace strata {
namespace {

// What the library reads of an authorization_spec.
struct AuthorizationSpec {
  ShareAudience fallback_audience = ShareAudience::kPrivate;
};
BOOST_DESCRIBE_STRUCT(AuthorizationSpec, (), (fallback_audience))

}  // namespace

ShareAudience effectiveAudience(const Conversation& conversation) {
  if (conversation.authorization_model == AuthorizationModel::kRbac) {
    return conversation.share_audience;
  }
  const auto spec = decodeJson<AuthorizationSpec>(conversation.authorization_spec.text());
  return spec.ok() ? spec->fallback_audience : ShareAudience::kPrivate;
}

Access RowAuthorization::decide(const Conversation& conversation, const Caller& caller,
                                ConversationAction action) {
  if (caller.tenant_id != conversation.tenant_id) {
    return {false, "the conversation is another tenant's"};
  }
  if (!conversation.user_id) return {true, "the conversation has no owner"};
  if (conversation.user_id == caller.user_id) return {true, "the caller is the owner"};
  const ShareAudience audience = effectiveAudience(conversation);
  if (action == ConversationAction::kRead) {
    if (audience == ShareAudience::kPrivate) return {false, "the conversation is private"};
    return {true, "the conversation is shared with the tenant"};
  }
  if (action == ConversationAction::kManage) return {false, "only the owner may do this"};
  const bool tenant_edits =
      audience == ShareAudience::kTenant && conversation.tenant_access == TenantAccess::kEdit;
  if (!tenant_edits) return {false, "the conversation is not shared for editing"};
  if (!caller.user_id) return {false, "only a user may write here"};
  return {true, "the tenant's users may edit the conversation"};
}

}  // namespace strata
