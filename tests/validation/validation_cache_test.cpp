// TieredValidationCache over a server that works, fails and comes back.
#include "strata/validation/validation_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "src/base/refused_tasks.h"
#include "src/cache/cell.h"
#include "src/cache/load_times.h"
#include "src/cache/record_shape.h"
#include "strata/base/nonce.h"
#include "strata/cache/lru_cache.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/mocks/mock_validation_cache.h"
#include "strata/testing/status_matchers.h"
#include "strata/validation/tiered_validation_cache.h"
#include "tests/decorators/waiting_clock.h"

namespace strata {
namespace {

using ::testing::_;
using ::testing::Eq;
using testing::eventually;
using testing::FakeCache;
using testing::FakeClock;
using testing::FakeExecutor;
using testing::IsOkAndHolds;
using ::testing::Optional;
using testing::StatusIs;
using Operation = FakeCache::Operation;

constexpr const char* kAlice = "app:auth:validation:alice";

Validation good(std::string tenant = "t1") {
  return {.is_valid = true, .checked_at = FakeClock::kDefaultStart, .tenant_id = std::move(tenant)};
}
Validation bad() { return {.is_valid = false, .checked_at = FakeClock::kDefaultStart}; }

class ValidationCacheTest : public ::testing::Test {
 protected:
  ValidationCacheTest() { make(); }

  void make(ValidationCacheOptions options = {}) {
    options.app = "app";
    cache_.reset();
    cache_ = TieredValidationCache::create(guarded_, options, metrics_, clock_, executor_).value();
  }
  // The verdict that is answered, where `truth` is what asking would give.
  absl::StatusOr<Validation> validate(std::string_view user, absl::StatusOr<Validation> truth) {
    return cache_->validate(user, [&] {
      ++asked_;
      return truth;
    });
  }
  void failThrice() {
    server_->setDown(true);
    for (int i = 0; i < 3; ++i) EXPECT_OK(validate("somebody", good()));
    ASSERT_FALSE(guarded_->breaker().allows());
    asked_ = 0;
  }
  void recover() {
    server_->setDown(false);
    executor_->advance(absl::Seconds(17));
    ASSERT_TRUE(guarded_->breaker().allows());
  }
  std::string backend() { return cache_->stats().backend; }

  FakeClock clock_;
  const std::shared_ptr<FakeExecutor> executor_ = std::make_shared<FakeExecutor>(clock_);
  const std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  const std::shared_ptr<FakeCache> server_ = std::make_shared<FakeCache>(clock_);
  std::shared_ptr<GuardedCache> guarded_ =
      *GuardedCache::create(server_, {.backend = "redis"}, metrics_, clock_, executor_);
  std::unique_ptr<TieredValidationCache> cache_;
  int asked_ = 0;
};

// ---- While the server answers ----

TEST_F(ValidationCacheTest, AsksOnceAndRemembersOnTheServer) {
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Eq(std::nullopt)));
  clock_.advance(absl::Milliseconds(1));  // until then the place is taken by the lease given back
  EXPECT_THAT(validate("alice", good()), IsOkAndHolds(good()));
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(good()));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Optional(good())));
  EXPECT_EQ(asked_, 1);
  EXPECT_TRUE(server_->peek(kAlice));
  EXPECT_THAT(*server_->storedTtl(kAlice), ::testing::AllOf(::testing::Ge(absl::Seconds(270)),
                                                            ::testing::Le(absl::Seconds(330))));
  EXPECT_EQ(metrics_->count("strata_validations_total", {{"result", "cached"}}), 1);
  EXPECT_EQ(metrics_->count("strata_validations_total", {{"result", "asked"}}), 1);
  const ValidationCacheStats stats = cache_->stats();
  EXPECT_EQ(stats.backend, "redis");
  EXPECT_EQ(stats.size, std::nullopt);
  EXPECT_EQ(stats.ttl, absl::Seconds(300));
}

// B-94
TEST_F(ValidationCacheTest, RemembersNegativeVerdictsToo) {
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(bad()));
  EXPECT_THAT(validate("alice", good()), IsOkAndHolds(bad()));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Optional(bad())));
  EXPECT_EQ(asked_, 1);
}

