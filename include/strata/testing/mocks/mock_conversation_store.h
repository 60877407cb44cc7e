// MockConversationStore: a ConversationStore for the unit tests of whoever uses one.
//
//   MockConversationStore conversations;
//   EXPECT_CALL(conversations, appendMessage)
//       .WillOnce(Return(Message{.id = "m", .sequence_in_path = 1}));
//
// Not for: tests that want a store that works; createConversationStore(Config()) is one in memory.
#pragma once

#include "gmock/gmock.h"
#include "strata/stores/conversations/conversation/conversation_store.h"

namespace strata::testing {

class MockConversationStore : public ConversationStore {
 public:
  MOCK_METHOD(absl::StatusOr<Conversation>, createConversation,
              (const NewConversation& conversation, const WriteOptions& options), (override));
  MOCK_METHOD(absl::StatusOr<Snapshot<Conversation>>, getConversation,
              (const Caller& caller, std::string_view conversation_id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<ConversationPage>, listConversations,
              (const Caller& caller, const ConversationQuery& query, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Message>, appendMessage,
              (const Caller& caller, const NewMessage& message, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Message>, softDeleteMessage,
              (const Caller& caller, std::string_view message_id, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::vector<Message>>, getMessages,
              (const Caller& caller, std::string_view conversation_id, const MessageQuery& query,
               const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Conversation>, updateSharing,
              (const Caller& caller, std::string_view conversation_id, const SharingUpdate& update,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Conversation>, setArchivedState,
              (const Caller& caller, std::string_view conversation_id, bool archived,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Access>, checkAccess,
              (const Caller& caller, std::string_view conversation_id, ConversationAction action,
               const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::vector<Conversation>>, getConversationsNeedingCompaction,
              (std::string_view tenant_id, std::int64_t limit, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::Status, recordCompaction,
              (std::string_view tenant_id, std::string_view conversation_id,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

}  // namespace strata::testing
