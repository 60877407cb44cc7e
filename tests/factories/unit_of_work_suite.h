// What a unit of work does for stores of records, on whatever they stand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>

#include "strata/factories/policy_store_factory.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/strata.h"
#include "strata/testing/status_matchers.h"

namespace strata {

struct Account {
  std::string name;
  std::int64_t balance = 0;
};
BOOST_DESCRIBE_STRUCT(Account, (), (name, balance))

template <>
struct Entity<Account> {
  static constexpr auto table = "unit_of_work_accounts";
  static constexpr KeySpace keys{"unit", "account"};
  static std::string id(const Account& account) { return account.name; }
};

struct UnitStack {
  std::string name;
  std::function<Config()> config;
};

inline std::string nameOfUnitStack(const ::testing::TestParamInfo<UnitStack>& stack) {
  return stack.param.name;
}
inline void PrintTo(const UnitStack& stack, std::ostream* out) { *out << stack.name; }

class UnitOfWorkSuite : public ::testing::TestWithParam<UnitStack> {
 protected:
  static constexpr const char* kTenant = "3f2504e0-4f89-41d3-9a0c-0305e82c3377";

  static Backends connected() {
    auto backends = connect(GetParam().config(), {.metrics = std::make_shared<InMemoryMetrics>(),
                                                  .memory = std::make_shared<InMemoryDatabase>()});
    EXPECT_THAT(backends, testing::IsOk());
    return *std::move(backends);
  }

  void SetUp() override {
    for (const char* name : {"ann", "bob"}) {
      ASSERT_THAT(accounts_->put({.name = name, .balance = 100}), testing::IsOk());
      ASSERT_EQ(balance(name), 100);  // and so it is cached, where there is a cache
    }
  }

  std::int64_t balance(const char* name, UnitOfWork* unit = nullptr) {
    const auto account = accounts_->get(name, {.unit = unit});
    EXPECT_THAT(account, testing::IsOk());
    return *account == nullptr ? -1 : (*account)->balance;
  }

  std::unique_ptr<UnitOfWork> begin() {
    auto unit = beginUnitOfWork(backends_);
    EXPECT_THAT(unit, testing::IsOk());
    return *std::move(unit);
  }

  // Takes from ann and gives to bob.
  void transfer(UnitOfWork& unit) {
    for (const auto& [name, balance] : {std::pair("ann", 60), std::pair("bob", 140)}) {
      ASSERT_THAT(accounts_->put({.name = name, .balance = balance}, {.unit = &unit}),
                  testing::IsOk());
    }
  }

  std::int64_t deletes() const {
    return static_cast<InMemoryMetrics&>(*backends_.metrics)
        .count("strata_cache_deletes_total", {{"store", "unit_of_work_accounts"}});
  }

