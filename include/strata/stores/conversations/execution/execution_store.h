// ExecutionStore: the ExecutionContext of every path that runs code, at most one at a time.
//
//   auto executions = createExecutionStore(backends);   // factories/execution_store_factory.h
//   auto made = (*executions)->createContext({.tenant_id = tenant,
//                                             .conversation_id = conversation,
//                                             .path_id = path});
//   if (made->created) startSandbox(made->context.id);
//
// An execution context is live while it is neither terminated nor expired. Never cached: what was
// written is what is read next, wherever. It keeps records; starting and ending sandboxes is the
// application's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/stores/conversations/execution/execution_context.h"

namespace strata {

inline constexpr absl::Duration kMaxExecutionTtl = absl::Hours(24);

struct NewExecutionContext {
  std::string tenant_id;
  std::string conversation_id;
  std::string path_id;
  // Empty: not known yet; updateStatus sets it.
  std::string sandbox_id = {};
  // How long it lives from each use on; above zero, at most kMaxExecutionTtl.
  absl::Duration ttl = absl::Minutes(30);
  // A UUID of the caller's. None: a new one.
  std::optional<std::string> id = {};
};

struct CreatedExecutionContext {
  ExecutionContext context;
  // False: it was there already, with whatever id, sandbox and ttl it has.
  bool created = false;
  // The one of the path that had expired, which this terminated; its sandbox may still run.
  std::optional<ExecutionContext> replaced = {};
};

// What is absent stays as it is, but that kReady clears the error message.
struct SandboxUpdate {
  SandboxStatus status;
  std::optional<std::string> error_message = {};
  std::optional<std::string> sandbox_id = {};
  std::optional<Json> resource_usage = {};
};

// Thread-safe. Ids are UUIDs in either case. The errors of every method, beside those of Store<T>:
//
//   NotFound         there is no such row in this tenant
//   InvalidArgument  what was given cannot be; the message names it
class ExecutionStore {
 public:
  virtual ~ExecutionStore() = default;

  // The live one of the path where there is one, else a new one, with the status kCreating. Of any
  // number of concurrent calls exactly one creates. An expired one that nobody has terminated is
  // terminated by this, with an error message that says so.
  // NotFound: the tenant has no such conversation, or that has no such path. AlreadyExists: the id
  // is another one's.
  virtual absl::StatusOr<CreatedExecutionContext> createContext(
      const NewExecutionContext& context, const WriteOptions& options = {}) = 0;

  // Live or not.
  virtual absl::StatusOr<ExecutionContext> getContext(std::string_view tenant_id,
                                                      std::string_view id,
                                                      const ReadOptions& options = {}) = 0;
  // The live one, or none.
  virtual absl::StatusOr<std::optional<ExecutionContext>> getContextByPath(
      std::string_view tenant_id, std::string_view conversation_id, std::string_view path_id,
      const ReadOptions& options = {}) = 0;

  // It is used now: it expires its ttl from now. A `ttl` is its ttl from now on, longer or shorter.
  // NotFound also: it is not live any more.
  virtual absl::StatusOr<ExecutionContext> touchContext(std::string_view tenant_id,
                                                        std::string_view id,
                                                        std::optional<absl::Duration> ttl = {},
                                                        const WriteOptions& options = {}) = 0;

  // What became of the sandbox; no use of it. From kCreating to any other status, between kReady
  // and kError at will (or the same again), from each to kTerminated.
  // FailedPrecondition: any other way; what is terminated stays so.
  virtual absl::StatusOr<ExecutionContext> updateStatus(std::string_view tenant_id,
                                                        std::string_view id,
                                                        const SandboxUpdate& update,
                                                        const WriteOptions& options = {}) = 0;
  // What is terminated already stays as it is.
  virtual absl::StatusOr<ExecutionContext> terminateContext(std::string_view tenant_id,
                                                            std::string_view id,
                                                            const WriteOptions& options = {}) = 0;

  // Expired and not terminated, the one that expired first first. At most `limit`, 1 to 1000.
  virtual absl::StatusOr<std::vector<ExecutionContext>> getExpiredContexts(
      std::string_view tenant_id, std::int64_t limit = 50, const ReadOptions& options = {}) = 0;
  // Removes those that were terminated `age` ago or earlier, the oldest first, at most `limit`,
  // 1 to 1000; answers how many. Fewer than `limit`: no more are left, but for those that another
  // call removes at this moment.
  virtual absl::StatusOr<std::int64_t> purgeTerminated(std::string_view tenant_id,
                                                       absl::Duration age = absl::Hours(7 * 24),
                                                       std::int64_t limit = 100,
                                                       const WriteOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

}  // namespace strata
