// What a unit of work does about changes of others, on whatever it stands.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "strata/factories/unit_of_work_factory.h"
#include "strata/strata.h"
#include "strata/testing/status_matchers.h"
#include "tests/factories/unit_of_work_suite.h"

namespace strata {

constexpr auto kAborted = absl::StatusCode::kAborted;

// On PostgreSQL 79 of 400 increments were left and no call had failed; in memory all of them were.
TEST_P(UnitOfWorkSuite, NoIncrementOfManyThreadsIsLost) {
  constexpr int kThreads = 8;
  constexpr int kEach = 50;
  ASSERT_THAT(accounts_->put({.name = "ann", .balance = 0}), IsOk());
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        EXPECT_THAT(runUnit(
                        backends_,
                        [&](UnitOfWork& unit) {
                          const auto account = accounts_->get("ann", {.unit = &unit});
                          if (!account.ok()) return account.status();
                          const Account more{.name = "ann", .balance = (*account)->balance + 1};
                          return accounts_->put(more, {.unit = &unit}).status();
                        },
                        Deadline::in(absl::Minutes(2))),
                    IsOk());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(balance("ann"), kThreads * kEach);
}

// 48 of 50 addresses were given to several callers: absence was no version.
TEST_P(UnitOfWorkSuite, AnIdThatWasReadAsAbsentIsGivenToOneCaller) {
  constexpr int kThreads = 8;
  constexpr int kNames = 50;
  for (int n = 0; n < kNames; ++n) {
    ASSERT_THAT(accounts_->remove("name" + std::to_string(n)), IsOk());
  }
  std::vector<std::atomic<int>> winners(kNames);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < kNames; ++n) {
        bool mine = false;
        EXPECT_THAT(
            runUnit(
                backends_,
                [&](UnitOfWork& unit) {
                  const std::string name = "name" + std::to_string(n);
                  const auto taken = accounts_->get(name, {.unit = &unit});
                  if (!taken.ok()) return taken.status();
                  mine = *taken == nullptr;
                  if (!mine) return absl::OkStatus();
                  return accounts_->put({.name = name, .balance = i}, {.unit = &unit}).status();
                },
                Deadline::in(absl::Minutes(2))),
            IsOk());
        if (mine) ++winners[static_cast<std::size_t>(n)];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& count : winners) EXPECT_EQ(count, 1);
}

TEST_P(UnitOfWorkSuite, AWriteOfWhatOthersChangedSinceIsAborted) {
  const auto put = [](Store<Account>& store, UnitOfWork& unit, const char* name) {
    return store.put({.name = name, .balance = 1}, {.unit = &unit}).status();
  };
  const auto remove = [](Store<Account>& store, UnitOfWork& unit, const char* name) {
    return store.remove(name, {.unit = &unit}).status();
  };
  for (const auto& write : std::vector<decltype(+put)>{put, remove}) {
    for (const char* change : {"replaced", "removed", "inserted"}) {
      SCOPED_TRACE(change);
      const bool is_absent = std::string_view(change) == "inserted";
      ASSERT_THAT(accounts_->put({.name = "carol", .balance = 5}), IsOk());
      if (is_absent) {
        ASSERT_THAT(accounts_->remove("carol"), IsOk());
      }
      auto unit = begin();
      EXPECT_EQ(balance("carol", unit.get()), is_absent ? -1 : 5);
      ASSERT_THAT(accounts_->put({.name = "ann", .balance = 3}, {.unit = unit.get()}), IsOk());
      if (std::string_view(change) == "removed") {
        ASSERT_THAT(accounts_->remove("carol"), IsOk());
      } else {
        ASSERT_THAT(accounts_->put({.name = "carol", .balance = 6}), IsOk());
      }
      const auto aborted = StatusIs(
          kAborted, AllOf(HasSubstr("unit_of_work_accounts"), HasSubstr("repeat the whole unit")));
      EXPECT_THAT(write(*accounts_, *unit, "carol"), aborted);
      // The unit has failed.
      EXPECT_THAT(accounts_->get("bob", {.unit = unit.get()}), aborted);
      EXPECT_THAT(accounts_->put({.name = "bob"}, {.unit = unit.get()}), aborted);
      EXPECT_THAT(unit->commit(), aborted);
      EXPECT_EQ(balance("ann"), 100);
      EXPECT_EQ(balance("carol"), std::string_view(change) == "removed" ? -1 : 6);
    }
  }
  EXPECT_THAT(accounts_->remove("carol"), IsOk());
}

TEST_P(UnitOfWorkSuite, APutByTheValueThatWasThereBeforeIsAChangeToo) {
  auto unit = begin();
  EXPECT_EQ(balance("ann", unit.get()), 100);
  ASSERT_THAT(accounts_->remove("ann"), IsOk());
  ASSERT_THAT(accounts_->put({.name = "ann", .balance = 100}), IsOk());
  EXPECT_THAT(accounts_->put({.name = "ann", .balance = 1}, {.unit = unit.get()}),
              StatusIs(kAborted));
}

