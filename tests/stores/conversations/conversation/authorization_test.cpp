// The rules of authorization.h, row by row, and the stand-ins of the testing library.
#include "strata/stores/conversations/conversation/authorization.h"

#include <gtest/gtest.h>

#include "strata/testing/fakes/fake_authorization.h"
#include "strata/testing/mocks/mock_conversation_store.h"
#include "strata/testing/mocks/mock_path_store.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

constexpr const char* kTenant = "11111111-2222-4333-8444-000000000001";
constexpr const char* kOtherTenant = "11111111-2222-4333-8444-000000000002";
constexpr const char* kOwner = "11111111-2222-4333-8444-00000000000a";
constexpr const char* kColleague = "11111111-2222-4333-8444-00000000000b";

constexpr ShareAudience kAudiences[] = {ShareAudience::kPrivate, ShareAudience::kTenant,
                                        ShareAudience::kPublic};
constexpr TenantAccess kAccesses[] = {TenantAccess::kView, TenantAccess::kEdit};
constexpr ConversationAction kActions[] = {ConversationAction::kRead, ConversationAction::kWrite,
                                           ConversationAction::kManage};

Conversation owned(ShareAudience audience, TenantAccess access = TenantAccess::kView) {
  return {
      .tenant_id = kTenant, .user_id = kOwner, .share_audience = audience, .tenant_access = access};
}

// The same with the audience in the authorization_spec, and the opposite in the row.
Conversation related(ShareAudience audience, const std::string& spec,
                     TenantAccess access = TenantAccess::kView) {
  Conversation conversation =
      owned(audience == ShareAudience::kPrivate ? ShareAudience::kTenant : ShareAudience::kPrivate,
            access);
  conversation.authorization_model = AuthorizationModel::kOpenfga;
  conversation.authorization_spec = *Json::parse(spec);
  return conversation;
}

// What `caller` may do: "r", "w" and "m".
std::string allowed(const Conversation& conversation, const Caller& caller) {
  RowAuthorization rows;
  std::string may;
  for (const ConversationAction action : kActions) {
    const Access access = rows.decide(conversation, caller, action);
    EXPECT_NE(access.reason, "");
    if (access.allowed) may += "rwm"[static_cast<int>(action)];
  }
  return may;
}

const Caller kTheOwner{kTenant, kOwner};
const Caller kTheColleague{kTenant, kColleague};
const Caller kTheApplication{kTenant, std::nullopt};

TEST(RowAuthorization, LetsTheOwnerDoEverything) {
  for (const ShareAudience audience : kAudiences) {
    for (const TenantAccess access : kAccesses) {
      EXPECT_EQ(allowed(owned(audience, access), kTheOwner), "rwm");
    }
  }
}

TEST(RowAuthorization, LetsTheWholeTenantDoEverythingWhereThereIsNoOwner) {
  for (const ShareAudience audience : kAudiences) {
    Conversation conversation = owned(audience);
    conversation.user_id.reset();
    for (const Caller& caller : {kTheOwner, kTheColleague, kTheApplication}) {
      EXPECT_EQ(allowed(conversation, caller), "rwm");
    }
  }
}

TEST(RowAuthorization, ShowsAPrivateConversationToNobodyElse) {
  for (const TenantAccess access : kAccesses) {
    EXPECT_EQ(allowed(owned(ShareAudience::kPrivate, access), kTheColleague), "");
    EXPECT_EQ(allowed(owned(ShareAudience::kPrivate, access), kTheApplication), "");
  }
}

TEST(RowAuthorization, LetsTheTenantReadAndItsUsersWriteWhereItMayEdit) {
  const Conversation view = owned(ShareAudience::kTenant);
  const Conversation edit = owned(ShareAudience::kTenant, TenantAccess::kEdit);
  EXPECT_EQ(allowed(view, kTheColleague), "r");
  EXPECT_EQ(allowed(view, kTheApplication), "r");
  EXPECT_EQ(allowed(edit, kTheColleague), "rw");
  EXPECT_EQ(allowed(edit, kTheApplication), "r") << "it is no user";
}

TEST(RowAuthorization, LetsThePublicReadAndNothingMore) {
  for (const TenantAccess access : kAccesses) {
    EXPECT_EQ(allowed(owned(ShareAudience::kPublic, access), kTheColleague), "r");
    EXPECT_EQ(allowed(owned(ShareAudience::kPublic, access), kTheApplication), "r");
  }
}

