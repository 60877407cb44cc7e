#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "stores/conversations/conversation/conversation_tables.h"

namespace strata::internal {

// The text of a cursor, fit for URLs, and back. InvalidArgument: it is none of ours.
std::string encodeCursor(const ActivityCursor& cursor);
absl::StatusOr<ActivityCursor> decodeCursor(std::string_view text);

}  // namespace strata::internal
