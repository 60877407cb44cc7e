// ConversationConfigStore: the conversation settings of everybody, of each tenant and of each user.
// Read with every conversation, written by administrators.
//
//   auto configs = createConversationConfigStore(config);  // factories/conversation_config_…
//   auto settings = (*configs)->getConfig(tenant, user);   // always a value
//   if (settings.ok() && settings->auto_compact_enabled) …
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "strata/base/clock.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/store/snapshot.h"
#include "strata/store/store.h"
#include "strata/stores/conversation_config/conversation_config.h"

namespace strata {

// Thread-safe. Tenants and users are UUIDs, in either case; InvalidArgument, naming which, when one
// is not (so when it is empty). Other errors are those of Store<T>.
class ConversationConfigStore {
 public:
  virtual ~ConversationConfigStore() = default;

  // The settings in force for a user of a tenant, or for the tenant: the defaults, overridden by
  // what is set for all, for the tenant and for the user, field by field. One read of all levels.
  //
  // With a `min_version` the database is read (kLatest), which is not older than any write that has
  // returned. A cache would take each level that is older than it for out of date and delete it;
  // but most levels rightly are, and the global one is cached for all tenants.
  virtual absl::StatusOr<ConversationConfig> getConfig(
      std::string_view tenant_id, std::optional<std::string_view> user_id = std::nullopt,
      const ReadOptions& options = {}) = 0;

  // What one level says by itself, for whoever edits it; null when it says nothing.
  virtual absl::StatusOr<Snapshot<ConversationConfigOverrides>> getGlobalOverrides(
      const ReadOptions& options = {}) = 0;
  virtual absl::StatusOr<Snapshot<ConversationConfigOverrides>> getTenantOverrides(
      std::string_view tenant_id, const ReadOptions& options = {}) = 0;
  virtual absl::StatusOr<Snapshot<ConversationConfigOverrides>> getUserOverrides(
      std::string_view tenant_id, std::string_view user_id, const ReadOptions& options = {}) = 0;

  // Replaces all that the level says, and stamps whom it is for and `updated_at`. Returns its new
  // version. With it every getConfig that depends on the level is new.
  // InvalidArgument: a setting is out of the range that ConversationConfig gives; names it.
  virtual absl::StatusOr<Version> setGlobalConfig(const ConversationConfigOverrides& overrides,
                                                  const WriteOptions& options = {}) = 0;
  virtual absl::StatusOr<Version> setTenantConfig(std::string_view tenant_id,
                                                  const ConversationConfigOverrides& overrides,
                                                  const WriteOptions& options = {}) = 0;
  virtual absl::StatusOr<Version> setUserConfig(std::string_view tenant_id,
                                                std::string_view user_id,
                                                const ConversationConfigOverrides& overrides,
                                                const WriteOptions& options = {}) = 0;

  // Removes what the level says; having said nothing is success too. A tenant's users keep theirs.
  virtual absl::StatusOr<Version> deleteGlobalConfig(const WriteOptions& options = {}) = 0;
  virtual absl::StatusOr<Version> deleteTenantConfig(std::string_view tenant_id,
                                                     const WriteOptions& options = {}) = 0;
  virtual absl::StatusOr<Version> deleteUserConfig(std::string_view tenant_id,
                                                   std::string_view user_id,
                                                   const WriteOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

// A ConversationConfigStore on any Store of overrides: a stack from createStore, an InMemoryStore,
// a mock.
std::unique_ptr<ConversationConfigStore> makeConversationConfigStore(
    std::unique_ptr<Store<ConversationConfigOverrides>> overrides,
    const Clock& clock = Clock::system());

}  // namespace strata
