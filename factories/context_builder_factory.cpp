#include "strata/factories/context_builder_factory.h"

#include <utility>

#include "strata/adapters/postgres/postgres_pool.h"

namespace strata {
namespace {

absl::Status check(const ContextSources& sources, const ContextBuilderOptions& options) {
  const bool is_whole = sources.user != nullptr && sources.dreams != nullptr &&
                        sources.patterns != nullptr && sources.sessions != nullptr &&
                        sources.reflections != nullptr;
  if (!is_whole) return absl::InvalidArgumentError("context builder: a source is missing");
  if (options.max_tokens < 1 || options.max_tokens > kMaxContextTokens) {
    return absl::InvalidArgumentError("context builder: max_tokens must be 1 to 10 000 000");
  }
  if (options.timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("context builder: timeout must be above zero");
  }
  return absl::OkStatus();
}

std::shared_ptr<Executor> executorFor(const Backends& backends) {
  if (backends.database == nullptr) return backends.executor;
  return Executor::withThreads(backends.database->stats().size);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ContextBuilder>> createContextBuilder(
    const Backends& backends, ContextSources sources, const ContextBuilderOptions& options,
    std::shared_ptr<Executor> executor) {
  if (absl::Status valid = check(sources, options); !valid.ok()) return valid;
  if (executor == nullptr) executor = executorFor(backends);
  return makeContextBuilder(std::move(sources), options, backends.metrics, *backends.clock,
                            std::move(executor));
}

}  // namespace strata
