#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stores/base/transactor.h"
#include "strata/base/metrics.h"
#include "strata/stores/conversations/context/context_store.h"

namespace strata::internal {

// What a ContextStore asks of its tables. Ids are canonical.
class ContextTables {
 public:
  virtual ~ContextTables() = default;

  // Keeps other writers of the conversation away until the transaction ends. False: there is none.
  virtual absl::StatusOr<bool> lockConversation(const std::string& tenant_id,
                                                const std::string& conversation_id) = 0;
  virtual absl::StatusOr<std::optional<ConversationContext>> find(
      const std::string& tenant_id, const std::string& conversation_id) = 0;
  // Of a conversation that is locked.
  virtual absl::Status put(const ConversationContext& context) = 0;
};

std::unique_ptr<ContextStore> makeContextStore(std::unique_ptr<Transactor<ContextTables>> tables,
                                               std::shared_ptr<Metrics> metrics);

}  // namespace strata::internal
