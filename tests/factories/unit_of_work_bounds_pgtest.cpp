// How many units of work are open at once, and what the pool and the bulkhead have to do with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::sharedServers;
using testing::StatusIs;

struct Purse {
  std::string name;
  int coins = 0;
};
BOOST_DESCRIBE_STRUCT(Purse, (), (name, coins))

}  // namespace

template <>
struct Entity<Purse> {
  static constexpr auto table = "unit_bounds_purses";
  static constexpr KeySpace keys{"unit_bounds", "purse"};
  static std::string id(const Purse& purse) { return purse.name; }
};

namespace {

Config onPostgres() {
  Config config;
  config.database_url = sharedServers().postgres().url();
  return config;
}

Deadline soon() { return Deadline::in(absl::Milliseconds(100)); }
Deadline patient() { return Deadline::in(absl::Minutes(1)); }

class UnitBounds : public ::testing::Test {
 protected:
  void open(std::size_t pool_size) {
    ConnectOptions options;
    options.database.pool_size = pool_size;
    ASSERT_OK_AND_ASSIGN(backends_, connect(onPostgres(), options));
    ASSERT_OK_AND_ASSIGN(purses_, createStore<Purse>(backends_));
    ASSERT_THAT(purses_->put({.name = "ann", .coins = 1}), IsOk());
  }
  // As many as there may be; the next one has to wait.
  void openUnits(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      auto unit = beginUnitOfWork(backends_, patient());
      ASSERT_THAT(unit, IsOk());
      units_.push_back(*std::move(unit));
    }
    EXPECT_THAT(beginUnitOfWork(backends_, soon()),
                StatusIs(absl::StatusCode::kDeadlineExceeded,
                         HasSubstr(std::to_string(count) + " units of work are open")));
  }

  Backends backends_;
  std::unique_ptr<Store<Purse>> purses_;
  std::vector<std::unique_ptr<UnitOfWork>> units_;
};

// Eight open units were all of the pool, and every other read waited for a second and failed.
TEST_F(UnitBounds, OpenUnitsLeaveAQuarterOfThePoolToOthers) {
  open(8);
  openUnits(6);
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(purses_->get("ann"), IsOk());
    EXPECT_THAT(purses_->put({.name = "bob", .coins = i}), IsOk());
  }
  for (auto& unit : units_) {
    EXPECT_THAT(purses_->get("ann", {.unit = unit.get()}), IsOk());
    EXPECT_THAT(unit->commit(), IsOk());
  }
}

TEST_F(UnitBounds, AreOneConnectionLessInASmallPool) {
  for (const auto& [pool_size, units] : {std::pair(2U, 1U), std::pair(3U, 2U), std::pair(4U, 3U)}) {
    open(pool_size);
    openUnits(units);
    EXPECT_THAT(purses_->get("ann"), IsOk());
    units_.clear();
  }
}

// There a unit is all there is: others wait for its end as for any busy connection.
TEST_F(UnitBounds, APoolOfOneHasOneUnit) {
  open(1);
  openUnits(1);
  ASSERT_THAT(purses_->put({.name = "ann", .coins = 2}, {.unit = units_[0].get()}), IsOk());
  EXPECT_THAT(purses_->get("ann", {.deadline = soon()}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(units_[0]->commit(), IsOk());
  units_.clear();
  EXPECT_EQ((**purses_->get("ann")).coins, 2);
}

TEST_F(UnitBounds, TheNextUnitWaitsForTheEndOfOne) {
  open(4);
  openUnits(3);
  std::thread next([this] {
    auto unit = beginUnitOfWork(backends_, patient());
    ASSERT_THAT(unit, IsOk());
    EXPECT_THAT(purses_->put({.name = "ann", .coins = 3}, {.unit = unit->get()}), IsOk());
    EXPECT_THAT((*unit)->commit(), IsOk());
  });
  EXPECT_THAT(purses_->get("ann"), IsOk()) << "those who wait take nobody's place";
  units_.pop_back();
  next.join();
  EXPECT_EQ((**purses_->get("ann")).coins, 3);
}

TEST_F(UnitBounds, ASmallerBulkheadBoundsThemToo) {
  ASSERT_OK_AND_ASSIGN(backends_, connect(onPostgres(), {.bulkhead = {.max_concurrent = 4}}));
  ASSERT_OK_AND_ASSIGN(purses_, createStore<Purse>(backends_));
  openUnits(3);
  EXPECT_THAT(purses_->get("ann"), IsOk());
}

TEST(ConnectPool, TakesItsOptionsFromCode) {
  ConnectOptions options;
  options.database = {.pool_size = 3, .statement_timeout = absl::Milliseconds(4321)};
  const auto backends = connect(onPostgres(), options);
  ASSERT_THAT(backends, IsOk());
  EXPECT_EQ(backends->database->stats().size, 3U);
  EXPECT_EQ(backends->bulkhead->places(), 3U);
  ASSERT_THAT(backends->database->execute(
                  "DO $$ BEGIN IF current_setting('statement_timeout') <> '4321ms' THEN RAISE "
                  "'it is %', current_setting('statement_timeout'); END IF; END $$"),
              IsOk());
  options.database.pool_size = 0;
  EXPECT_THAT(connect(onPostgres(), options),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("pool_size")));
}

// It was made smaller without a word.
TEST(ConnectPool, RefusesABulkheadThatIsLargerThanThePool) {
  EXPECT_THAT(connect(onPostgres(), {.bulkhead = {.max_concurrent = 9}}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("max_concurrent is 9"), HasSubstr("8 connections"))));
  EXPECT_THAT(connect(onPostgres(), {.bulkhead = {.max_concurrent = 8}}), IsOk());
  for (const std::size_t size : {1U, 8U, 64U}) {
    ConnectOptions options;
    options.database.pool_size = size;
    const auto backends = connect(onPostgres(), options);
    ASSERT_THAT(backends, IsOk());
    EXPECT_EQ(backends->bulkhead->places(), size);
  }
}

}  // namespace
}  // namespace strata
