// What every ExecutionStore does, on whatever it stands. Instantiated per stack by
// execution_store_test.cpp and tests/stores/conversations/execution/execution_store_pgtest.cpp; its life is in
// execution_store_life_suite.h, what concurrent calls do in execution_store_concurrency.h.
#pragma once

#include "tests/stores/conversations/execution/execution_store_concurrency.h"
#include "tests/stores/conversations/execution/execution_store_life_suite.h"

namespace strata {

// B-1
TEST_P(ExecutionStoreSuite, AnswersNoneWhereThereIsNone) {
  EXPECT_EQ(liveOn(path_), std::nullopt);
  EXPECT_THAT(store_->getContextByPath(tenant_, anyUuid(), anyUuid()), IsOkAndHolds(std::nullopt));
  EXPECT_THAT(store_->getContext(tenant_, anyUuid()), notFound());
  EXPECT_THAT(expired(), IsEmpty());
  EXPECT_THAT(store_->purgeTerminated(tenant_), IsOkAndHolds(0));
}

TEST_P(ExecutionStoreSuite, CreatesOneThatIsBeingCreatedAndLivesForHalfAnHour) {
  NewExecutionContext wanted = onPath(path_);
  wanted.id = anyUuid();
  wanted.sandbox_id = "größte Kiste 🎉'; DROP TABLE execution_contexts; --";
  const ExecutionContext expected{.id = *wanted.id,
                                  .tenant_id = tenant_,
                                  .conversation_id = conversation_,
                                  .path_id = path_,
                                  .sandbox_id = wanted.sandbox_id,
                                  .sandbox_status = SandboxStatus::kCreating,
                                  .created_at = clock_.wallTime(),
                                  .last_used_at = clock_.wallTime(),
                                  .expires_at = in(absl::Minutes(30))};
  EXPECT_EQ(create(wanted), expected);
  EXPECT_THAT(store_->getContext(tenant_, expected.id), IsOkAndHolds(expected));
  EXPECT_THAT(store_->getContextByPath(tenant_, conversation_, path_), IsOkAndHolds(expected));
}

TEST_P(ExecutionStoreSuite, AnswersTheLiveOneAsItIs) {
  const ExecutionContext first = create();
  for (const SandboxStatus status : {SandboxStatus::kReady, SandboxStatus::kError}) {
    clock_.advance(absl::Minutes(1));
    const auto updated = store_->updateStatus(tenant_, first.id, {.status = status});
    NewExecutionContext again = onPath(path_, absl::Hours(1));
    again.sandbox_id = "another";
    const auto made = store_->createContext(again);
    ASSERT_THAT(made, IsOk());
    EXPECT_FALSE(made->created);
    EXPECT_EQ(made->replaced, std::nullopt);
    EXPECT_EQ(made->context, *updated);
    EXPECT_EQ(stored(first.id), *updated) << "it was not used either";
  }
  EXPECT_NE(create(onPath(branch_)).id, first.id) << "another path has one of its own";
}

TEST_P(ExecutionStoreSuite, CreatesAnotherAfterTheOneBeforeWasTerminated) {
  const ExecutionContext first = create();
  ASSERT_THAT(store_->terminateContext(tenant_, first.id), IsOk());
  EXPECT_EQ(liveOn(path_), std::nullopt);
  EXPECT_EQ(liveOn(path_), std::nullopt);
  const ExecutionContext second = create();
  EXPECT_NE(second.id, first.id);
  EXPECT_EQ(liveOn(path_), second.id);
}

TEST_P(ExecutionStoreSuite, TerminatesAnExpiredOneThatStandsInTheWay) {
  const ExecutionContext first = create(onPath(path_, absl::Minutes(1)));
  clock_.advance(absl::Minutes(1));
  EXPECT_EQ(liveOn(path_), std::nullopt) << "at its end it is over";
  const auto second = store_->createContext(onPath(path_));
  ASSERT_THAT(second, IsOk());
  EXPECT_TRUE(second->created);
  EXPECT_EQ(liveOn(path_), second->context.id);
  const ExecutionContext ended = stored(first.id);
  EXPECT_EQ(second->replaced, ended);
  EXPECT_EQ(ended.sandbox_status, SandboxStatus::kTerminated);
  EXPECT_EQ(ended.terminated_at, clock_.wallTime());
  EXPECT_THAT(ended.error_message.value_or(""), HasSubstr("expired"));
}

TEST_P(ExecutionStoreSuite, CreatesNothingWhereThereIsNoSuchPath) {
  NewExecutionContext wanted = onPath(anyUuid());
  EXPECT_THAT(store_->createContext(wanted), notFound()) << "no such path";
  wanted.conversation_id = anyUuid();
  EXPECT_THAT(store_->createContext(wanted), notFound()) << "no such conversation";
  wanted.path_id = path_;
  EXPECT_THAT(store_->createContext(wanted), notFound()) << "no such conversation, but the path";
  insertConversation(backends_, tenant_, wanted.conversation_id);
  EXPECT_THAT(store_->createContext(wanted), notFound()) << "another conversation's path";
  EXPECT_EQ(liveOn(path_), std::nullopt);
}

TEST_P(ExecutionStoreSuite, CanRepeatACreateUnderAnIdOfTheCallers) {
  NewExecutionContext wanted = onPath(path_);
  wanted.id = anyUuid();
  const ExecutionContext first = create(wanted);
  const auto again = store_->createContext(wanted);
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->created);
  EXPECT_EQ(again->context, first);

