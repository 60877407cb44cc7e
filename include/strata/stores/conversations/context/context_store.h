// ContextStore: the ConversationContext of every conversation.
//
//   auto contexts = createContextStore(backends);       // factories/context_store_factory.h
//   (*contexts)->mergeActiveNodeIds(tenant, conversation, {"orders", "invoices"});
//   auto context = (*contexts)->load(tenant, conversation);
//
// Never cached: what was written is what is read next, wherever.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/stores/conversations/context/conversation_context.h"

namespace strata {

// Thread-safe. Tenants and conversations are UUIDs in either case. The errors of every method,
// beside those of Store<T>:
//
//   InvalidArgument  what was given cannot be; the message names it
class ContextStore {
 public:
  virtual ~ContextStore() = default;

  // None: nothing was saved, or the tenant has no such conversation.
  virtual absl::StatusOr<std::optional<ConversationContext>> load(
      std::string_view tenant_id, std::string_view conversation_id,
      const ReadOptions& options = {}) = 0;

  // Replaces the whole context and stamps `updated_at`; answers what is stored now. A node that is
  // named twice counts where it stands first; an empty name is InvalidArgument.
  // NotFound, and nothing is changed: the tenant has no such conversation, or `context` names
  // another tenant. One that names none is this tenant's.
  virtual absl::StatusOr<ConversationContext> save(std::string_view tenant_id,
                                                   const ConversationContext& context,
                                                   const WriteOptions& options = {}) = 0;

  // Adds nodes behind those that are there, each that is new once, in order; answers the whole
  // context, made where there was none. No concurrent call loses what another adds.
  // NotFound: the tenant has no such conversation.
  virtual absl::StatusOr<ConversationContext> mergeActiveNodeIds(
      std::string_view tenant_id, std::string_view conversation_id,
      const std::vector<std::string>& node_ids, const WriteOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

}  // namespace strata