TEST_F(ValidationCacheTest, ForgetsAfterTheTimeToLive) {
  EXPECT_OK(validate("alice", good()));
  clock_.advance(absl::Seconds(331));
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(bad()));
}

TEST_F(ValidationCacheTest, AnErrorIsTheAnswerAndIsNotRemembered) {
  EXPECT_THAT(validate("alice", absl::UnavailableError("nobody knows")),
              StatusIs(absl::StatusCode::kUnavailable));
  clock_.advance(absl::Milliseconds(2));
  EXPECT_THAT(validate("alice", good()), IsOkAndHolds(good()));
  EXPECT_TRUE(server_->peek(kAlice));
}

TEST_F(ValidationCacheTest, RefusesAnIdThatIsNone) {
  EXPECT_THAT(validate("", good()), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(cache_->get("\xff"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(cache_->set("", good()), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(cache_->invalidate(""), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(asked_, 0);
}

TEST_F(ValidationCacheTest, SetReplacesAndInvalidateForgets) {
  EXPECT_OK(cache_->set("alice", good()));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Optional(good())));
  EXPECT_OK(cache_->set("alice", bad()));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Optional(bad())));
  EXPECT_OK(cache_->invalidate("alice"));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Eq(std::nullopt)));
}

TEST_F(ValidationCacheTest, ClearForgetsAllAndLeavesWhatIsNotItsOwn) {
  EXPECT_OK(cache_->set("alice", good()));
  EXPECT_OK(cache_->set("bob", bad()));
  server_->plant("app:auth:session:alice", "x");
  EXPECT_OK(cache_->clear());
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_THAT(cache_->get("bob"), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_TRUE(server_->peek("app:auth:session:alice"));
}

TEST_F(ValidationCacheTest, ASlowAnswerDoesNotPutBackWhatWasInvalidatedMeanwhile) {
  const auto verdict = cache_->validate("alice", [&] {
    EXPECT_OK(cache_->invalidate("alice"));
    return good();
  });
  EXPECT_THAT(verdict, IsOkAndHolds(good()));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Eq(std::nullopt)));
}

TEST_F(ValidationCacheTest, ASlowAnswerDoesNotReplaceWhatWasSetMeanwhile) {
  EXPECT_OK(cache_->validate("alice", [&] {
    EXPECT_OK(cache_->set("alice", bad()));
    return good();
  }));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Optional(bad())));
}

// A verdict that was set counted as a load that took no time. After some of them nobody waited for
// another process that was asking: each process of a crowd asked itself.
TEST_F(ValidationCacheTest, SettingVerdictsDoesNotShortenTheWaitForOtherProcesses) {
  for (int i = 0; i < 64; ++i) EXPECT_OK(cache_->set("user-" + std::to_string(i), good()));
  Nonce of_another_process = makeNonce();
  of_another_process.front() ^= 1;
  const internal::Cell lease{
      .tag = internal::CellTag::kLease,
      .nonce = of_another_process,
      .identity = internal::cellIdentity(entityInfo<CachedValidation>(), {.app = "app"})};
  server_->plant(kAlice, lease.encode());
  EXPECT_OK(validate("alice", good()));
  EXPECT_EQ(clock_.sleptFor(), 2 * internal::LoadTimes::kUnknown);
}

TEST_F(ValidationCacheTest, WhatAnotherVersionStoredIsAskedForAnew) {
  server_->plant(kAlice, "not a cell");
  EXPECT_THAT(validate("alice", good()), IsOkAndHolds(good()));
  EXPECT_EQ(asked_, 1);
}

// ---- In the critical tier ----