  const auto in_use = StatusIs(absl::StatusCode::kAlreadyExists);
  NewExecutionContext elsewhere = onPath(branch_);
  elsewhere.id = first.id;
  EXPECT_THAT(store_->createContext(elsewhere), in_use);
  clock_.advance(absl::Minutes(30));
  EXPECT_THAT(store_->createContext(wanted), in_use);
  EXPECT_EQ(stored(first.id), first) << "nothing happened, so it was not terminated either";
}

// B-81
TEST_P(ExecutionStoreSuite, FindsAndChangesNothingWithAnotherTenant) {
  const ExecutionContext made = create(onPath(path_, absl::Minutes(1)));
  const ExecutionContext ended = create(onPath(branch_));
  ASSERT_THAT(store_->terminateContext(tenant_, ended.id), IsOk());
  NewExecutionContext wanted = onPath(path_);
  wanted.tenant_id = other_tenant_;
  EXPECT_THAT(store_->createContext(wanted), notFound());
  EXPECT_THAT(store_->getContextByPath(other_tenant_, conversation_, path_),
              IsOkAndHolds(std::nullopt));
  EXPECT_THAT(store_->getContext(other_tenant_, made.id), notFound());
  EXPECT_THAT(store_->touchContext(other_tenant_, made.id), notFound());
  EXPECT_THAT(store_->updateStatus(other_tenant_, made.id, {.status = SandboxStatus::kReady}),
              notFound());
  EXPECT_THAT(store_->terminateContext(other_tenant_, made.id), notFound());
  clock_.advance(absl::Hours(8 * 24));
  EXPECT_THAT(store_->getExpiredContexts(other_tenant_), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(store_->purgeTerminated(other_tenant_), IsOkAndHolds(0));
  EXPECT_EQ(stored(made.id), made);
  EXPECT_THAT(store_->getContext(tenant_, ended.id), IsOk());
}

// B-81
TEST_P(ExecutionStoreSuite, KeepsTheSameIdsInTwoTenantsApart) {
  insertConversation(backends_, other_tenant_, conversation_, {path_});
  NewExecutionContext wanted = onPath(path_);
  wanted.id = anyUuid();
  create(wanted);
  wanted.tenant_id = other_tenant_;
  create(wanted);
  ASSERT_THAT(store_->terminateContext(other_tenant_, *wanted.id), IsOk());
  EXPECT_THAT(store_->purgeTerminated(other_tenant_, absl::ZeroDuration()), IsOkAndHolds(1));
  EXPECT_EQ(liveOn(path_), wanted.id);
}

// B-6
TEST_P(ExecutionStoreSuite, RefusesWhatCannotBe) {
  for (const absl::Duration ttl :
       {absl::ZeroDuration(), -absl::Seconds(1), absl::Nanoseconds(999), absl::InfiniteDuration(),
        kMaxExecutionTtl + absl::Microseconds(1)}) {
    EXPECT_THAT(store_->createContext(onPath(path_, ttl)), refused("ttl"));
    EXPECT_THAT(store_->touchContext(tenant_, anyUuid(), ttl), refused("ttl"));
  }
  for (const std::int64_t limit : {0, -1, 1001}) {
    EXPECT_THAT(store_->getExpiredContexts(tenant_, limit), refused("limit"));
    EXPECT_THAT(store_->purgeTerminated(tenant_, absl::Hours(1), limit), refused("limit"));
  }
  for (const absl::Duration age : {-absl::Seconds(1), absl::InfiniteDuration()}) {
    EXPECT_THAT(store_->purgeTerminated(tenant_, age), refused("age"));
  }
  for (const auto& [field, name] : {std::pair(&NewExecutionContext::tenant_id, "tenant_id"),
                                    {&NewExecutionContext::conversation_id, "conversation_id"},
                                    {&NewExecutionContext::path_id, "path_id"},
                                    {&NewExecutionContext::sandbox_id, "sandbox_id"}}) {
    NewExecutionContext wanted = onPath(path_);
    wanted.*field = std::string("a\0b", 3);
    EXPECT_THAT(store_->createContext(wanted), refused(name));
  }
  NewExecutionContext wanted = onPath(path_);
  wanted.id = "";
  EXPECT_THAT(store_->createContext(wanted), refused("id"));
  EXPECT_EQ(liveOn(path_), std::nullopt) << "nothing of it was stored";

  const auto without_tenant = refused("tenant_id");
  EXPECT_THAT(store_->getContext("", anyUuid()), without_tenant);
  EXPECT_THAT(store_->getContextByPath("", conversation_, path_), without_tenant);
  EXPECT_THAT(store_->touchContext("", anyUuid()), without_tenant);
  EXPECT_THAT(store_->terminateContext("", anyUuid()), without_tenant);
  EXPECT_THAT(store_->getExpiredContexts(""), without_tenant);
  EXPECT_THAT(store_->purgeTerminated(""), without_tenant);
}

TEST_P(ExecutionStoreSuite, TakesIdsInEitherCaseForTheSame) {
  const auto upper = [](std::string id) {
    for (char& c : id) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return id;
  };
  const std::string id = anyUuid();
  const ExecutionContext made = create({.tenant_id = upper(tenant_),
                                        .conversation_id = upper(conversation_),
                                        .path_id = upper(path_),
                                        .id = upper(id)});
  EXPECT_EQ(stored(id), made);
  EXPECT_EQ(made.path_id, path_);
  EXPECT_THAT(store_->getContextByPath(upper(tenant_), upper(conversation_), upper(path_)),
              IsOkAndHolds(made));
  EXPECT_THAT(store_->terminateContext(upper(tenant_), upper(id)), IsOk());
}

TEST_P(ExecutionStoreSuite, IsPartOfAUnitOfWork) {
  const ExecutionContext other = create(onPath(branch_));
  for (const bool commits : {false, true}) {
    const auto unit = *beginUnitOfWork(backends_);
    const auto made = store_->createContext(onPath(path_), {.unit = unit.get()});
    ASSERT_THAT(made, IsOk());
    EXPECT_TRUE(made->created);
    ASSERT_THAT(store_->terminateContext(tenant_, other.id, {.unit = unit.get()}), IsOk());
    EXPECT_THAT(store_->purgeTerminated(tenant_, absl::ZeroDuration(), 1, {.unit = unit.get()}),
                IsOkAndHolds(1));
    EXPECT_THAT(store_->touchContext(tenant_, anyUuid(), {}, {.unit = unit.get()}), notFound());
    NewExecutionContext refused = onPath(branch_);
    refused.id = made->context.id;
    EXPECT_THAT(store_->createContext(refused, {.unit = unit.get()}),
                StatusIs(absl::StatusCode::kAlreadyExists))
        << "an error that changed nothing does not end it";
    EXPECT_EQ(liveOn(path_, {.unit = unit.get()}), made->context.id);
    EXPECT_EQ(liveOn(branch_, {.unit = unit.get()}), std::nullopt);
    if (!commits) {
      unit->rollback();
      EXPECT_EQ(liveOn(path_), std::nullopt);
      EXPECT_EQ(liveOn(branch_), other.id);
      EXPECT_EQ(stored(other.id), other);
      continue;
    }
    EXPECT_THAT(unit->commit(), IsOk());
    EXPECT_EQ(liveOn(path_), made->context.id);
    EXPECT_THAT(store_->getContext(tenant_, other.id), notFound());
  }
}

TEST_P(ExecutionStoreSuite, IsHealthy) {
  EXPECT_EQ(store_->healthCheck().state, HealthState::kPass);
}

}  // namespace strata
