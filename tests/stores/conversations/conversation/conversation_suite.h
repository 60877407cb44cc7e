// What every ConversationStore does with conversations themselves, on whatever it stands.
#pragma once

#include "tests/stores/conversations/conversation/conversation_fixture.h"

namespace strata {

class ConversationStoreSuite : public ConversationStoresTest {};

TEST_P(ConversationStoreSuite, CreatesAConversationWithItsDefaultsAndThePrimaryPathMain) {
  const Conversation made = must(conversations_.createConversation({.tenant_id = tenant_}));
  const Conversation expected{.id = made.id,
                              .tenant_id = tenant_,
                              .active_path_id = made.active_path_id,
                              .created_at = now(),
                              .updated_at = now()};
  EXPECT_EQ(made, expected);
  const Path main = primary(made.id);
  EXPECT_EQ(main, (Path{.id = made.active_path_id.value_or("none"),
                        .conversation_id = made.id,
                        .tenant_id = tenant_,
                        .name = "Main",
                        .is_primary = true,
                        .created_at = now(),
                        .updated_at = now()}));
  EXPECT_THAT(paths_.getActivePath(tenant_, made.id), IsOkAndHolds(main));
}

// B-7, B-10
TEST_P(ConversationStoreSuite, RoundTripsEveryFieldOfAConversation) {
  const std::string text = "größte 🎉 \"'; DROP TABLE conversations; -- \\ %s $1";
  const NewConversation given{.tenant_id = tenant_,
                              .user_id = owner_,
                              .id = newId(),
                              .title = text,
                              .share_audience = ShareAudience::kPublic,
                              .tenant_access = TenantAccess::kEdit,
                              .authorization_model = AuthorizationModel::kOpenfga,
                              .authorization_spec = json(R"({"b":[1,null],"a":"ä'"})"),
                              .persona_id = text,
                              .jurisdictions = {"de", "", text, "de"},
                              .trace_id = "",
                              .root_span_name = text,
                              .root_span_id = "0af7"};
  const Conversation made = must(conversations_.createConversation(given));
  const Conversation expected{.id = *given.id,
                              .tenant_id = tenant_,
                              .user_id = owner_,
                              .trace_id = "",
                              .root_span_name = text,
                              .root_span_id = "0af7",
                              .share_audience = ShareAudience::kPublic,
                              .tenant_access = TenantAccess::kEdit,
                              .authorization_model = AuthorizationModel::kOpenfga,
                              .authorization_spec = given.authorization_spec,
                              .persona_id = text,
                              .jurisdictions = given.jurisdictions,
                              .title = text,
                              .active_path_id = made.active_path_id,
                              .created_at = now(),
                              .updated_at = now()};
  EXPECT_EQ(made, expected);
  for (int i = 0; i < 2; ++i) {  // from the database, then from the cache where there is one
    EXPECT_EQ(*must(conversations_.getConversation(owner(), made.id)), expected);
  }
  EXPECT_EQ(latest(made.id), expected);
}

TEST_P(ConversationStoreSuite, TakesIdsInEitherCaseAndGivesThemInLowerCase) {
  const std::string id = newId();
  const Conversation made = must(conversations_.createConversation(
      {.tenant_id = upper(tenant_), .user_id = upper(owner_), .id = upper(id)}));
  EXPECT_EQ(made.id, id);
  EXPECT_EQ(made.tenant_id, tenant_);
  EXPECT_EQ(made.user_id, owner_);
  const Caller shouting{upper(tenant_), upper(owner_)};
  EXPECT_EQ(*must(conversations_.getConversation(shouting, upper(id))), made);
  EXPECT_THAT(conversations_.createConversation({.tenant_id = tenant_, .id = upper(id)}),
              inUseAlready());
  EXPECT_EQ(must(conversations_.listConversations(shouting)).conversations.size(), 1U);
}

TEST_P(ConversationStoreSuite, RefusesTheIdOfAConversationThatExistsAndLeavesThatAsItIs) {
  const Conversation made = converse({.title = "first"});
  const auto before = stateOf(made.id);
  tick();
  EXPECT_THAT(conversations_.createConversation(
                  {.tenant_id = tenant_, .user_id = owner_, .id = made.id, .title = "second"}),
              inUseAlready());
  EXPECT_EQ(stateOf(made.id), before);
}

TEST_P(ConversationStoreSuite, DoesNotFindWhatDoesNotExist) {
  const std::string none = newId();
  EXPECT_THAT(conversations_.getConversation(owner(), none), notFound());
  EXPECT_THAT(conversations_.appendMessage(owner(), {.conversation_id = none}), notFound());
  EXPECT_THAT(conversations_.softDeleteMessage(owner(), none), notFound());
  EXPECT_THAT(conversations_.getMessages(owner(), none), notFound());
  EXPECT_THAT(conversations_.updateSharing(owner(), none, {.title = "t"}), notFound());
  EXPECT_THAT(conversations_.setArchivedState(owner(), none, true), notFound());
  EXPECT_THAT(conversations_.checkAccess(owner(), none, ConversationAction::kRead), notFound());
  EXPECT_THAT(conversations_.recordCompaction(tenant_, none), notFound());
  EXPECT_THAT(must(conversations_.listConversations(owner())).conversations, IsEmpty());
  EXPECT_THAT(conversations_.getConversationsNeedingCompaction(tenant_), IsOkAndHolds(IsEmpty()));
}

// ---- Sharing ----

TEST_P(ConversationStoreSuite, UpdatesOfSharingWhatIsThereAndKeepsTheRest) {
  const Conversation made = converse({.title = "title"});
  tick();
  Conversation expected = made;
  expected.updated_at = now();
  expected.share_audience = ShareAudience::kTenant;
  EXPECT_THAT(
      conversations_.updateSharing(owner(), made.id, {.share_audience = ShareAudience::kTenant}),
      IsOkAndHolds(expected));
  tick();
  expected.updated_at = now();
  expected.tenant_access = TenantAccess::kEdit;
  expected.title = "größer '";
  EXPECT_THAT(conversations_.updateSharing(
                  owner(), made.id, {.title = "größer '", .tenant_access = TenantAccess::kEdit}),
              IsOkAndHolds(expected));
  tick();
  expected.updated_at = now();
  expected.authorization_model = AuthorizationModel::kOpenfga;
  expected.authorization_spec = json(R"({"fallback_audience":"tenant"})");
  EXPECT_THAT(conversations_.updateSharing(owner(), made.id,
                                           {.authorization_model = AuthorizationModel::kOpenfga,
                                            .authorization_spec = expected.authorization_spec}),
              IsOkAndHolds(expected));
  EXPECT_EQ(*must(conversations_.getConversation(owner(), made.id)), expected);
}

TEST_P(ConversationStoreSuite, ClearsATitleThatIsAbsentInside) {
  const Conversation made = converse({.title = "title"});
  const SharingUpdate clear{.title = std::optional<std::string>()};
  EXPECT_EQ(must(conversations_.updateSharing(owner(), made.id, clear)).title, std::nullopt);
  EXPECT_EQ(must(conversations_.getConversation(owner(), made.id))->title, std::nullopt);
}

TEST_P(ConversationStoreSuite, ChangesNothingByAnEmptyUpdateOfSharing) {
  const Conversation made = converse({.title = "title"});
  const Conversation updated = must(conversations_.updateSharing(owner(), made.id, {}));
  EXPECT_EQ(updated.title, "title");
  EXPECT_EQ(latest(made.id).share_audience, ShareAudience::kPrivate);
}

TEST_P(ConversationStoreSuite, LeavesSharingAndArchivingToTheOwner) {
  const Conversation made =
      converse({.share_audience = ShareAudience::kTenant, .tenant_access = TenantAccess::kEdit});
  const auto before = stateOf(made.id);
  for (const Caller& caller : {colleague(), application()}) {
    EXPECT_THAT(conversations_.updateSharing(caller, made.id, {.title = "mine"}), denied());
    EXPECT_THAT(conversations_.setArchivedState(caller, made.id, true), denied());
  }
  const Conversation hidden = converse();
  for (const Caller& caller : {colleague(), application()}) {
    EXPECT_THAT(conversations_.updateSharing(caller, hidden.id, {.title = "mine"}), notFound());
    EXPECT_THAT(conversations_.setArchivedState(caller, hidden.id, true), notFound());
  }
  EXPECT_EQ(stateOf(made.id), before);
}

TEST_P(ConversationStoreSuite, LetsAnybodyOfTheTenantManageWhatHasNoOwner) {
  const Conversation made = converseWithoutOwner();
  for (const Caller& caller : {owner(), colleague(), application()}) {
    EXPECT_THAT(conversations_.updateSharing(caller, made.id, {.title = "ours"}), IsOk());
    EXPECT_THAT(conversations_.setArchivedState(caller, made.id, true), IsOk());
    EXPECT_THAT(conversations_.setArchivedState(caller, made.id, false), IsOk());
  }
}

// ---- Archiving ----

TEST_P(ConversationStoreSuite, ArchivesAndTakesBackFromTheArchive) {
  const Conversation made = converse();
  tick();
  const Conversation archived = must(conversations_.setArchivedState(owner(), made.id, true));
  EXPECT_EQ(archived.archived_at, now());
  EXPECT_EQ(archived.updated_at, now());
  EXPECT_EQ(*must(conversations_.getConversation(owner(), made.id)), archived);
  tick();
  EXPECT_NE(must(conversations_.setArchivedState(owner(), made.id, true)).archived_at,
            std::nullopt);
  const Conversation back = must(conversations_.setArchivedState(owner(), made.id, false));
  EXPECT_EQ(back.archived_at, std::nullopt);
  EXPECT_EQ(*must(conversations_.getConversation(owner(), made.id)), back);
  EXPECT_EQ(must(conversations_.setArchivedState(owner(), made.id, false)).archived_at,
            std::nullopt);
}

// B-8
TEST_P(ConversationStoreSuite, LeavesASnapshotAsItIsWhateverIsStoredLater) {
  const Conversation made = converse({.title = "before"});
  const auto held = must(conversations_.getConversation(owner(), made.id));
  EXPECT_THAT(conversations_.updateSharing(owner(), made.id, {.title = "after"}), IsOk());
  EXPECT_EQ(*held, made);
  EXPECT_EQ(must(conversations_.getConversation(owner(), made.id))->title, "after");
}

TEST_P(ConversationStoreSuite, IsHealthy) {
  EXPECT_EQ(conversations_.healthCheck().state, HealthState::kPass);
  EXPECT_EQ(paths_.healthCheck().state, HealthState::kPass);
}

// B-67
TEST_P(ConversationStoreSuite, DoesNothingOnceTheDeadlineHasPassed) {
  const Conversation made = converse();
  const auto before = stateOf(made.id);
  const auto late = StatusIs(absl::StatusCode::kDeadlineExceeded);
  const Deadline deadline = Deadline::at(stores_.clock->now());
  EXPECT_THAT(conversations_.getConversation(owner(), made.id, {.deadline = deadline}), late);
  EXPECT_THAT(conversations_.listConversations(owner(), {}, {.deadline = deadline}), late);
  EXPECT_THAT(
      conversations_.appendMessage(owner(), {.conversation_id = made.id}, {.deadline = deadline}),
      late);
  EXPECT_THAT(paths_.getPath(tenant_, *made.active_path_id, {.deadline = deadline}), late);
  EXPECT_THAT(paths_.createPath(tenant_, {.conversation_id = made.id}, {.deadline = deadline}),
              late);
  EXPECT_EQ(stateOf(made.id), before);
}

}  // namespace strata
