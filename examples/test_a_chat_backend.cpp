// How a chat back end tests its own code, without any store behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "strata/testing/mocks/mock_conversation_store.h"
#include "strata/testing/mocks/mock_path_store.h"

using strata::Caller;
using strata::Message;
using strata::MessageRole;
using strata::NewMessage;

// The code under test: it answers a user with what a model says to everything on the path.
class ChatBackend {
 public:
  using Model = std::function<std::string(const std::vector<Message>&)>;

  ChatBackend(strata::ConversationStore& conversations, strata::PathStore& paths, Model model)
      : conversations_(conversations), paths_(paths), model_(std::move(model)) {}

  absl::StatusOr<std::string> reply(const Caller& caller, const std::string& conversation,
                                    const std::string& text) {
    auto question =
        conversations_.appendMessage(caller, {.conversation_id = conversation, .content = text});
    if (!question.ok()) return question.status();
    auto context = paths_.resolvePathMessages(caller.tenant_id, question->path_id);
    if (!context.ok()) return context.status();
    auto answer = conversations_.appendMessage(caller, {.conversation_id = conversation,
                                                        .content = model_(*context),
                                                        .role = MessageRole::kAssistant,
                                                        .path_id = question->path_id});
    if (!answer.ok()) return answer.status();
    return answer->content;
  }

 private:
  strata::ConversationStore& conversations_;
  strata::PathStore& paths_;
  const Model model_;
};

using ::testing::_;
using ::testing::Field;
using ::testing::Return;

class ChatBackendTest : public ::testing::Test {
 protected:
  const Caller caller_{"tenant", "user"};
  strata::testing::MockConversationStore conversations_;
  strata::testing::MockPathStore paths_;
  ChatBackend backend_{conversations_, paths_,
                       [](const auto& context) { return std::to_string(context.size()); }};
};

TEST_F(ChatBackendTest, AnswersOnThePathOfTheQuestionWithAllThatIsOnIt) {
  const Message question{.path_id = "path", .content = "Hello"};
  EXPECT_CALL(conversations_, appendMessage(_, Field(&NewMessage::content, "Hello"), _))
      .WillOnce(Return(question));
  EXPECT_CALL(paths_, resolvePathMessages("tenant", "path", _, _))
      .WillOnce(Return(std::vector<Message>{Message{}, question}));
  EXPECT_CALL(conversations_, appendMessage(_, Field(&NewMessage::path_id, "path"), _))
      .WillOnce(Return(Message{.content = "2"}));
  EXPECT_EQ(*backend_.reply(caller_, "conversation", "Hello"), "2");
}

TEST_F(ChatBackendTest, AsksNoModelWhereTheUserMayNotWrite) {
  EXPECT_CALL(conversations_, appendMessage)
      .WillOnce(Return(absl::PermissionDeniedError("the conversation is not shared for editing")));
  EXPECT_CALL(paths_, resolvePathMessages).Times(0);
  EXPECT_TRUE(absl::IsPermissionDenied(backend_.reply(caller_, "conversation", "Hello").status()));
}
