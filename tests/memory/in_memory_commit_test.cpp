// What others see of a unit of work in memory while it commits.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "src/memory/in_memory_transaction.h"
#include "strata/memory/in_memory_store.h"
#include "strata/store/unit_of_work.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::IsOk;

struct Purse {
  std::string name;
  std::int64_t coins = 0;
};
BOOST_DESCRIBE_STRUCT(Purse, (), (name, coins))

}  // namespace

template <>
struct Entity<Purse> {
  static constexpr auto table = "in_memory_commit_purses";
  static constexpr KeySpace keys{"commits", "purse"};
  static std::string id(const Purse& purse) { return purse.name; }
};

namespace {

constexpr int kCommits = 3'000;

// One unit after the other sets both purses to its own number.
class InMemoryCommit : public ::testing::Test {
 protected:
  void commitAll() {
    for (int i = 0; i < kCommits; ++i) {
      ++last_;
      UnitOfWork unit(internal::InMemoryTransaction::begin(database_));
      for (const char* name : {"ann", "bob"}) {
        ASSERT_THAT(store_->put({name, last_}, {.unit = &unit}), IsOk());
      }
      ASSERT_THAT(unit.commit(), IsOk());
    }
  }
  std::int64_t coins(const absl::StatusOr<Snapshot<Purse>>& purse) {
    EXPECT_THAT(purse, IsOk());
    return *purse == nullptr ? 0 : (*purse)->coins;
  }
  template <typename Check>
  void whileTheyCommit(Check check) {
    std::atomic<bool> done{false};
    std::jthread writer([&] {
      commitAll();
      done = true;
    });
    while (!done && !HasFailure()) check();
  }

  std::int64_t last_ = 0;  // the writer's
  const std::shared_ptr<InMemoryDatabase> database_ = std::make_shared<InMemoryDatabase>();
  const std::unique_ptr<Store<Purse>> store_ = *InMemoryStore<Purse>::create(database_);
};

// The rows became visible one by one: of two purses between which a unit had moved something, a reader
// saw the one after it and then the other before it.
TEST_F(InMemoryCommit, WhoHasSeenOneOfItsRowsSeesTheOthers) {
  whileTheyCommit([&] {
    const std::int64_t first = coins(store_->get("ann"));
    EXPECT_GE(coins(store_->get("bob")), first);
  });
  whileTheyCommit([&] {
    const std::int64_t first = coins(store_->get("bob"));
    EXPECT_GE(coins(store_->get("ann")), first);
  });
}

TEST_F(InMemoryCommit, OneReadOfAllItsRowsSeesAllOrNone) {
  whileTheyCommit([&] {
    const auto both = store_->getMany({"ann", "bob"});
    EXPECT_EQ(coins(both[0]), coins(both[1]));
  });
}

// The same of rows that are written by themselves: "bob" is never ahead of "ann".
TEST_F(InMemoryCommit, OneReadOfManyRowsIsOfOneMoment) {
  std::atomic<bool> done{false};
  std::jthread writer([&] {
    for (int i = 1; i <= 20 * kCommits; ++i) {
      for (const char* name : {"ann", "bob"}) ASSERT_THAT(store_->put({name, i}), IsOk());
    }
    done = true;
  });
  while (!done && !HasFailure()) {
    const auto both = store_->getMany({"ann", "bob"});
    EXPECT_GE(coins(both[0]), coins(both[1]));
    EXPECT_LE(coins(both[0]), coins(both[1]) + 1);
  }
}

}  // namespace
}  // namespace strata
