// Who may do what with a conversation, from the database and from the cache alike.
#pragma once

#include "strata/testing/fakes/fake_authorization.h"
#include "tests/stores/conversations/conversation/conversation_fixture.h"

namespace strata {

class ConversationAccessSuite : public ConversationStoresTest {
 protected:
  using Action = ConversationAction;
  static constexpr Action kActions[] = {Action::kRead, Action::kWrite, Action::kManage};

  // What checkAccess allows: "r", "w" and "m".
  std::string allowed(const std::string& conversation, const Caller& caller) {
    std::string may;
    for (const Action action : kActions) {
      const Access access = must(conversations_.checkAccess(caller, conversation, action));
      EXPECT_NE(access.reason, "");
      if (access.allowed) may += "rwm"[static_cast<int>(action)];
    }
    return may;
  }
  Conversation shared(ShareAudience audience, TenantAccess access = TenantAccess::kView) {
    return converse({.share_audience = audience, .tenant_access = access});
  }
  absl::Status get(const Caller& caller, const std::string& conversation) {
    return conversations_.getConversation(caller, conversation).status();
  }
  absl::Status append(const Caller& caller, const std::string& conversation) {
    return conversations_.appendMessage(caller, {.conversation_id = conversation}).status();
  }
  // Brings it into the cache, where there is one.
  void readTwice(const std::string& conversation) {
    for (int i = 0; i < 2; ++i) EXPECT_THAT(get(owner(), conversation), IsOk());
  }
};

TEST_P(ConversationAccessSuite, ChecksAccessByTheRulesOfTheRow) {
  const auto view = TenantAccess::kView;
  const auto edit = TenantAccess::kEdit;
  struct Row {
    ShareAudience audience;
    TenantAccess access;
    std::string colleague;
    std::string application;
  };
  for (const Row& row :
       {Row{ShareAudience::kPrivate, view, "", ""}, Row{ShareAudience::kPrivate, edit, "", ""},
        Row{ShareAudience::kTenant, view, "r", "r"}, Row{ShareAudience::kTenant, edit, "rw", "r"},
        Row{ShareAudience::kPublic, view, "r", "r"}, Row{ShareAudience::kPublic, edit, "r", "r"}}) {
    const std::string id = shared(row.audience, row.access).id;
    EXPECT_EQ(allowed(id, owner()), "rwm");
    EXPECT_EQ(allowed(id, colleague()), row.colleague);
    EXPECT_EQ(allowed(id, application()), row.application);
  }
  const std::string nobodys = converseWithoutOwner().id;
  for (const Caller& caller : {owner(), colleague(), application()}) {
    EXPECT_EQ(allowed(nobodys, caller), "rwm");
  }
}

TEST_P(ConversationAccessSuite, ChecksAccessByTheFallbackAudience) {
  const auto related = [&](const char* spec) {
    return converse({.share_audience = ShareAudience::kPublic,
                     .tenant_access = TenantAccess::kEdit,
                     .authorization_model = AuthorizationModel::kOpenfga,
                     .authorization_spec = json(spec)})
        .id;
  };
  EXPECT_EQ(allowed(related("{}"), colleague()), "");
  EXPECT_EQ(allowed(related(R"({"fallback_audience":"private"})"), colleague()), "");
  EXPECT_EQ(allowed(related(R"({"fallback_audience":"tenant"})"), colleague()), "rw");
  EXPECT_EQ(allowed(related(R"({"fallback_audience":"public"})"), colleague()), "r");
  EXPECT_EQ(allowed(related(R"({"fallback_audience":"public"})"), owner()), "rwm");
}

TEST_P(ConversationAccessSuite, ShowsWhatIsShared) {
  const Conversation made = shared(ShareAudience::kTenant);
  say(made.id, "hello");
  for (const Caller& caller : {colleague(), application()}) {
    EXPECT_EQ(must(conversations_.getConversation(caller, made.id))->id, made.id);
    EXPECT_THAT(contents(must(conversations_.getMessages(caller, made.id))), ElementsAre("hello"));
  }
}

TEST_P(ConversationAccessSuite, LetsThoseWriteWhoMay) {
  const Conversation view = shared(ShareAudience::kTenant);
  const Conversation edit = shared(ShareAudience::kTenant, TenantAccess::kEdit);
  const Message said = say(edit.id, "hello");
  EXPECT_THAT(append(colleague(), view.id), denied());
  EXPECT_THAT(append(application(), edit.id), denied()) << "it is no user";
  const Message added =
      must(conversations_.appendMessage(colleague(), {.conversation_id = edit.id}));
  EXPECT_EQ(added.user_id, colleague_);
  EXPECT_EQ(said.user_id, owner_);
  EXPECT_THAT(conversations_.softDeleteMessage(application(), said.id), denied());
  EXPECT_THAT(conversations_.softDeleteMessage(colleague(), said.id), IsOk());
  const Message viewed = say(view.id, "hello");
  EXPECT_THAT(conversations_.softDeleteMessage(colleague(), viewed.id), denied());
  EXPECT_EQ(message(view.id, viewed.id), viewed);
}

TEST_P(ConversationAccessSuite, LetsTheApplicationWriteWhereThereIsNoOwner) {
  const Conversation made = converseWithoutOwner();
  const Message added =
      must(conversations_.appendMessage(application(), {.conversation_id = made.id}));
  EXPECT_EQ(added.user_id, std::nullopt);
}

TEST_P(ConversationAccessSuite, LeavesItToTheApplicationToWriteForAssistantAndSystem) {
  const Conversation made = converse();
  for (const MessageRole role : {MessageRole::kAssistant, MessageRole::kSystem}) {
    for (const Caller& caller : {application(), colleague(), owner()}) {
      const Message added = must(conversations_.appendMessage(
          caller, {.conversation_id = made.id, .content = "hello", .role = role}));
      EXPECT_EQ(added.role, role);
      EXPECT_EQ(added.user_id, std::nullopt);
    }
  }
}

TEST_P(ConversationAccessSuite, HidesThatAPrivateConversationExists) {
  const Conversation made = converse();
  const Message said = say(made.id, "hello");
  const auto before = stateOf(made.id);
  for (const Caller& caller : {colleague(), application()}) {
    EXPECT_THAT(get(caller, made.id), notFound());
    EXPECT_THAT(append(caller, made.id), notFound());
    EXPECT_THAT(conversations_.getMessages(caller, made.id), notFound());
    EXPECT_THAT(conversations_.softDeleteMessage(caller, said.id), notFound());
    EXPECT_THAT(conversations_.updateSharing(caller, made.id, {.title = "x"}), notFound());
    EXPECT_THAT(conversations_.setArchivedState(caller, made.id, true), notFound());
    EXPECT_EQ(allowed(made.id, caller), "") << "that alone says that there is one";
  }
  EXPECT_EQ(stateOf(made.id), before);
}

// B-82
TEST_P(ConversationAccessSuite, HidesAPrivateConversationThatItsOwnerHasRead) {
  const Conversation made = converse();
  readTwice(made.id);
  for (const Caller& caller : {colleague(), application(), stranger()}) {
    EXPECT_THAT(get(caller, made.id), notFound());
    EXPECT_THAT(conversations_.getMessages(caller, made.id), notFound());
  }
  EXPECT_EQ(allowed(made.id, colleague()), "");
}

// B-83
TEST_P(ConversationAccessSuite, HidesAtOnceWhatIsNoLongerShared) {
  const Conversation made = shared(ShareAudience::kTenant);
  readTwice(made.id);
  EXPECT_THAT(get(colleague(), made.id), IsOk());
  must(conversations_.updateSharing(owner(), made.id, {.share_audience = ShareAudience::kPrivate}));
  EXPECT_THAT(get(colleague(), made.id), notFound());
  EXPECT_THAT(get(application(), made.id), notFound());
  EXPECT_THAT(get(owner(), made.id), IsOk());
  must(conversations_.updateSharing(owner(), made.id, {.share_audience = ShareAudience::kPublic}));
  EXPECT_THAT(get(colleague(), made.id), IsOk());
}

// B-82
TEST_P(ConversationAccessSuite, AsksTheAuthorizationServiceOnEveryHit) {
  const auto fake = std::make_shared<testing::FakeAuthorization>();
  const auto store = must(createConversationStore(stores_.backends, {.authorization = fake}));
  const Conversation made = converse();
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_THAT(store->getConversation(colleague(), made.id), IsOk()) << "it allows everything";
    EXPECT_EQ(fake->asked().size(), i);
  }
  EXPECT_EQ(fake->asked()[2].conversation, made);
  EXPECT_EQ(fake->asked()[2].caller.user_id, colleague_);
  EXPECT_EQ(fake->asked()[2].action, Action::kRead);
  fake->deny(Action::kRead);
  EXPECT_THAT(store->getConversation(owner(), made.id), notFound());
  EXPECT_THAT(store->getMessages(owner(), made.id), notFound());
}

