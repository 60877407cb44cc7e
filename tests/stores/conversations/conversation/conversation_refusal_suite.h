// What no store of conversations takes.
#pragma once

#include "tests/stores/conversations/conversation/conversation_fixture.h"

namespace strata {

class ConversationRefusalSuite : public ConversationStoresTest {
 protected:
  // Text that PostgreSQL cannot keep: a NUL, and what is no UTF-8.
  static std::vector<std::string> badTexts() {
    return {std::string("a\0b", 3), "a\xff", "\xc3", "\xed\xa0\x80"};
  }
  static std::vector<Json> noObjects() {
    return {json("[]"), json("1"), json("\"x\""), json("true"), json("[{}]")};
  }
};

// B-6, B-7
TEST_P(ConversationRefusalSuite, RefusesTextOfAConversationThatCannotBeKept) {
  for (const std::string& bad : badTexts()) {
    for (const NewConversation& refused :
         {NewConversation{.tenant_id = tenant_, .title = bad},
          NewConversation{.tenant_id = tenant_, .persona_id = bad},
          NewConversation{.tenant_id = tenant_, .jurisdictions = {"de", bad}},
          NewConversation{.tenant_id = tenant_, .trace_id = bad},
          NewConversation{.tenant_id = tenant_, .root_span_name = bad},
          NewConversation{.tenant_id = tenant_, .root_span_id = bad}}) {
      EXPECT_THAT(conversations_.createConversation(refused), invalid());
    }
  }
  EXPECT_THAT(must(conversations_.listConversations(owner())).conversations, IsEmpty());
}

TEST_P(ConversationRefusalSuite, RefusesAnUpdateOfSharingThatCannotBeKept) {
  const Conversation made = converse({.title = "title"});
  const auto before = stateOf(made.id);
  for (const std::string& bad : badTexts()) {
    EXPECT_THAT(conversations_.updateSharing(owner(), made.id, {.title = bad}), invalid());
  }
  for (const Json& bad : noObjects()) {
    EXPECT_THAT(conversations_.updateSharing(owner(), made.id, {.authorization_spec = bad}),
                invalid());
    EXPECT_THAT(
        conversations_.createConversation({.tenant_id = tenant_, .authorization_spec = bad}),
        invalid());
  }
  EXPECT_EQ(stateOf(made.id), before);
}

// B-6, B-7
TEST_P(ConversationRefusalSuite, RefusesAMessageThatCannotBeKept) {
  const Conversation made = converse();
  const auto before = stateOf(made.id);
  for (const std::string& bad : badTexts()) {
    for (const NewMessage& refused :
         {NewMessage{.conversation_id = made.id, .content = bad},
          NewMessage{.conversation_id = made.id, .trace_id = bad},
          NewMessage{.conversation_id = made.id, .root_span_name = bad},
          NewMessage{.conversation_id = made.id, .root_span_id = bad}}) {
      EXPECT_THAT(conversations_.appendMessage(owner(), refused), invalid());
    }
  }
  for (const Json& bad : noObjects()) {
    EXPECT_THAT(
        conversations_.appendMessage(owner(), {.conversation_id = made.id, .metadata = bad}),
        invalid());
  }
  EXPECT_EQ(stateOf(made.id), before);
}

TEST_P(ConversationRefusalSuite, TakesFromOneToAThousandMessagesAtOnce) {
  const Conversation made = converse();
  say(made.id, "hello");
  for (const std::int64_t limit : {-1, 0, 1001}) {
    EXPECT_THAT(conversations_.getMessages(owner(), made.id, {.limit = limit}), invalid());
  }
  for (const std::int64_t limit : {1, 1000}) {
    EXPECT_THAT(contents(must(conversations_.getMessages(owner(), made.id, {.limit = limit}))),
                ElementsAre("hello"));
  }
}

// B-6, B-7
TEST_P(ConversationRefusalSuite, RefusesTextOfAPathThatCannotBeKept) {
  const Conversation made = converse();
  const Message said = say(made.id, "hello");
  const Path side = branch(said.id);
  const auto before = stateOf(made.id);
  for (const std::string& bad : badTexts()) {
    EXPECT_THAT(paths_.createPath(tenant_, {.conversation_id = made.id, .name = bad}), invalid());
    EXPECT_THAT(paths_.createPath(tenant_, {.conversation_id = made.id, .description = bad}),
                invalid());
    EXPECT_THAT(paths_.branchFromMessage(tenant_, said.id, {.name = bad}), invalid());
    EXPECT_THAT(paths_.branchFromMessage(tenant_, said.id, {.description = bad}), invalid());
    EXPECT_THAT(paths_.updatePath(tenant_, side.id, {.name = bad}), invalid());
    EXPECT_THAT(paths_.updatePath(tenant_, side.id, {.description = bad}), invalid());
    const MergeRequest merge{
        .source_path_id = side.id, .target_path_id = *made.active_path_id, .summary = bad};
    EXPECT_THAT(paths_.mergePath(tenant_, merge), invalid());
    EXPECT_THAT(paths_.previewMerge(tenant_, merge), invalid());
  }
  EXPECT_EQ(stateOf(made.id), before);
}

TEST_P(ConversationRefusalSuite, RefusesQueriesOfPathsThatMakeNoSense) {
  const Conversation made = converse();
  const std::string main = *made.active_path_id;
  const std::string said = say(made.id, "hello").id;
  EXPECT_THAT(paths_.createPath(tenant_, {.conversation_id = made.id, .parent_path_id = main}),
              invalid());
  EXPECT_THAT(
      paths_.createPath(tenant_, {.conversation_id = made.id, .branch_point_message_id = said}),
      invalid());
  EXPECT_THAT(paths_.listPaths(tenant_, made.id, {.parent = PathParent::kOf}), invalid());
  EXPECT_THAT(paths_.resolvePathMessages(tenant_, main, {.offset = -1}), invalid());
  EXPECT_THAT(paths_.resolvePathMessages(tenant_, main, {.limit = -1}), invalid());
}

// B-79: what is refused is named and not repeated.
TEST_P(ConversationRefusalSuite, RepeatsNoValueInAMessage) {
  const Conversation made = converse();
  const std::string secret = "very-secret-content";
  const auto silent = ::testing::Not(HasSubstr(secret));
  EXPECT_THAT(conversations_.getConversation(owner(), secret),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       ::testing::AllOf(silent, HasSubstr("conversation_id"))));
  EXPECT_THAT(
      conversations_.appendMessage(owner(), {.conversation_id = made.id, .content = secret + '\0'}),
      StatusIs(absl::StatusCode::kInvalidArgument, ::testing::AllOf(silent, HasSubstr("content"))));
  EXPECT_THAT(
      conversations_.listConversations(owner(), {.cursor = secret}),
      StatusIs(absl::StatusCode::kInvalidArgument, ::testing::AllOf(silent, HasSubstr("cursor"))));
}

}  // namespace strata
