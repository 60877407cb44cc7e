// Locks of units of work, and their repetition by runUnit, on whatever they stand.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "strata/factories/unit_of_work_factory.h"
#include "strata/store/internal/unit_reads.h"
#include "strata/strata.h"
#include "strata/testing/status_matchers.h"
#include "tests/factories/unit_changes_suite.h"

namespace strata {

using ::testing::IsNull;
using testing::IsOkAndHolds;

TEST_P(UnitOfWorkSuite, UnitsThatWaitForEachOtherAreADeadlockOfWhichOneEnds) {
  auto first = begin();
  auto second = begin();
  ASSERT_THAT(accounts_->put({.name = "ann", .balance = 1}, {.unit = first.get()}), IsOk());
  ASSERT_THAT(accounts_->put({.name = "bob", .balance = 2}, {.unit = second.get()}), IsOk());
  absl::Status other;
  std::thread waiting([&] {
    other = accounts_->put({.name = "ann", .balance = 2}, {.unit = second.get()}).status();
    if (!other.ok()) other = second->commit();
    second.reset();
  });
  absl::Status mine = accounts_->put({.name = "bob", .balance = 1}, {.unit = first.get()}).status();
  if (!mine.ok()) mine = first->commit();
  first.reset();
  waiting.join();
  EXPECT_TRUE(absl::IsAborted(mine) != absl::IsAborted(other)) << mine << " and " << other;
}

TEST_P(UnitOfWorkSuite, AReadThatLocksKeepsWritersWaiting) {
  auto unit = begin();
  const ReadOptions locking{.unit = unit.get(), .lock = ReadLock::kForUpdate};
  EXPECT_THAT(accounts_->get("ann", locking), IsOk());
  EXPECT_THAT(accounts_->getMany({"bob", "zoe"}, locking)[1], IsOkAndHolds(IsNull()));
  EXPECT_EQ(balance("ann"), 100) << "readers do not wait";
  for (const char* name : {"ann", "bob", "zoe"}) {
    EXPECT_THAT(accounts_->put({.name = name, .balance = 2},
                               {.deadline = Deadline::in(absl::Milliseconds(50))}),
                StatusIs(absl::StatusCode::kDeadlineExceeded))
        << name;
  }
  EXPECT_THAT(accounts_->put({.name = "zoe", .balance = 3}, {.unit = unit.get()}), IsOk());
  EXPECT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(balance("zoe"), 3);
  EXPECT_THAT(accounts_->remove("zoe"), IsOk());
}

// The loser of two locks reads what the winner has written, so none of them is ever repeated.
TEST_P(UnitOfWorkSuite, ALockedRecordIsReadAsItIsOnceTheLockIsHad) {
  for (const bool is_absent : {false, true}) {
    ASSERT_THAT(accounts_->remove("kim"), IsOk());
    if (!is_absent) {
      ASSERT_THAT(accounts_->put({.name = "kim", .balance = 0}), IsOk());
    }
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        auto unit = begin();
        const auto found =
            accounts_->get("kim", {.unit = unit.get(), .lock = ReadLock::kForUpdate});
        ASSERT_THAT(found, IsOk());
        const std::int64_t before = *found == nullptr ? 0 : (*found)->balance;
        EXPECT_THAT(accounts_->put({.name = "kim", .balance = before + 1}, {.unit = unit.get()}),
                    IsOk());
        EXPECT_THAT(unit->commit(), IsOk());
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(balance("kim"), 4);
  }
  EXPECT_THAT(accounts_->remove("kim"), IsOk());
}

TEST_P(UnitOfWorkSuite, AReadThatLocksNeedsAUnit) {
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument,
                                HasSubstr("a read that locks needs a unit of work"));
  EXPECT_THAT(accounts_->get("ann", {.lock = ReadLock::kForUpdate}), refused);
  EXPECT_THAT(accounts_->getMany({"ann"}, {.lock = ReadLock::kForUpdate}).front(), refused);
}