// A server that was down let each process keep verdicts of its own, with no way to forbid it.
TEST_F(ValidationCacheTest, InTheCriticalTierTheServersErrorIsTheAnswerOfEachCall) {
  make({.cache_failure_tier = FailureTier::kCritical});
  EXPECT_OK(validate("alice", good()));
  asked_ = 0;
  server_->setDown(true);
  const auto unavailable = StatusIs(absl::StatusCode::kUnavailable);
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(validate("alice", good()), unavailable);
    EXPECT_THAT(cache_->get("alice"), unavailable);
    EXPECT_THAT(cache_->set("alice", good()), unavailable);
    EXPECT_THAT(cache_->invalidate("alice"), unavailable);
  }
  EXPECT_EQ(asked_, 0);
  EXPECT_EQ(backend(), "redis") << "and not a fallback in this process";
  EXPECT_EQ(cache_->healthCheck().state, HealthState::kFail);
  recover();
  EXPECT_FALSE(server_->peek(kAlice)) << "what was invalidated is deleted once the server is back";
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(bad()));
  EXPECT_OK(cache_->invalidate("alice"));
}

TEST_F(ValidationCacheTest, TheCriticalTierWithoutAServerKeepsVerdictsInThisProcess) {
  guarded_ = nullptr;
  make({.cache_failure_tier = FailureTier::kCritical});
  EXPECT_THAT(validate("alice", good()), IsOkAndHolds(good()));
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(good()));
  EXPECT_OK(cache_->invalidate("alice"));
}

// ---- While it does not ----

// B-94
TEST_F(ValidationCacheTest, ADownServerIsNoErrorAndThisProcessRemembers) {
  failThrice();
  EXPECT_THAT(validate("alice", good()), IsOkAndHolds(good()));
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(good()));
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(backend(), "in-memory");
  EXPECT_EQ(cache_->stats().size, 1U);
  EXPECT_EQ(cache_->stats().max_size, 10'000U);
  EXPECT_OK(cache_->set("bob", bad()));
  EXPECT_THAT(cache_->get("bob"), IsOkAndHolds(Optional(bad())));
  EXPECT_OK(cache_->invalidate("bob"));
  EXPECT_THAT(cache_->get("bob"), IsOkAndHolds(Eq(std::nullopt)));
  const Health health = cache_->healthCheck();
  EXPECT_EQ(health.component, "validation-cache");
  EXPECT_EQ(health.state, HealthState::kWarn);
  EXPECT_EQ(health.backend, "in-memory");
  EXPECT_EQ(metrics_->level("strata_validation_fallback"), 1);
}

TEST_F(ValidationCacheTest, TheFirstFailuresAreNoErrorsEither) {
  server_->setDown(true);
  EXPECT_THAT(validate("alice", good()), IsOkAndHolds(good()));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_OK(cache_->invalidate("alice"));
  EXPECT_EQ(asked_, 1);
}

TEST_F(ValidationCacheTest, NothingOldIsMetInTheNextOutage) {
  failThrice();
  EXPECT_OK(validate("alice", good()));
  recover();
  // Nobody uses this cache while the server is there.
  server_->setDown(true);
  for (int i = 0; i < 3; ++i) guarded_->ping().IgnoreError();
  ASSERT_FALSE(guarded_->breaker().allows());
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(bad()));
}

// A call that found the breaker open asked only afterwards which outage it was. Where the outage
// ended in between, it kept its verdict here under the number of the next one, which believed it.
TEST_F(ValidationCacheTest, NothingIsMetThatWasKeptWhileTheOutageEnded) {
  failThrice();
  // The breaker offers refused tasks to their executors once it has found that it is open.
  bool ended = false;
  internal::keepRefused([&] {
    server_->setDown(false);
    guarded_->breaker().reset();
    return ended = true;
  });
  EXPECT_TRUE(eventually([&] {
    EXPECT_OK(validate("alice", good()));
    return ended;
  }));
  // Another process invalidates what it knew, and nobody uses this cache while the server is there.
  server_->erase(kAlice);
  server_->setDown(true);
  for (int i = 0; i < 3; ++i) guarded_->ping().IgnoreError();
  ASSERT_FALSE(guarded_->breaker().allows());
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(bad()));
}

