#include "adapters/postgres/schema/migration_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using postgres::AppliedMigrations;
using postgres::checksumOf;
using postgres::planMigrations;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;

const Migration kFirst{"shop", 1, "create", "CREATE TABLE a ()"};
const Migration kSecond{"shop", 2, "extend", "ALTER TABLE a ADD b text"};
const Migration kThird{"shop", 3, "index", "CREATE INDEX ON a (b)"};
const Migration kOther{"audit", 1, "create", "CREATE TABLE c ()"};

AppliedMigrations applied(std::initializer_list<Migration> migrations) {
  AppliedMigrations result;
  for (const Migration& m : migrations) {
    result.emplace(std::pair(std::string(m.component), m.number), checksumOf(m));
  }
  return result;
}

auto named(std::string_view component, int number) {
  return AllOf(Field(&Migration::component, component), Field(&Migration::number, number));
}

TEST(MigrationPlan, OrdersByNumberAndKeepsTheOrderOfComponents) {
  const Migration migrations[] = {kSecond, kOther, kFirst};
  const auto plan = planMigrations(migrations, {});
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(*plan, ElementsAre(named("shop", 1), named("shop", 2), named("audit", 1)));
}

TEST(MigrationPlan, LeavesOutWhatWasApplied) {
  const Migration migrations[] = {kFirst, kSecond, kOther};
  const auto plan = planMigrations(migrations, applied({kFirst, kOther}));
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(*plan, ElementsAre(named("shop", 2)));
}

TEST(MigrationPlan, IgnoresWhatANewerBinaryApplied) {
  const Migration migrations[] = {kFirst};
  const auto plan = planMigrations(migrations, applied({kFirst, kSecond, kOther}));
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(*plan, IsEmpty());
}

TEST(MigrationPlan, RefusesGapsAndRepeatedNumbers) {
  const Migration with_gap[] = {kFirst, kThird};
  EXPECT_THAT(planMigrations(with_gap, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("shop/0003_index")));
  const Migration repeated[] = {kFirst, kFirst};
  EXPECT_THAT(planMigrations(repeated, {}), StatusIs(absl::StatusCode::kInvalidArgument));
  const Migration from_two[] = {kSecond};
  EXPECT_THAT(planMigrations(from_two, {}), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(MigrationPlan, RefusesAMigrationThatWasEdited) {
  Migration edited = kFirst;
  edited.sql = "CREATE TABLE a (x int)";
  const Migration migrations[] = {edited};
  EXPECT_THAT(planMigrations(migrations, applied({kFirst})),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("shop/0001_create")));
}

TEST(MigrationPlan, RefusesToApplyBehindOneThatIsApplied) {
  const Migration migrations[] = {kFirst, kSecond, kThird};
  EXPECT_THAT(planMigrations(migrations, applied({kFirst, kThird})),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("shop/0002_extend")));
}

TEST(MigrationPlan, ChecksumIsTheSha256OfTheSql) {
  EXPECT_EQ(checksumOf({"x", 1, "y", "abc"}),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

}  // namespace
}  // namespace strata
