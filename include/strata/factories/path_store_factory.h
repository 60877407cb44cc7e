// createPathStore(config): the branches of conversations on whatever is configured.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/factories/backends.h"
#include "strata/stores/conversations/path/path_store.h"

namespace strata {

// Made from the same backends as the ConversationStore. Applies the migrations of the conversation
// stores that the database lacks. Never cached; it deletes the cached copies of the conversations
// that it changes.
//
// Errors are those of `connect` and `applyMigrations`.
absl::StatusOr<std::unique_ptr<PathStore>> createPathStore(const Backends& backends);
absl::StatusOr<std::unique_ptr<PathStore>> createPathStore(const Config& config);

}  // namespace strata
