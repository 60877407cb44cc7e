// The channels of conversations' events, whose names are part of the contract with other programs.
#include "strata/stores/conversations/conversation_events.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

TEST(ConversationEvents, GoOnAChannelOfTheirTenantAndConversation) {
  EXPECT_EQ(conversationEvents("acme", "c1").name(), "conversation:acme:c1");
  EXPECT_EQ(conversationEvents("a:b", "c").name(), "conversation:a%3Ab:c");
  EXPECT_EQ(conversationListEvents("acme").name(), "conversation-list:acme");
  EXPECT_THAT(conversationEvents("acme", "c1").check(), IsOk());
}

TEST(ConversationEvents, HaveNoChannelWithoutATenantOrAConversation) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(conversationEvents("acme", "").check(), StatusIs(kInvalid, HasSubstr("empty")));
  EXPECT_THAT(conversationListEvents("").check(), StatusIs(kInvalid, HasSubstr("empty")));
}

}  // namespace
}  // namespace strata