TEST_P(UnitOfWorkSuite, ReadsOfGetManyAreRememberedToo) {
  auto unit = begin();
  const auto read = accounts_->getMany({"bob", "nobody", "ann", "bob"}, {.unit = unit.get()});
  ASSERT_EQ((*read[0])->balance, 100);
  ASSERT_EQ(*read[1], nullptr);
  ASSERT_THAT(accounts_->put({.name = "nobody"}), IsOk());
  EXPECT_THAT(accounts_->put({.name = "ann", .balance = 1}, {.unit = unit.get()}), IsOk());
  EXPECT_THAT(accounts_->put({.name = "nobody"}, {.unit = unit.get()}), StatusIs(kAborted));
  unit.reset();
  EXPECT_THAT(accounts_->remove("nobody"), IsOk());
}

// The first reading counts: what is written may rest on it.
TEST_P(UnitOfWorkSuite, ReadingAgainDoesNotMakeAChangeKnown) {
  auto unit = begin();
  EXPECT_EQ(balance("ann", unit.get()), 100);
  ASSERT_THAT(accounts_->put({.name = "ann", .balance = 200}), IsOk());
  EXPECT_EQ(balance("ann", unit.get()), 200);
  EXPECT_THAT(accounts_->put({.name = "ann", .balance = 101}, {.unit = unit.get()}),
              StatusIs(kAborted));
}

TEST_P(UnitOfWorkSuite, ItsOwnWritesAreNoChangesOfOthers) {
  auto unit = begin();
  const WriteOptions writing{.unit = unit.get()};
  EXPECT_EQ(balance("ann", unit.get()), 100);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(accounts_->put({.name = "ann", .balance = i}, writing), IsOk());
    EXPECT_EQ(balance("ann", unit.get()), i);
    EXPECT_THAT(accounts_->remove("ann", writing), IsOk());
    EXPECT_THAT(accounts_->remove("ann", writing), IsOk());
    EXPECT_EQ(balance("ann", unit.get()), -1);
  }
  EXPECT_THAT(accounts_->put({.name = "eve"}, writing), IsOk());
  EXPECT_EQ(balance("eve", unit.get()), 0);
  EXPECT_THAT(accounts_->put({.name = "eve", .balance = 8}, writing), IsOk());
  EXPECT_EQ(balance("dan", unit.get()), -1);
  EXPECT_THAT(accounts_->remove("dan", writing), IsOk());
  EXPECT_THAT(accounts_->put({.name = "dan", .balance = 9}, writing), IsOk());
  EXPECT_THAT(unit->commit(), IsOk());
  EXPECT_EQ(balance("ann"), -1);
  EXPECT_EQ(balance("eve"), 8);
  EXPECT_EQ(balance("dan"), 9);
  for (const char* name : {"eve", "dan"}) EXPECT_THAT(accounts_->remove(name), IsOk());
}

// Two units of one thread: in memory the second one waited five seconds for the first.
TEST_P(UnitOfWorkSuite, UnitsAreOpenAtTheSameTimeAndTheFirstWriterWins) {
  auto first = begin();
  auto second = begin();
  EXPECT_EQ(balance("ann", first.get()), 100);
  EXPECT_EQ(balance("ann", second.get()), 100);
  ASSERT_THAT(accounts_->put({.name = "ann", .balance = 101}, {.unit = first.get()}), IsOk());
  ASSERT_THAT(accounts_->put({.name = "bob", .balance = 1}, {.unit = second.get()}), IsOk());
  EXPECT_THAT(first->commit(), IsOk());
  EXPECT_THAT(accounts_->put({.name = "ann", .balance = 102}, {.unit = second.get()}),
              StatusIs(kAborted));
  EXPECT_THAT(second->commit(), StatusIs(kAborted));
  EXPECT_EQ(balance("ann"), 101);
  EXPECT_EQ(balance("bob"), 100);
}

TEST_P(UnitOfWorkSuite, WritersThatHaveNotReadComeOneAfterTheOther) {
  auto first = begin();
  auto second = begin();
  ASSERT_THAT(accounts_->put({.name = "ann", .balance = 1}, {.unit = first.get()}), IsOk());
  std::thread writer([&] {
    EXPECT_THAT(accounts_->put({.name = "ann", .balance = 2}, {.unit = second.get()}), IsOk());
    EXPECT_THAT(second->commit(), IsOk());
  });
  EXPECT_THAT(first->commit(), IsOk());
  writer.join();
  EXPECT_EQ(balance("ann"), 2);
}

}  // namespace strata