TEST_P(UnitOfWorkSuite, RefusesToReadMoreThanItRemembers) {
  std::vector<Id> ids;
  for (std::size_t i = 0; i < internal::UnitReads::kMostRecords; ++i) {
    ids.emplace_back("nobody" + std::to_string(i));
  }
  auto unit = begin();
  const auto read = accounts_->getMany(ids, {.unit = unit.get()});
  EXPECT_THAT(read.back(), IsOk());
  EXPECT_THAT(accounts_->get("ann", {.unit = unit.get()}),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("10000 records")));
  EXPECT_THAT(accounts_->get(ids.front(), {.unit = unit.get()}), IsOk());
  EXPECT_THAT(accounts_->put({.name = "ann", .balance = 7}, {.unit = unit.get()}), IsOk());
  EXPECT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(balance("ann"), 7);
}

TEST_P(UnitOfWorkSuite, RunUnitRollsBackWhatFailsOrThrows) {
  const auto write = [&](UnitOfWork& unit) {
    EXPECT_THAT(accounts_->put({.name = "ann", .balance = 1}, {.unit = &unit}), IsOk());
  };
  EXPECT_THAT(runUnit(backends_,
                      [&](UnitOfWork& unit) {
                        write(unit);
                        return absl::NotFoundError("no such thing");
                      }),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no such thing")));
  EXPECT_THAT(runUnit(backends_,
                      [&](UnitOfWork& unit) -> absl::Status {
                        write(unit);
                        throw std::out_of_range("a secret");
                      }),
              StatusIs(absl::StatusCode::kInternal,
                       AllOf(HasSubstr("std::out_of_range"), ::testing::Not(HasSubstr("secret")))));
  EXPECT_THAT(runUnit(backends_,
                      [&](UnitOfWork& unit) -> absl::Status {
                        write(unit);
                        throw 7;
                      }),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_EQ(balance("ann"), 100);
}

// Also where the function swallows the error of its write.
TEST_P(UnitOfWorkSuite, RunUnitRepeatsUntilItsDeadline) {
  int calls = 0;
  const absl::Status status = runUnit(
      backends_,
      [&](UnitOfWork& unit) {
        EXPECT_THAT(accounts_->get("ann", {.unit = &unit}), IsOk());
        EXPECT_THAT(accounts_->put({.name = "ann", .balance = ++calls}), IsOk());
        accounts_->put({.name = "ann", .balance = -1}, {.unit = &unit}).status().IgnoreError();
        return absl::OkStatus();
      },
      Deadline::in(absl::Milliseconds(200)));
  EXPECT_THAT(status, StatusIs(kAborted, HasSubstr("given up after")));
  EXPECT_GT(calls, 1);
  EXPECT_EQ(balance("ann"), calls);
}

// Each reads the record that the other one writes. The two together break a rule that each keeps.
TEST_P(UnitOfWorkSuite, WriteSkewIsNotCovered) {
  auto first = begin();
  auto second = begin();
  // "At least one of both keeps 100."
  EXPECT_EQ(balance("bob", first.get()), 100);
  EXPECT_EQ(balance("ann", second.get()), 100);
  EXPECT_THAT(accounts_->put({.name = "ann", .balance = 0}, {.unit = first.get()}), IsOk());
  EXPECT_THAT(accounts_->put({.name = "bob", .balance = 0}, {.unit = second.get()}), IsOk());
  EXPECT_THAT(first->commit(), IsOk());
  EXPECT_THAT(second->commit(), IsOk());
  EXPECT_EQ(balance("ann") + balance("bob"), 0);
}

// What prevents it: the records that the decision rests on are locked when they are read.
TEST_P(UnitOfWorkSuite, LocksPreventWriteSkew) {
  std::atomic<int> emptied = 0;
  std::vector<std::thread> threads;
  for (const char* name : {"ann", "bob"}) {
    threads.emplace_back([&, name] {
      EXPECT_THAT(
          runUnit(backends_,
                  [&](UnitOfWork& unit) {
                    const auto both = accounts_->getMany(
                        {"ann", "bob"}, {.unit = &unit, .lock = ReadLock::kForUpdate});
                    for (const auto& one : both) {
                      if (!one.ok()) return one.status();
                      if ((*one)->balance == 0) return absl::OkStatus();
                    }
                    ++emptied;
                    return accounts_->put({.name = name, .balance = 0}, {.unit = &unit}).status();
                  }),
          IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(emptied, 1);
  EXPECT_EQ(balance("ann") + balance("bob"), 100);
}

}  // namespace strata