// B-81
TEST(RowAuthorization, NeverReachesBeyondTheTenant) {
  for (const ShareAudience audience : kAudiences) {
    Conversation conversation = owned(audience, TenantAccess::kEdit);
    EXPECT_EQ(allowed(conversation, {kOtherTenant, kOwner}), "");
    EXPECT_EQ(allowed(conversation, {kOtherTenant, std::nullopt}), "");
    conversation.user_id.reset();
    EXPECT_EQ(allowed(conversation, {kOtherTenant, kOwner}), "");
  }
}

TEST(RowAuthorization, TakesTheFallbackAudienceWhereARelationshipServiceDecides) {
  const std::string names[] = {"private", "tenant", "public"};
  for (const ShareAudience audience : kAudiences) {
    const std::string spec = R"({"x":1,"fallback_audience":")" + names[int(audience)] + "\"}";
    for (const TenantAccess access : kAccesses) {
      const Conversation conversation = related(audience, spec, access);
      EXPECT_EQ(effectiveAudience(conversation), audience);
      for (const Caller& caller : {kTheOwner, kTheColleague, kTheApplication}) {
        EXPECT_EQ(allowed(conversation, caller), allowed(owned(audience, access), caller));
      }
    }
  }
}

TEST(RowAuthorization, TakesPrivateWhereTheSpecNamesNoFallback) {
  for (const char* spec :
       {"{}", R"({"fallback_audience":null})", R"({"fallback_audience":"everybody"})",
        R"({"fallback_audience":1})", R"({"fallbackAudience":"tenant"})"}) {
    EXPECT_EQ(effectiveAudience(related(ShareAudience::kPrivate, spec)), ShareAudience::kPrivate)
        << spec;
  }
}

TEST(RowAuthorization, IgnoresTheFallbackWhereTheRowDecides) {
  Conversation conversation = owned(ShareAudience::kPrivate);
  conversation.authorization_spec = *Json::parse(R"({"fallback_audience":"public"})");
  EXPECT_EQ(effectiveAudience(conversation), ShareAudience::kPrivate);
}

TEST(FakeAuthorization, AnswersWhatItIsToldAndRemembersWhatItWasAsked) {
  testing::FakeAuthorization fake;
  const Conversation conversation = owned(ShareAudience::kPrivate);
  EXPECT_TRUE(fake.decide(conversation, kTheColleague, ConversationAction::kManage).allowed);
  fake.deny(ConversationAction::kWrite, "no");
  EXPECT_TRUE(fake.decide(conversation, kTheColleague, ConversationAction::kRead).allowed);
  EXPECT_EQ(fake.decide(conversation, kTheOwner, ConversationAction::kWrite).reason, "no");
  fake.denyAll();
  EXPECT_FALSE(fake.decide(conversation, kTheOwner, ConversationAction::kRead).allowed);
  fake.allow(ConversationAction::kRead);
  EXPECT_TRUE(fake.decide(conversation, kTheOwner, ConversationAction::kRead).allowed);
  fake.allowAll();
  EXPECT_TRUE(fake.decide(conversation, kTheOwner, ConversationAction::kWrite).allowed);
  const auto asked = fake.asked();
  ASSERT_EQ(asked.size(), 6U);
  EXPECT_EQ(asked[0].conversation, conversation);
  EXPECT_EQ(asked[0].action, ConversationAction::kManage);
  EXPECT_EQ(asked[1].caller.user_id, kColleague);
}

TEST(MockConversationStore, StandsInForAStore) {
  testing::MockConversationStore mock;
  EXPECT_CALL(mock, appendMessage)
      .WillOnce(::testing::Return(Message{.id = "m", .sequence_in_path = 7}));
  ConversationStore& store = mock;
  EXPECT_EQ(store.appendMessage(kTheOwner, {.content = "hello"})->sequence_in_path, 7);
}

TEST(MockPathStore, StandsInForAStore) {
  testing::MockPathStore mock;
  EXPECT_CALL(mock, getPath(std::string_view("t"), std::string_view("p"), ::testing::_))
      .WillOnce(::testing::Return(Path{.name = "What if"}));
  PathStore& store = mock;
  EXPECT_EQ(store.getPath("t", "p")->name, "What if");
}

}  // namespace
}  // namespace strata