TEST_F(ValidationCacheTest, KeepsNothingHereWhileTheServerAnswers) {
  failThrice();
  EXPECT_OK(validate("alice", good()));
  recover();
  EXPECT_OK(validate("bob", good()));
  EXPECT_EQ(backend(), "redis");
  EXPECT_EQ(metrics_->level("strata_validation_fallback"), 0);
  EXPECT_EQ(cache_->healthCheck().state, HealthState::kPass);
  EXPECT_FALSE(server_->peek(kAlice));
  EXPECT_TRUE(server_->peek("app:auth:validation:bob"));
}

TEST_F(ValidationCacheTest, AnInvalidationDuringAnOutageReachesTheServerBeforeItIsRead) {
  EXPECT_OK(validate("alice", good()));
  failThrice();
  EXPECT_OK(cache_->invalidate("alice"));
  EXPECT_TRUE(server_->peek(kAlice));
  recover();
  EXPECT_FALSE(server_->peek(kAlice));
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(bad()));
}

TEST_F(ValidationCacheTest, ALostInvalidationIsReadPast) {
  EXPECT_OK(validate("alice", good()));
  server_->loseNextRemove(FakeCache::Lost::kRequest);
  EXPECT_OK(cache_->invalidate("alice"));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(bad()));
}

TEST_F(ValidationCacheTest, ClearTellsThatTheServerCouldNotBeAsked) {
  failThrice();
  EXPECT_OK(validate("alice", good()));
  EXPECT_THAT(cache_->clear(), StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Eq(std::nullopt)));
}

// ---- Without a server, and off ----

