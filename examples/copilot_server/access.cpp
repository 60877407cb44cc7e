#include "examples/copilot_server/access.h"

#include "absl/strings/ascii.h"

namespace copilot {

absl::Status checkRead(Service& service, const Call& call) {
  return service.conversations->getConversation(call.caller, call.arguments[0]).status();
}

absl::Status checkWrite(Service& service, const Call& call) {
  if (absl::Status status = checkRead(service, call); !status.ok()) return status;
  auto access = service.conversations->checkAccess(call.caller, call.arguments[0],
                                                   strata::ConversationAction::kWrite);
  if (!access.ok()) return access.status();
  return access->allowed ? absl::OkStatus() : absl::PermissionDeniedError(access->reason);
}

absl::StatusOr<strata::Path> pathOf(Service& service, const Call& call, const std::string& id) {
  auto path = service.paths->getPath(call.caller.tenant_id, id);
  if (!path.ok()) return path;
  if (path->conversation_id == absl::AsciiStrToLower(call.arguments[0])) return path;
  return absl::NotFoundError("the conversation has no such path");
}

}  // namespace copilot
