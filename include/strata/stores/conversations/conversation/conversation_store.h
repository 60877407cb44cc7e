// ConversationStore: conversations and their messages.
//
//   auto conversations = createConversationStore(backends);
//   auto made = (*conversations)->createConversation({.tenant_id = tenant, .user_id = user});
//   (*conversations)->appendMessage({tenant, user}, {.conversation_id = made->id,
//                                                    .content = "Hello"});
//
// Branches of a conversation are the PathStore's.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/store/snapshot.h"
#include "strata/stores/conversations/conversation/authorization.h"
#include "strata/stores/conversations/conversation/conversation.h"
#include "strata/stores/conversations/conversation/message.h"

namespace strata {

struct NewConversation {
  std::string tenant_id;
  std::optional<std::string> user_id = {};
  // A UUID of the caller's, so that a create whose outcome is unknown can be repeated. None: a new
  // one.
  std::optional<std::string> id = {};
  std::optional<std::string> title = {};
  ShareAudience share_audience = ShareAudience::kPrivate;
  TenantAccess tenant_access = TenantAccess::kView;
  AuthorizationModel authorization_model = AuthorizationModel::kRbac;
  Json authorization_spec = {};
  std::optional<std::string> persona_id = {};
  std::vector<std::string> jurisdictions = {};
  std::optional<std::string> trace_id = {};
  std::optional<std::string> root_span_name = {};
  std::optional<std::string> root_span_id = {};
};

struct NewMessage {
  std::string conversation_id;
  std::string content;
  MessageRole role = MessageRole::kUser;
  // None: the active path.
  std::optional<std::string> path_id = {};
  std::optional<std::string> id = {};  // as NewConversation::id
  Json metadata = {};
  MessageType message_type = MessageType::kStandard;
  std::optional<std::string> trace_id = {};
  std::optional<std::string> root_span_name = {};
  std::optional<std::string> root_span_id = {};
};

struct MessageQuery {
  // The newest so many, 1 to 1000; they come oldest first.
  std::int64_t limit = 100;
  // Only of this path's own. None: of the whole conversation.
  std::optional<std::string> path_id = {};
};

enum class ConversationStatus : std::uint8_t { kActive, kArchived, kAll };

struct ConversationQuery {
  ConversationStatus status = ConversationStatus::kActive;
  std::int64_t limit = 50;  // 1 to 1000
  // `next_cursor` of the page before.
  std::optional<std::string> cursor = {};
};

// Conversations, the one with the newest message first (where there is none its creation counts).
// A conversation that gets a message while somebody pages moves to the front. Of all others a walk
// through the pages sees each exactly once.
struct ConversationPage {
  // Fewer than were asked for where there are no more, or where they fill kMaxPageBytes.
  std::vector<Conversation> conversations;
  // None: this was the last page.
  std::optional<std::string> next_cursor;
};

// What is absent stays as it is. A title of std::nullopt inside clears it.
struct SharingUpdate {
  std::optional<std::optional<std::string>> title = {};
  std::optional<ShareAudience> share_audience = {};
  std::optional<TenantAccess> tenant_access = {};
  std::optional<AuthorizationModel> authorization_model = {};
  std::optional<Json> authorization_spec = {};
};

// Thread-safe. Ids are UUIDs in either case. The errors of every method, beside those of Store<T>:
//
//   NotFound          there is none in this tenant, or none that this caller may read
//   PermissionDenied  the caller may read it and not do this
//   InvalidArgument   what was given cannot be; the message names it
class ConversationStore {
 public:
  virtual ~ConversationStore() = default;

  // Creates it with its primary path "Main", which is active. AlreadyExists: its id is in use.
  virtual absl::StatusOr<Conversation> createConversation(const NewConversation& conversation,
                                                          const WriteOptions& options = {}) = 0;

  // Never null. From the cache where there is one; the caller is authorized all the same.
  virtual absl::StatusOr<Snapshot<Conversation>> getConversation(
      const Caller& caller, std::string_view conversation_id, const ReadOptions& options = {}) = 0;

  // What `caller` may read.
  virtual absl::StatusOr<ConversationPage> listConversations(const Caller& caller,
                                                             const ConversationQuery& query = {},
                                                             const ReadOptions& options = {}) = 0;

  // Adds a message at the end of a path. Messages of users take kWrite; those of the assistant and
  // the system are the application's, which has authorized by itself.
  // FailedPrecondition: the path was archived or merged. AlreadyExists: the id is in use.
  virtual absl::StatusOr<Message> appendMessage(const Caller& caller, const NewMessage& message,
                                                const WriteOptions& options = {}) = 0;

  // Marks it as deleted; one that is already stays as it is. Takes kWrite.
  virtual absl::StatusOr<Message> softDeleteMessage(const Caller& caller,
                                                    std::string_view message_id,
                                                    const WriteOptions& options = {}) = 0;

  // The newest messages, oldest first, deleted ones among them with their `deleted_at`.
  virtual absl::StatusOr<std::vector<Message>> getMessages(const Caller& caller,
                                                           std::string_view conversation_id,
                                                           const MessageQuery& query = {},
                                                           const ReadOptions& options = {}) = 0;

  // Both take kManage.
  virtual absl::StatusOr<Conversation> updateSharing(const Caller& caller,
                                                     std::string_view conversation_id,
                                                     const SharingUpdate& update,
                                                     const WriteOptions& options = {}) = 0;
  virtual absl::StatusOr<Conversation> setArchivedState(const Caller& caller,
                                                        std::string_view conversation_id,
                                                        bool archived,
                                                        const WriteOptions& options = {}) = 0;

  // What `caller` may do with it. NotFound only when there is none: for one that the caller may not
  // read, access is denied.
  virtual absl::StatusOr<Access> checkAccess(const Caller& caller, std::string_view conversation_id,
                                             ConversationAction action,
                                             const ReadOptions& options = {}) = 0;

  // Those of a tenant with more than 50 messages that are not deleted, active within 7 days, not
  // compacted within a day and not archived: first those that never were compacted, then by when
  // they were, each by activity. At most `limit`, 1 to 1000.
  virtual absl::StatusOr<std::vector<Conversation>> getConversationsNeedingCompaction(
      std::string_view tenant_id, std::int64_t limit = 50, const ReadOptions& options = {}) = 0;
  // That it has been compacted now.
  virtual absl::Status recordCompaction(std::string_view tenant_id,
                                        std::string_view conversation_id,
                                        const WriteOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

}  // namespace strata
