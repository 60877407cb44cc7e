// What becomes of an execution context on every ExecutionStore: its use, its sandbox's status, its
// end.
#pragma once

#include "tests/stores/conversations/execution/execution_store_fixture.h"

namespace strata {

TEST_P(ExecutionStoreSuite, LivesItsTtlFromEachUse) {
  const ExecutionContext made = create(onPath(path_, absl::Minutes(10)));
  clock_.advance(absl::Minutes(9));
  auto touched = store_->touchContext(tenant_, made.id);
  ASSERT_THAT(touched, IsOk());
  EXPECT_EQ(touched->last_used_at, clock_.wallTime());
  EXPECT_EQ(touched->expires_at, in(absl::Minutes(10)));
  EXPECT_EQ(touched->created_at, made.created_at);
  EXPECT_EQ(stored(made.id), *touched);

  clock_.advance(absl::Minutes(1));
  touched = store_->touchContext(tenant_, made.id, absl::Hours(24));
  EXPECT_EQ(touched->expires_at, in(absl::Hours(24)));
  clock_.advance(absl::Minutes(1));
  EXPECT_EQ(store_->touchContext(tenant_, made.id)->expires_at, in(absl::Hours(24)));
  EXPECT_EQ(store_->touchContext(tenant_, made.id, absl::Minutes(2))->expires_at,
            in(absl::Minutes(2)))
      << "a shorter one holds too";
}

TEST_P(ExecutionStoreSuite, NeverLetsItsTimesRunBackwards) {
  const ExecutionContext made = create();
  clock_.jumpWallClock(-absl::Hours(1));
  EXPECT_THAT(store_->touchContext(tenant_, made.id), IsOkAndHolds(made));
  EXPECT_EQ(store_->terminateContext(tenant_, made.id)->terminated_at, made.last_used_at);
}

TEST_P(ExecutionStoreSuite, TouchesOnlyWhatIsLive) {
  const ExecutionContext made = create(onPath(path_, absl::Minutes(1)));
  const ExecutionContext terminated = create(onPath(branch_));
  ASSERT_THAT(store_->terminateContext(tenant_, terminated.id), IsOk());
  clock_.advance(absl::Minutes(1));
  EXPECT_THAT(store_->touchContext(tenant_, made.id), notFound());
  EXPECT_THAT(store_->touchContext(tenant_, terminated.id), notFound());
  EXPECT_THAT(store_->touchContext(tenant_, anyUuid()), notFound());
  EXPECT_EQ(stored(made.id), made);
}

TEST_P(ExecutionStoreSuite, LetsASandboxBecomeWhatItMay) {
  using enum SandboxStatus;
  const std::set<std::pair<SandboxStatus, SandboxStatus>> allowed = {
      {kCreating, kReady}, {kCreating, kError}, {kCreating, kTerminated},
      {kReady, kReady},    {kReady, kError},    {kReady, kTerminated},
      {kError, kReady},    {kError, kError},    {kError, kTerminated}};
  for (const SandboxStatus from : {kCreating, kReady, kError, kTerminated}) {
    for (const SandboxStatus to : {kCreating, kReady, kError, kTerminated}) {
      const ExecutionContext made = create();
      if (from != kCreating) {
        ASSERT_THAT(store_->updateStatus(tenant_, made.id, {.status = from}), IsOk());
      }
      const ExecutionContext before = stored(made.id);
      const auto updated = store_->updateStatus(tenant_, made.id, {.status = to});
      if (allowed.contains({from, to})) {
        ASSERT_THAT(updated, IsOk());
        EXPECT_EQ(updated->sandbox_status, to);
        EXPECT_EQ(updated->terminated_at.has_value(), to == kTerminated);
        EXPECT_EQ(stored(made.id), *updated);
      } else {
        EXPECT_THAT(updated, forbidden());
        EXPECT_EQ(stored(made.id), before);
      }
      ASSERT_THAT(store_->terminateContext(tenant_, made.id), IsOk());
    }
  }
}

// B-7
TEST_P(ExecutionStoreSuite, KeepsWhatIsKnownOfTheSandbox) {
  const ExecutionContext made = create();
  clock_.advance(absl::Minutes(1));
  const Json usage = *Json::parse(R"({"cpu": 1E2, "files": [null, "größte 🎉"], "big": 1e300})");
  auto updated = store_->updateStatus(tenant_, made.id,
                                      {.status = SandboxStatus::kError,
                                       .error_message = "it's broken",
                                       .sandbox_id = "sandbox-1",
                                       .resource_usage = usage});
  ExecutionContext expected = made;
  expected.sandbox_status = SandboxStatus::kError;
  expected.error_message = "it's broken";
  expected.sandbox_id = "sandbox-1";
  expected.resource_usage = usage;
  EXPECT_THAT(updated, IsOkAndHolds(expected)) << "an update is no use";
  EXPECT_EQ(stored(made.id), expected);

  updated = store_->updateStatus(tenant_, made.id, {.status = SandboxStatus::kError});
  EXPECT_THAT(updated, IsOkAndHolds(expected)) << "what is absent stays";
  updated = store_->updateStatus(tenant_, made.id, {.status = SandboxStatus::kReady});
  expected.sandbox_status = SandboxStatus::kReady;
  expected.error_message = std::nullopt;
  EXPECT_THAT(updated, IsOkAndHolds(expected));
  updated = store_->updateStatus(
      tenant_, made.id,
      {.status = SandboxStatus::kTerminated, .error_message = "", .resource_usage = Json()});
  expected.sandbox_status = SandboxStatus::kTerminated;
  expected.error_message = "";
  expected.resource_usage = Json();
  expected.terminated_at = clock_.wallTime();
  EXPECT_THAT(updated, IsOkAndHolds(expected));
  EXPECT_EQ(stored(made.id), expected);
}

TEST_P(ExecutionStoreSuite, TakesNewsOfASandboxThatHasExpired) {
  const ExecutionContext made = create(onPath(path_, absl::Minutes(1)));
  clock_.advance(absl::Hours(1));
  ASSERT_THAT(store_->updateStatus(tenant_, made.id, {.status = SandboxStatus::kReady}), IsOk());
  EXPECT_EQ(liveOn(path_), std::nullopt) << "that does not bring it back";
  EXPECT_THAT(expired(), ElementsAre(made.id));
}

TEST_P(ExecutionStoreSuite, TerminatesOnce) {
  const ExecutionContext made = create();
  clock_.advance(absl::Minutes(1));
  ExecutionContext expected = made;
  expected.sandbox_status = SandboxStatus::kTerminated;
  expected.terminated_at = clock_.wallTime();
  EXPECT_THAT(store_->terminateContext(tenant_, made.id), IsOkAndHolds(expected));
  clock_.advance(absl::Minutes(1));
  EXPECT_THAT(store_->terminateContext(tenant_, made.id), IsOkAndHolds(expected));
  EXPECT_EQ(stored(made.id), expected);
  EXPECT_THAT(store_->terminateContext(tenant_, anyUuid()), notFound());
}

TEST_P(ExecutionStoreSuite, ListsWhatHasExpiredInItsOrder) {
  const ExecutionContext third = createApart(absl::Minutes(3));
  const ExecutionContext first = createApart(absl::Minutes(1));
  ExecutionContext second[] = {createApart(absl::Minutes(2)), createApart(absl::Minutes(2))};
  if (second[1].id < second[0].id) std::swap(second[0], second[1]);
  createApart(absl::Minutes(4));
  const ExecutionContext terminated = createApart(absl::Minutes(1));
  ASSERT_THAT(store_->terminateContext(tenant_, terminated.id), IsOk());
  EXPECT_THAT(expired(), IsEmpty());
  clock_.advance(absl::Minutes(3));
  EXPECT_THAT(expired(), ElementsAre(first.id, second[0].id, second[1].id, third.id));
  EXPECT_THAT(expired(2), ElementsAre(first.id, second[0].id));
  EXPECT_THAT(store_->getExpiredContexts(tenant_, 1), IsOkAndHolds(ElementsAre(first)));
}

TEST_P(ExecutionStoreSuite, PurgesWhatWasTerminatedLongAgoTheOldestFirst) {
  const ExecutionContext live = create();
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(createApart(absl::Minutes(1)).id);
    ASSERT_THAT(store_->terminateContext(tenant_, ids.back()), IsOk());
    clock_.advance(absl::Hours(24));
  }
  // They were terminated 4, 3, 2 and 1 days ago.
  EXPECT_THAT(store_->purgeTerminated(tenant_), IsOkAndHolds(0)) << "7 days is the default";
  EXPECT_THAT(store_->purgeTerminated(tenant_, absl::Hours(48), 1), IsOkAndHolds(1));
  EXPECT_THAT(store_->getContext(tenant_, ids[0]), notFound());
  EXPECT_THAT(store_->purgeTerminated(tenant_, absl::Hours(48)), IsOkAndHolds(2));
  EXPECT_THAT(store_->getContext(tenant_, ids[2]), notFound());
  EXPECT_THAT(store_->getContext(tenant_, ids[3]), IsOk());
  clock_.advance(absl::Hours(6 * 24));
  EXPECT_THAT(store_->purgeTerminated(tenant_), IsOkAndHolds(1));
  EXPECT_THAT(store_->purgeTerminated(tenant_, absl::ZeroDuration()), IsOkAndHolds(0))
      << "one that nobody terminated stays, expired or not";
  EXPECT_EQ(stored(live.id), live);
}

TEST_P(ExecutionStoreSuite, RefusesNewsThatCannotBeStored) {
  const ExecutionContext made = create();
  EXPECT_THAT(
      store_->updateStatus(tenant_, made.id,
                           {.status = SandboxStatus::kError, .error_message = std::string("\xff")}),
      refused("error_message"));
  EXPECT_THAT(store_->updateStatus(tenant_, made.id, {.status = static_cast<SandboxStatus>(9)}),
              refused("sandbox_status"));
  EXPECT_EQ(stored(made.id), made);
}

}  // namespace strata
