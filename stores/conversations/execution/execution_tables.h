#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stores/base/transactor.h"
#include "strata/base/metrics.h"
#include "strata/stores/conversations/execution/execution_store.h"

namespace strata::internal {

// What an ExecutionStore asks of its tables. It decides nothing. Ids are canonical.
class ExecutionTables {
 public:
  virtual ~ExecutionTables() = default;

  // Keeps other writers of the conversation away until the transaction ends. False: there is none.
  virtual absl::StatusOr<bool> lockConversation(const std::string& tenant_id,
                                                const std::string& conversation_id) = 0;
  // Whether it is one of that conversation.
  virtual absl::StatusOr<bool> hasPath(const std::string& tenant_id,
                                       const std::string& conversation_id,
                                       const std::string& path_id) = 0;

  virtual absl::StatusOr<std::optional<ExecutionContext>> find(const std::string& tenant_id,
                                                               const std::string& id) = 0;
  // The same, and keeps other writers of it away until the transaction ends.
  virtual absl::StatusOr<std::optional<ExecutionContext>> lock(const std::string& tenant_id,
                                                               const std::string& id) = 0;
  // The one of the path that is not terminated; it may have expired.
  virtual absl::StatusOr<std::optional<ExecutionContext>> findUnterminated(
      const std::string& tenant_id, const std::string& conversation_id,
      const std::string& path_id) = 0;
  // The same, and keeps other writers of it away.
  virtual absl::StatusOr<std::optional<ExecutionContext>> lockUnterminated(
      const std::string& tenant_id, const std::string& conversation_id,
      const std::string& path_id) = 0;
  // Not terminated ones that expire by then, the first to expire first.
  virtual absl::StatusOr<std::vector<ExecutionContext>> listExpired(const std::string& tenant_id,
                                                                    Timestamp by,
                                                                    std::int64_t limit) = 0;

  // False: the id is in use.
  virtual absl::StatusOr<bool> insert(const ExecutionContext& context) = 0;
  virtual absl::Status update(const ExecutionContext& context) = 0;
  // Those that were terminated by then, the first first; how many it were.
  virtual absl::StatusOr<std::int64_t> removeTerminated(const std::string& tenant_id, Timestamp by,
                                                        std::int64_t limit) = 0;
};

std::unique_ptr<ExecutionStore> makeExecutionStore(
    std::unique_ptr<Transactor<ExecutionTables>> tables, std::shared_ptr<Metrics> metrics);

}  // namespace strata::internal
