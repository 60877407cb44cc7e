#include <thread>

#include "tests/factories/unit_changes_suite.h"
#include "tests/factories/unit_locks_suite.h"
#include "tests/factories/unit_of_work_suite.h"

namespace strata {
namespace {

Config cachingOverMemory() {
  Config config;
  config.cache_provider = CacheProvider::kMemory;
  return config;
}

INSTANTIATE_TEST_SUITE_P(InProcess, UnitOfWorkSuite,
                         ::testing::Values(UnitStack{"InMemory", [] { return Config{}; }},
                                           UnitStack{"CachingOverLru", cachingOverMemory}),
                         nameOfUnitStack);

class InMemoryUnitOfWork : public UnitOfWorkSuite {};

// It waited for its own unit for five seconds. PostgreSQL alone knows what waits for what there.
TEST_P(InMemoryUnitOfWork, RefusesACallOfItsFunctionThatWouldWaitForItAtOnce) {
  const MonotonicTime started = Clock::system().now();
  for (const bool by_a_unit : {false, true}) {
    const absl::Status ran = runUnit(backends_, [&](UnitOfWork& unit) {
      transfer(unit);
      EXPECT_THAT(accounts_->put({.name = "eve", .balance = 1}), IsOk()) << "waits for nothing";
      const auto other = by_a_unit ? begin() : nullptr;
      return accounts_->put({.name = "ann", .balance = 1}, {.unit = other.get()}).status();
    });
    EXPECT_THAT(ran, StatusIs(absl::StatusCode::kFailedPrecondition,
                              ::testing::HasSubstr("name the unit in the options of the call")));
    EXPECT_EQ(balance("ann"), 100);
  }
  EXPECT_LT(Clock::system().now() - started, absl::Seconds(4));
  EXPECT_THAT(accounts_->remove("eve"), IsOk());
}

// Of a unit that was begun by hand another thread may be the one that ends it.
TEST_P(InMemoryUnitOfWork, SaysWhichUnitOfItsThreadACallHasWaitedFor) {
  auto unit = begin();
  transfer(*unit);
  EXPECT_THAT(accounts_->put({.name = "ann", .balance = 2},
                             {.deadline = Deadline::in(absl::Milliseconds(50))}),
              StatusIs(absl::StatusCode::kDeadlineExceeded,
                       ::testing::HasSubstr("does the call lack it in its options?")));
  absl::Status of_other_thread;
  std::thread other([&] {
    of_other_thread =
        accounts_
            ->put({.name = "ann", .balance = 2}, {.deadline = Deadline::in(absl::Milliseconds(50))})
            .status();
  });
  other.join();
  EXPECT_THAT(of_other_thread, StatusIs(absl::StatusCode::kDeadlineExceeded,
                                        ::testing::Not(::testing::HasSubstr("options"))));
}

INSTANTIATE_TEST_SUITE_P(InProcess, InMemoryUnitOfWork,
                         ::testing::Values(UnitStack{"InMemory", [] { return Config{}; }}),
                         nameOfUnitStack);

TEST(UnitOfWork, TellsOfTheCommitOnlyWhatMayHaveHappened) {
  struct Scripted final : Transaction {
    explicit Scripted(absl::Status scripted) : outcome(std::move(scripted)) {}
    absl::Status commit() override { return outcome; }
    const absl::Status outcome;
  };
  for (const auto& [outcome, is_told] :
       {std::pair(absl::OkStatus(), true), std::pair(absl::UnknownError("lost"), true),
        std::pair(absl::DeadlineExceededError("late"), true),
        std::pair(absl::AbortedError("deadlock"), false)}) {
    UnitOfWork unit(std::make_unique<Scripted>(outcome));
    std::vector<absl::Status> told;
    unit.onceCommitted([&](const absl::Status& status) { told.push_back(status); });
    EXPECT_EQ(unit.commit(), outcome);
    EXPECT_EQ(told, std::vector<absl::Status>(is_told ? 1 : 0, outcome));
  }
}

TEST(UnitOfWork, CanOnlyBeRolledBackAfterAWriteOfItFailed) {
  struct Counted final : Transaction {
    absl::Status commit() override { return absl::InternalError("never asked"); }
  };
  UnitOfWork unit(std::make_unique<Counted>());
  unit.fail(absl::InternalError("half done"));
  EXPECT_THAT(unit.check(), StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(unit.commit(), StatusIs(absl::StatusCode::kFailedPrecondition,
                                      ::testing::HasSubstr("can only be rolled back")));
}

// What was to be deleted from the cache after the commit was not, where what came before it threw.
TEST(UnitOfWork, WhatThrowsAfterTheCommitKeepsNothingElseFromBeingTold) {
  struct Throwing final : Transaction {
    absl::Status commit() override { throw std::runtime_error("hunter2"); }
  };
  struct Quiet final : Transaction {
    absl::Status commit() override { return absl::OkStatus(); }
  };
  for (const bool commit_throws : {false, true}) {
    std::unique_ptr<Transaction> transaction = std::make_unique<Quiet>();
    if (commit_throws) transaction = std::make_unique<Throwing>();
    UnitOfWork unit(std::move(transaction));
    std::vector<absl::Status> told;
    unit.onceCommitted([](const absl::Status&) { throw std::runtime_error("hunter2"); });
    unit.onceCommitted([&](const absl::Status& status) { told.push_back(status); });
    const absl::Status outcome = unit.commit();
    EXPECT_EQ(outcome.ok(), !commit_throws);
    EXPECT_EQ(told, std::vector<absl::Status>(1, outcome));
  }
}

}  // namespace
}  // namespace strata