// B-94
TEST_F(ValidationCacheTest, HoldsTheBoundOfEntriesExactly) {
  guarded_ = nullptr;
  make({.max_local_entries = 100});
  for (int i = 0; i < 300; ++i) EXPECT_OK(validate("user-" + std::to_string(i), good()));
  EXPECT_EQ(cache_->stats().size, 100U);
  EXPECT_THAT(cache_->get("user-299"), IsOkAndHolds(Optional(good())));
  EXPECT_THAT(cache_->get("user-200"), IsOkAndHolds(Optional(good())));
  EXPECT_THAT(cache_->get("user-199"), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_EQ(cache_->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(backend(), "in-memory");
}

TEST_F(ValidationCacheTest, SwitchedOffAsksEveryTimeAndStillInvalidatesForOthers) {
  EXPECT_OK(validate("alice", good()));
  make({.enabled = false});
  EXPECT_THAT(validate("alice", bad()), IsOkAndHolds(bad()));
  EXPECT_THAT(cache_->get("alice"), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_EQ(backend(), "none");
  EXPECT_OK(cache_->invalidate("alice"));
  EXPECT_FALSE(server_->peek(kAlice));
}

TEST_F(ValidationCacheTest, RefusesOptionsOutOfTheirRange) {
  for (const auto& options :
       {ValidationCacheOptions{.app = ""},
        ValidationCacheOptions{.app = "a", .max_local_entries = 0},
        ValidationCacheOptions{.app = "a", .ttl = absl::ZeroDuration()},
        ValidationCacheOptions{.app = "a", .max_asking_time = absl::ZeroDuration()}}) {
    EXPECT_THAT(TieredValidationCache::create(guarded_, options),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

// ---- A crowd ----

class CrowdTest : public ::testing::TestWithParam<bool> {};

TEST_P(CrowdTest, OneAsksForAllWhoComeMeanwhile) {
  const bool with_server = GetParam();
  const auto lru = std::make_shared<LruCache>();
  const auto cache = TieredValidationCache::create(
                         with_server ? *GuardedCache::create(lru) : nullptr, {.app = "app"})
                         .value();
  constexpr int kCrowd = 32;
  std::atomic<int> asked = 0;
  std::atomic<int> wrong = 0;
  std::latch begun(kCrowd);
  {
    std::vector<std::jthread> crowd;
    for (int i = 0; i < kCrowd; ++i) {
      crowd.emplace_back([&] {
        begun.arrive_and_wait();
        const auto verdict = cache->validate("alice", [&]() -> absl::StatusOr<Validation> {
          ++asked;
          Clock::system().sleepFor(absl::Milliseconds(20));
          return good();
        });
        if (!verdict.ok() || *verdict != good()) ++wrong;
      });
    }
  }
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(wrong, 0);
}

INSTANTIATE_TEST_SUITE_P(Tiers, CrowdTest, ::testing::Bool());

// A time limit of the identity provider was taken for the deadline of the caller that asked, and the
// others of a crowd asked one after the other.
TEST(ValidationCrowd, ATimeLimitOfTheIdentityProviderIsTheAnswerOfAll) {
  constexpr int kFollowers = 8;
  gated::WaitingClock clock;
  const auto cache =
      TieredValidationCache::create(nullptr, {.app = "app"}, Metrics::none(), clock).value();
  std::atomic<int> asked = 0;
  std::latch out(1);
  std::latch answer(1);
  const auto validate = [&] {
    const auto verdict = cache->validate("alice", [&]() -> absl::StatusOr<Validation> {
      if (asked++ == 0) {
        out.count_down();
        answer.wait();
      }
      return absl::DeadlineExceededError("the identity provider is slow");
    });
    EXPECT_THAT(verdict, StatusIs(absl::StatusCode::kDeadlineExceeded));
  };
  std::vector<std::jthread> crowd;
  crowd.emplace_back(validate);
  out.wait();
  for (int i = 0; i < kFollowers; ++i) crowd.emplace_back(validate);
  EXPECT_TRUE(clock.awaitWaiting(kFollowers));
  answer.count_down();
  crowd.clear();
  EXPECT_EQ(asked, 2);
}

// Invalidations and slow answers, all at once: what is remembered at the end is never older than
// the last invalidation.
TEST(ValidationRaces, NoVerdictFromBeforeAnInvalidationIsEverMetAfterIt) {
  const auto cache = TieredValidationCache::create(
                         *GuardedCache::create(std::make_shared<LruCache>()), {.app = "app"})
                         .value();
  // What is true, and what is known to be forgotten of it.
  std::atomic<int> truth = 0;
  std::atomic<int> known = 0;
  std::atomic<int> stale = 0;
  std::atomic<bool> done = false;
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 4; ++i) {
      readers.emplace_back([&] {
        while (!done) {
          const int least = known;
          const auto verdict = cache->validate("alice", [&]() -> absl::StatusOr<Validation> {
            const int seen = truth;
            std::this_thread::yield();
            return good(std::to_string(seen));
          });
          if (!verdict.ok() || std::stoi(*verdict->tenant_id) < least) ++stale;
        }
      });
    }
    for (int i = 1; i <= 2000; ++i) {
      truth = i;
      EXPECT_OK(cache->invalidate("alice"));
      known = i;
    }
    done = true;
  }
  EXPECT_EQ(stale, 0);
}

TEST(MockValidationCacheTest, AnswersWhatItIsTold) {
  testing::MockValidationCache cache;
  EXPECT_CALL(cache, validate("alice", _, _)).WillOnce(::testing::Return(bad()));
  ValidationCache& seen = cache;
  EXPECT_THAT(seen.validate("alice", [] { return absl::StatusOr<Validation>(good()); }),
              IsOkAndHolds(bad()));
}

// ---- Exceptions ----

auto isThrown() {
  return StatusIs(absl::StatusCode::kInternal,
                  ::testing::AllOf(::testing::HasSubstr("std::runtime_error"),
                                   ::testing::Not(::testing::HasSubstr("hunter2"))));
}
absl::StatusOr<Validation> throwSecret() { throw std::runtime_error("hunter2"); }

// The lease was kept until its end.
TEST_F(ValidationCacheTest, AnAskThatThrowsIsInternalAndTheNextOneAsks) {
  EXPECT_THAT(cache_->validate("alice", throwSecret), isThrown());
  clock_.advance(absl::Milliseconds(1));
  EXPECT_THAT(validate("alice", good()), IsOkAndHolds(good()));
  EXPECT_EQ(clock_.sleptFor(), absl::ZeroDuration());
}

}  // namespace
}  // namespace strata
