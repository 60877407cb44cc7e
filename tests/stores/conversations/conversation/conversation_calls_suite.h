// What all operations of both stores do alike, on whatever they stand.
#pragma once

#include <algorithm>

#include "tests/stores/conversations/path/path_calls.h"

namespace strata {

class ConversationCallsSuite : public ConversationStoresTest {
 protected:
  using Unit = std::unique_ptr<UnitOfWork>;

  // A conversation of a tenant in which every call succeeds.
  CallIds setScene(const std::string& tenant) {
    tick();
    CallIds ids{.tenant = tenant, .user = owner_, .id = newId()};
    const Caller caller{tenant, owner_};
    const Conversation made =
        must(conversations_.createConversation({.tenant_id = tenant, .user_id = owner_}));
    ids.conversation = made.id;
    ids.target = made.active_path_id.value_or("");
    const auto append = [&](const std::string& path) {
      return must(conversations_.appendMessage(
                      caller, {.conversation_id = made.id, .content = "content", .path_id = path}))
          .id;
    };
    ids.path = must(paths_.branchFromMessage(tenant, append(ids.target))).id;
    ids.message = append(ids.path);
    tick();
    return ids;
  }
  CallIds setScene() { return setScene(tenant_); }

  std::vector<std::string> stateOf(const CallIds& ids) {
    return ConversationStoresTest::stateOf({ids.tenant, ids.user}, ids.conversation);
  }
  absl::Status run(const StoreCall& call, const CallIds& ids, UnitOfWork* unit = nullptr) {
    return call.run(stores_, ids, unit);
  }
  Unit begin() { return must(beginUnitOfWork(stores_.backends)); }

  const std::vector<StoreCall> calls_ = everyCall();
};

TEST_P(ConversationCallsSuite, SucceedInTheScene) {
  for (const StoreCall& call : calls_) EXPECT_THAT(run(call, setScene()), IsOk()) << call.name;
}

TEST_P(ConversationCallsSuite, TakeIdsInEitherCase) {
  for (const StoreCall& call : calls_) {
    CallIds ids = setScene();
    for (const CallId id : call.uses) ids.*id = upper(ids.*id);
    EXPECT_THAT(run(call, ids), IsOk()) << call.name;
  }
}

// B-6, B-10
TEST_P(ConversationCallsSuite, RefuseEveryIdThatIsNoUuid) {
  const CallIds ids = setScene();
  const auto before = stateOf(ids);
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("is not a UUID"));
  for (const StoreCall& call : calls_) {
    for (const CallId id : call.uses) {
      for (const std::string& bad :
           {std::string(), std::string("acme"), ids.*id + "0", ids.*id + "\n", (ids.*id).substr(1),
            (ids.*id).substr(1) + "g", std::string(36, '\0'), "{" + ids.*id + "}",
            std::string("' OR true; --")}) {
        CallIds wrong = ids;
        wrong.*id = bad;
        EXPECT_THAT(run(call, wrong), refused) << call.name;
      }
    }
  }
  EXPECT_EQ(stateOf(ids), before);
}

// B-81
TEST_P(ConversationCallsSuite, DoNotFindAnythingOfAnotherTenant) {
  const CallIds ids = setScene();
  const auto before = stateOf(ids);
  CallIds strange = ids;
  strange.tenant = other_tenant_;
  for (const StoreCall& call : calls_) {
    if (!call.needs_rows) continue;
    EXPECT_THAT(run(call, strange), notFound()) << call.name;
    EXPECT_EQ(stateOf(ids), before) << call.name;
  }
  const auto list = must(conversations_.listConversations(stranger(), {}));
  EXPECT_THAT(list.conversations, IsEmpty());
}

// B-81: a single id of another tenant among one's own.
TEST_P(ConversationCallsSuite, DoNotFindAnIdOfAnotherTenantAmongTheirOwn) {
  const CallIds theirs = setScene(other_tenant_);
  const auto before = stateOf(theirs);
  for (const StoreCall& call : calls_) {
    for (const CallId id : call.uses) {
      if (id == calls::kTenant || id == calls::kUser || id == calls::kId) continue;
      CallIds mixed = setScene();
      const CallIds own = mixed;
      const auto own_before = stateOf(own);
      mixed.*id = theirs.*id;
      EXPECT_THAT(run(call, mixed), notFound()) << call.name;
      EXPECT_EQ(stateOf(own), own_before) << call.name;
    }
  }
  EXPECT_EQ(stateOf(theirs), before);
}

// B-81
TEST_P(ConversationCallsSuite, MayTakeAnIdThatAnotherTenantUses) {
  const CallIds theirs = setScene(other_tenant_);
  const auto before = stateOf(theirs);
  for (const CallId taken : {calls::kConversation, calls::kPath, calls::kMessage}) {
    for (const StoreCall& call : calls_) {
      if (std::find(call.uses.begin(), call.uses.end(), calls::kId) == call.uses.end()) continue;
      tick();
      CallIds own = setScene(newId());
      own.id = theirs.*taken;
      EXPECT_THAT(run(call, own), IsOk()) << call.name;
    }
  }
  EXPECT_EQ(stateOf(theirs), before);
}

// ---- The cache ----

TEST_P(ConversationCallsSuite, ReadTheSameFromTheCacheAsFromTheDatabase) {
  for (const StoreCall& call : calls_) {
    const CallIds ids = setScene();
    const Caller caller{ids.tenant, ids.user};
    const auto get = [&](const ReadOptions& options) {
      return *must(conversations_.getConversation(caller, ids.conversation, options));
    };
    for (int i = 0; i < 2; ++i) get({});
    ASSERT_THAT(run(call, ids), IsOk()) << call.name;
    EXPECT_EQ(get({}), get({.consistency = Consistency::kLatest})) << call.name;
  }
}

// ---- Units of work ----

TEST_P(ConversationCallsSuite, AreUndoneWithTheirUnitOfWork) {
  for (const StoreCall& call : calls_) {
    CallIds ids = setScene();
    const auto before = stateOf(ids);
    Unit unit = begin();
    EXPECT_THAT(run(call, ids, unit.get()), IsOk()) << call.name;
    unit->rollback();
    EXPECT_EQ(stateOf(ids), before) << call.name;
    EXPECT_THAT(conversations_.getConversation({ids.tenant, ids.user}, ids.id), notFound());
    EXPECT_THAT(paths_.getPath(ids.tenant, ids.id), notFound()) << call.name;
  }
}

TEST_P(ConversationCallsSuite, DoTheSameInAUnitOfWorkAsWithoutOne) {
  for (const StoreCall& call : calls_) {
    CallIds ids = setScene();
    Unit unit = begin();
    EXPECT_THAT(run(call, ids, unit.get()), IsOk()) << call.name;
    ASSERT_THAT(unit->commit(), IsOk()) << call.name;
    CallIds again = setScene();
    EXPECT_THAT(run(call, again), IsOk());
    EXPECT_EQ(stateOf(ids).size(), stateOf(again).size()) << call.name;
  }
}

TEST_P(ConversationCallsSuite, RefuseAUnitOfWorkThatHasEnded) {
  const CallIds ids = setScene();
  const auto before = stateOf(ids);
  Unit unit = begin();
  ASSERT_THAT(unit->commit(), IsOk());
  for (const StoreCall& call : calls_) {
    EXPECT_THAT(run(call, ids, unit.get()), forbidden()) << call.name;
  }
  EXPECT_EQ(stateOf(ids), before);
}

}  // namespace strata
