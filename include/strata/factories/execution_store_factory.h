// createExecutionStore(config): the execution context store on whatever is configured.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/factories/backends.h"
#include "strata/stores/conversations/execution/execution_store.h"

namespace strata {

// Applies the migrations of the conversation stores that the database lacks. Never cached.
//
// Errors are those of `connect`. FailedPrecondition also: a migration that was applied before has
// another text now.
absl::StatusOr<std::unique_ptr<ExecutionStore>> createExecutionStore(const Backends& backends);
absl::StatusOr<std::unique_ptr<ExecutionStore>> createExecutionStore(const Config& config);

}  // namespace strata
