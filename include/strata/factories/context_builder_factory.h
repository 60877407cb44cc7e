// createContextBuilder(backends, sources): a context builder on whatever is configured.
//
//   auto clarify = strata::createClarifyStores(*backends);
//   auto builder = strata::createContextBuilder(*backends, clarify->sources);
//
// docs/context_builder.md has the rules of a context.
#pragma once

#include <memory>

#include "strata/factories/backends.h"
#include "strata/stores/clarify/context_builder.h"

namespace strata {

// InvalidArgument: a source is missing, or an option is out of range.
//
// `executor` is where queries run in parallel. None: threads of the builder's own, as many as the
// database has connections, so that a crowd of cold builds waits for the database and not for a
// thread.
absl::StatusOr<std::unique_ptr<ContextBuilder>> createContextBuilder(
    const Backends& backends, ContextSources sources, const ContextBuilderOptions& options = {},
    std::shared_ptr<Executor> executor = nullptr);

}  // namespace strata
