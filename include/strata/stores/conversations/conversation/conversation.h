// Conversation: who owns a conversation with an LLM, who may see it, and where it stands.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/timestamp.h"
#include "strata/records/entity.h"
#include "strata/records/json.h"
#include "strata/records/text_limits.h"

namespace strata {

// Who may read a conversation beside its owner. Nobody outside its tenant ever may.
enum class ShareAudience : std::uint8_t { kPrivate, kTenant, kPublic };
BOOST_DESCRIBE_ENUM(ShareAudience, kPrivate, kTenant, kPublic)

// What the tenant's users may do where they may read.
enum class TenantAccess : std::uint8_t { kView, kEdit };
BOOST_DESCRIBE_ENUM(TenantAccess, kView, kEdit)

// Who decides. kRbac: the row itself. kOpenfga: a relationship service outside; where none is
// asked, the row with the fallback audience of `authorization_spec`.
enum class AuthorizationModel : std::uint8_t { kRbac, kOpenfga };
BOOST_DESCRIBE_ENUM(AuthorizationModel, kRbac, kOpenfga)

// Ids are UUIDs in lower case. Times are stamped by the store; within one conversation each change
// is later than the one before, by a microsecond at least, whatever the clocks of hosts say.
struct Conversation {
  std::string id;
  std::string tenant_id;
  // The owner; none: it belongs to the tenant.
  std::optional<std::string> user_id;
  // Of the trace that began it.
  std::optional<std::string> trace_id;
  std::optional<std::string> root_span_name;
  std::optional<std::string> root_span_id;
  ShareAudience share_audience = ShareAudience::kPrivate;
  TenantAccess tenant_access = TenantAccess::kView;
  AuthorizationModel authorization_model = AuthorizationModel::kRbac;
  // An object; its member `fallback_audience` counts with kOpenfga, the rest is the application's.
  Json authorization_spec;
  std::optional<std::string> persona_id;
  std::vector<std::string> jurisdictions;
  std::optional<std::string> title;
  // Where a message goes that names no path.
  std::optional<std::string> active_path_id;
  std::optional<Timestamp> archived_at;
  Timestamp created_at;
  // When anything of it last changed, its paths and messages included.
  Timestamp updated_at;
  std::optional<Timestamp> last_message_at;
  // When it was last compacted; see ConversationStore::recordCompaction.
  std::optional<Timestamp> last_compacted_at;

  friend bool operator==(const Conversation&, const Conversation&) = default;
};
BOOST_DESCRIBE_STRUCT(Conversation, (),
                      (tenant_id, id, user_id, trace_id, root_span_name, root_span_id,
                       share_audience, tenant_access, authorization_model, authorization_spec,
                       persona_id, jurisdictions, title, active_path_id, archived_at, created_at,
                       updated_at, last_message_at, last_compacted_at))

template <>
struct Entity<Conversation> {
  static constexpr auto table = "conversations";
  static constexpr KeySpace keys{"conv", "conversation"};
  static constexpr std::array<std::string_view, 2> key_columns{"tenant_id", "id"};
  static Id id(const Conversation& conversation) {
    return {conversation.tenant_id, conversation.id};
  }
};

template <>
struct TextLimits<Conversation> {
  static constexpr std::array<TextLimit, 7> all{{{"trace_id", kMaxName},
                                                 {"root_span_name", kMaxName},
                                                 {"root_span_id", kMaxName},
                                                 {"authorization_spec", 64 << 10},
                                                 {"persona_id", kMaxName},
                                                 {"jurisdictions", 64 << 10},
                                                 {"title", kMaxName}}};
};

}  // namespace strata
