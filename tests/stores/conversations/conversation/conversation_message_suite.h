// What every ConversationStore does with messages.
#pragma once

#include "tests/stores/conversations/conversation/conversation_suite.h"

namespace strata {

// B-7, B-10
TEST_P(ConversationStoreSuite, RoundTripsEveryFieldOfAMessage) {
  const Conversation made = converse();
  const std::string text = "größte 🎉 \"'; DELETE FROM messages; -- \\ %s $1\n\t";
  tick();
  const NewMessage given{.conversation_id = made.id,
                         .content = text,
                         .role = MessageRole::kAssistant,
                         .path_id = made.active_path_id,
                         .id = newId(),
                         .metadata = json(R"({"z":{"y":[1.5,"ü'"]},"a":null})"),
                         .message_type = MessageType::kSystem,
                         .trace_id = text,
                         .root_span_name = "",
                         .root_span_id = "0af7"};
  const Message added = must(conversations_.appendMessage(owner(), given));
  const Message expected{.id = *given.id,
                         .conversation_id = made.id,
                         .path_id = *made.active_path_id,
                         .sequence_in_path = 1,
                         .role = MessageRole::kAssistant,
                         .content = text,
                         .metadata = given.metadata,
                         .trace_id = text,
                         .root_span_name = "",
                         .root_span_id = "0af7",
                         .message_type = MessageType::kSystem,
                         .created_at = now()};
  EXPECT_EQ(added, expected);
  EXPECT_THAT(conversations_.getMessages(owner(), made.id), IsOkAndHolds(ElementsAre(expected)));
}

// B-7
TEST_P(ConversationStoreSuite, KeepsAMebibyteOfContentAndNone) {
  const Conversation made = converse();
  std::string large(1 << 20, 'a');
  large.replace(large.size() - 4, 4, "🎉");
  say(made.id, large);
  say(made.id, "");
  EXPECT_EQ(contents(must(conversations_.getMessages(owner(), made.id))),
            (std::vector<std::string>{large, ""}));
}

TEST_P(ConversationStoreSuite, TakesIdsOfMessagesInEitherCase) {
  const Conversation made = converse();
  const std::string id = newId();
  const Message added =
      must(conversations_.appendMessage(owner(), {.conversation_id = upper(made.id),
                                                  .path_id = upper(*made.active_path_id),
                                                  .id = upper(id)}));
  EXPECT_EQ(added.id, id);
  EXPECT_EQ(added.conversation_id, made.id);
  EXPECT_EQ(added.path_id, made.active_path_id);
  EXPECT_EQ(
      must(conversations_.getMessages(owner(), upper(made.id), {.path_id = upper(added.path_id)}))
          .size(),
      1U);
  EXPECT_EQ(must(conversations_.softDeleteMessage(owner(), upper(id))).id, id);
}

TEST_P(ConversationStoreSuite, NumbersTheMessagesOfEachPathFromOne) {
  const Conversation made = converse();
  const Message first = say(made.id, "m1");
  const Message second = say(made.id, "m2");
  const Path side = branch(first.id);
  EXPECT_EQ(first.sequence_in_path, 1);
  EXPECT_EQ(second.sequence_in_path, 2);
  EXPECT_EQ(say(made.id, "s1", side.id).sequence_in_path, 1);
  EXPECT_EQ(say(made.id, "m3").sequence_in_path, 3);
  EXPECT_EQ(say(made.id, "s2", side.id).sequence_in_path, 2);
}

TEST_P(ConversationStoreSuite, NumbersOnAfterARefusedAndADeletedMessage) {
  const Conversation made = converse();
  const Message first = say(made.id, "m1");
  EXPECT_THAT(conversations_.appendMessage(owner(), {.conversation_id = made.id, .id = first.id}),
              inUseAlready());
  EXPECT_THAT(conversations_.softDeleteMessage(owner(), first.id), IsOk());
  EXPECT_EQ(say(made.id, "m2").sequence_in_path, 2);
}

TEST_P(ConversationStoreSuite, RefusesTheIdOfAMessageOfAnyConversationOfTheTenant) {
  const Conversation made = converse();
  const Conversation other = converse();
  const Message first = say(made.id, "m1");
  const auto before = stateOf(other.id);
  EXPECT_THAT(conversations_.appendMessage(
                  owner(), {.conversation_id = other.id, .content = "x", .id = upper(first.id)}),
              inUseAlready());
  EXPECT_EQ(stateOf(other.id), before);
  EXPECT_EQ(message(made.id, first.id), first);
}

TEST_P(ConversationStoreSuite, AddsToTheActivePathUnlessAnotherIsNamed) {
  const Conversation made = converse();
  const Message first = say(made.id, "m1");
  const Path side = branch(first.id, {.activate = true});
  EXPECT_EQ(say(made.id, "s1").path_id, side.id);
  EXPECT_EQ(say(made.id, "m2", made.active_path_id).path_id, made.active_path_id);
  EXPECT_EQ(latest(made.id).active_path_id, side.id) << "naming a path does not activate it";
}

TEST_P(ConversationStoreSuite, StampsThePathAndTheConversationOfAMessage) {
  const Conversation made = converse();
  const Message added = say(made.id, "m1");
  EXPECT_EQ(added.created_at, now());
  Conversation expected = made;
  expected.last_message_at = now();
  expected.updated_at = now();
  EXPECT_EQ(latest(made.id), expected);
  EXPECT_EQ(*must(conversations_.getConversation(owner(), made.id)), expected);
  EXPECT_EQ(primary(made.id).message_count, 1);
}

TEST_P(ConversationStoreSuite, NeverLetsTimesRunBackwardsWithinOneConversation) {
  const Conversation made = converse();
  const Message first = say(made.id, "m1");
  stores_.clock->jumpWallClock(-absl::Hours(1));
  const Message second = say(made.id, "m2");
  EXPECT_GE(second.created_at, first.created_at);
  EXPECT_GE(latest(made.id).updated_at, first.created_at);
  EXPECT_GE(latest(made.id).last_message_at, first.created_at);
  EXPECT_THAT(contents(must(conversations_.getMessages(owner(), made.id))),
              ElementsAre("m1", "m2"));
}

TEST_P(ConversationStoreSuite, AddsNothingToAnArchivedPath) {
  const Conversation made = converse();
  const Path side = branch(say(made.id, "m1").id);
  EXPECT_THAT(paths_.updatePath(tenant_, side.id, {.is_active = false}), IsOk());
  const auto before = stateOf(made.id);
  for (const MessageRole role : {MessageRole::kUser, MessageRole::kAssistant}) {
    EXPECT_THAT(conversations_.appendMessage(
                    owner(), {.conversation_id = made.id, .role = role, .path_id = side.id}),
                forbidden());
  }
  EXPECT_EQ(stateOf(made.id), before);
}

TEST_P(ConversationStoreSuite, AddsNothingToAMergedPathWhetherArchivedOrNot) {
  const Conversation made = converse();
  const Message first = say(made.id, "m1");
  for (const bool archive : {true, false}) {
    const Path side = branch(first.id);
    EXPECT_THAT(paths_.mergePath(tenant_, {.source_path_id = side.id,
                                           .target_path_id = *made.active_path_id,
                                           .archive_source = archive}),
                IsOk());
    EXPECT_THAT(
        conversations_.appendMessage(owner(), {.conversation_id = made.id, .path_id = side.id}),
        forbidden())
        << "archived: " << archive;
  }
}

TEST_P(ConversationStoreSuite, DoesNotFindThePathOfAnotherConversation) {
  const Conversation made = converse();
  const Conversation other = converse();
  const auto before = stateOf(other.id);
  EXPECT_THAT(conversations_.appendMessage(
                  owner(), {.conversation_id = made.id, .path_id = other.active_path_id}),
              notFound());
  EXPECT_THAT(
      conversations_.appendMessage(owner(), {.conversation_id = made.id, .path_id = newId()}),
      notFound());
  EXPECT_THAT(conversations_.getMessages(owner(), made.id, {.path_id = other.active_path_id}),
              notFound());
  EXPECT_EQ(stateOf(other.id), before);
}

// ---- Reading ----

TEST_P(ConversationStoreSuite, AnswersTheNewestMessagesOldestFirst) {
  const Conversation made = converse();
  for (int i = 1; i <= 5; ++i) say(made.id, std::to_string(i));
  const auto newest = [&](std::int64_t limit) {
    return contents(must(conversations_.getMessages(owner(), made.id, {.limit = limit})));
  };
  EXPECT_THAT(newest(1), ElementsAre("5"));
  EXPECT_THAT(newest(3), ElementsAre("3", "4", "5"));
  EXPECT_THAT(newest(5), ElementsAre("1", "2", "3", "4", "5"));
  EXPECT_THAT(newest(1000), ElementsAre("1", "2", "3", "4", "5"));
}

TEST_P(ConversationStoreSuite, KeepsTheOrderOfMessagesOfOneMoment) {
  const Conversation made = converse();
  std::vector<std::string> all;
  for (int i = 1; i <= 12; ++i) {
    all.push_back(std::to_string(i));
    must(
        conversations_.appendMessage(owner(), {.conversation_id = made.id, .content = all.back()}));
  }
  EXPECT_EQ(contents(must(conversations_.getMessages(owner(), made.id))), all);
  EXPECT_THAT(contents(must(conversations_.getMessages(owner(), made.id, {.limit = 2}))),
              ElementsAre("11", "12"));
}

TEST_P(ConversationStoreSuite, AnswersTheMessagesOfOnePathOrOfAll) {
  const Conversation made = converse();
  const Message first = say(made.id, "m1");
  const Path side = branch(first.id);
  say(made.id, "s1", side.id);
  say(made.id, "m2");
  say(made.id, "s2", side.id);
  const auto of = [&](std::optional<std::string> path, std::int64_t limit = 100) {
    return contents(
        must(conversations_.getMessages(owner(), made.id, {.limit = limit, .path_id = path})));
  };
  EXPECT_THAT(of({}), ElementsAre("m1", "s1", "m2", "s2"));
  EXPECT_THAT(of({}, 2), ElementsAre("m2", "s2"));
  EXPECT_THAT(of(side.id), ElementsAre("s1", "s2"));
  EXPECT_THAT(of(side.id, 1), ElementsAre("s2"));
  EXPECT_THAT(of(made.active_path_id), ElementsAre("m1", "m2"));
}

// ---- Deleting ----

TEST_P(ConversationStoreSuite, MarksADeletedMessageAndKeepsIt) {
  const Conversation made = converse();
  const Message first = say(made.id, "m1");
  say(made.id, "m2");
  tick();
  Message expected = first;
  expected.deleted_at = now();
  EXPECT_THAT(conversations_.softDeleteMessage(owner(), first.id), IsOkAndHolds(expected));
  EXPECT_EQ(message(made.id, first.id), expected);
  EXPECT_EQ(primary(made.id).message_count, 1);
  tick();
  EXPECT_THAT(conversations_.softDeleteMessage(owner(), first.id), IsOkAndHolds(expected))
      << "it stays as it is";
  EXPECT_EQ(primary(made.id).message_count, 1);
}

}  // namespace strata