  const Backends backends_ = connected();
  const std::unique_ptr<Store<Account>> accounts_ = createStore<Account>(backends_).value();
  const std::unique_ptr<PolicyStore> policies_ = createPolicyStore(backends_).value();
};

using testing::IsOk;
using testing::StatusIs;

TEST_P(UnitOfWorkSuite, SeesItsOwnWritesAndNobodyElseDoesBeforeTheCommit) {
  auto unit = begin();
  transfer(*unit);
  EXPECT_EQ(balance("ann", unit.get()), 60);
  EXPECT_EQ(balance("ann"), 100);
  EXPECT_EQ(accounts_->getMany({"ann", "bob"}, {.unit = unit.get()})[1].value()->balance, 140);
  ASSERT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(balance("ann"), 60);
  EXPECT_EQ(balance("bob"), 140);
}

// B-58
TEST_P(UnitOfWorkSuite, LeavesDatabaseAndCacheAsTheyWereWhenItIsRolledBack) {
  const std::int64_t before = deletes();
  auto unit = begin();
  transfer(*unit);
  EXPECT_THAT(accounts_->remove("ann", {.unit = unit.get()}), IsOk());
  EXPECT_EQ(balance("ann", unit.get()), -1);
  unit->rollback();
  EXPECT_EQ(balance("ann"), 100);
  EXPECT_EQ(balance("bob"), 100);
  EXPECT_EQ(deletes(), before);
}

TEST_P(UnitOfWorkSuite, IsRolledBackWhenItIsDestroyed) {
  {
    auto unit = begin();
    transfer(*unit);
  }
  EXPECT_EQ(balance("ann"), 100);
}

TEST_P(UnitOfWorkSuite, DeletesCachedCopiesOnceItIsCommittedAndNotBefore) {
  const std::int64_t before = deletes();
  auto unit = begin();
  transfer(*unit);
  EXPECT_EQ(deletes(), before);
  ASSERT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(deletes(), backends_.cache == nullptr ? before : before + 2);
}

TEST_P(UnitOfWorkSuite, SpansStoresOfDifferentRecords) {
  for (const bool commits : {false, true}) {
    auto unit = begin();
    transfer(*unit);
    ASSERT_THAT(policies_->setPolicy(
                    {.tenant_id = kTenant, .default_model = "m", .default_provider = "local"},
                    {.unit = unit.get()}),
                IsOk());
    if (commits) {
      ASSERT_THAT(unit->commit(), IsOk());
    }
    unit.reset();
    EXPECT_EQ(balance("ann"), commits ? 60 : 100);
    EXPECT_EQ(*policies_->getPolicy(kTenant) != nullptr, commits);
  }
  EXPECT_THAT(policies_->deletePolicy(kTenant), IsOk());
}

TEST_P(UnitOfWorkSuite, TakesNothingMoreAfterItsEnd) {
  auto unit = begin();
  ASSERT_THAT(unit->commit(), IsOk());
  const auto ended = StatusIs(absl::StatusCode::kFailedPrecondition,
                              ::testing::HasSubstr("the unit of work has ended"));
  EXPECT_THAT(accounts_->put({.name = "ann"}, {.unit = unit.get()}), ended);
  EXPECT_THAT(accounts_->get("ann", {.unit = unit.get()}), ended);
  EXPECT_THAT(unit->commit(), ended);
  EXPECT_EQ(balance("ann"), 100);
}

TEST_P(UnitOfWorkSuite, IsRefusedByStoresOfAnotherDatabase) {
  const Backends others = connect({}, {.memory = std::make_shared<InMemoryDatabase>()}).value();
  auto unit = *beginUnitOfWork(others);
  EXPECT_THAT(accounts_->put({.name = "ann"}, {.unit = unit.get()}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       ::testing::HasSubstr("the unit of work is one of another database")));
}

// What no store takes harms nothing: it was never sent.
TEST_P(UnitOfWorkSuite, GoesOnAfterACallThatWasRefusedBeforeItDidAnything) {
  auto unit = begin();
  EXPECT_THAT(accounts_->put({.name = ""}, {.unit = unit.get()}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(accounts_->put({.name = "ann"},
                             {.deadline = Deadline::at(MonotonicTime()), .unit = unit.get()}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  transfer(*unit);
  EXPECT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(balance("bob"), 140);
}

TEST_P(UnitOfWorkSuite, KeepsWritersOfTheSameRecordWaitingUntilItsEnd) {
  auto unit = begin();
  transfer(*unit);
  std::thread writer([&] { EXPECT_THAT(accounts_->put({.name = "ann", .balance = 7}), IsOk()); });
  EXPECT_EQ(balance("ann", unit.get()), 60);
  ASSERT_THAT(unit->commit(), IsOk());
  writer.join();
  EXPECT_EQ(balance("ann"), 7);
}

TEST_P(UnitOfWorkSuite, GivesItsCallerTheTimeOfADeadlineAndNoMore) {
  auto unit = begin();
  ASSERT_THAT(accounts_->put({.name = "ann", .balance = 1}, {.unit = unit.get()}), IsOk());
  // Without the unit, so it waits for the unit that this very thread holds.
  EXPECT_THAT(accounts_->put({.name = "ann", .balance = 2},
                             {.deadline = Deadline::in(absl::Milliseconds(50))}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  unit.reset();
  EXPECT_EQ(balance("ann"), 100);
}

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsNull;

}  // namespace strata
