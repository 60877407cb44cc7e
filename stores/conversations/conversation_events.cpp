#include "strata/stores/conversations/conversation_events.h"

namespace strata {

EventChannel conversationEvents(std::string_view tenant_id, std::string_view conversation_id) {
  return {"conversation", {tenant_id, conversation_id}};
}

EventChannel conversationListEvents(std::string_view tenant_id) {
  return {"conversation-list", tenant_id};
}

}  // namespace strata
