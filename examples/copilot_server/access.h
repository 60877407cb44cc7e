// Who may do what with a conversation, for routes whose store knows only its tenant.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/copilot_server/router.h"
#include "examples/copilot_server/service.h"
#include "strata/stores/conversations/path/path.h"

namespace copilot {

// Both speak of the conversation that the first argument of the path names. NotFound: there is none that
// the caller may read. PermissionDenied: they may read it and not write to it.
absl::Status checkRead(Service& service, const Call& call);
absl::Status checkWrite(Service& service, const Call& call);

// The path `id` of that conversation. NotFound also where it is one of another's.
absl::StatusOr<strata::Path> pathOf(Service& service, const Call& call, const std::string& id);

}  // namespace copilot