TEST_P(ConversationAccessSuite, AsksTheAuthorizationServiceWhatEachOperationTakes) {
  const auto fake = std::make_shared<testing::FakeAuthorization>();
  const auto store = must(createConversationStore(stores_.backends, {.authorization = fake}));
  const Conversation made = converse();
  const Message said = say(made.id, "hello");
  fake->deny(Action::kWrite, "no writing");
  fake->deny(Action::kManage, "no managing");
  const auto refused = [](const char* reason) {
    return StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr(reason));
  };
  EXPECT_THAT(store->appendMessage(owner(), {.conversation_id = made.id}), refused("no writing"));
  EXPECT_THAT(store->softDeleteMessage(owner(), said.id), refused("no writing"));
  EXPECT_THAT(store->updateSharing(owner(), made.id, {.title = "x"}), refused("no managing"));
  EXPECT_THAT(store->setArchivedState(owner(), made.id, true), refused("no managing"));
  EXPECT_THAT(store->getConversation(owner(), made.id), IsOk());
  EXPECT_THAT(store->getMessages(owner(), made.id), IsOk());
  const Access access = must(store->checkAccess(owner(), made.id, Action::kWrite));
  EXPECT_FALSE(access.allowed);
  EXPECT_EQ(access.reason, "no writing");
}

}  // namespace strata
