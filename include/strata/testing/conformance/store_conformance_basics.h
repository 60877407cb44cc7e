// B-1 to B-4, B-8, B-9: what every store does. Include store_conformance.h.
#pragma once

#include "strata/testing/conformance/store_conformance_fixture.h"

namespace strata::testing {

template <typename H>
class StoreBasics : public StoreConformance<H> {};
TYPED_TEST_SUITE_P(StoreBasics);

TYPED_TEST_P(StoreBasics, SamplesHaveTheIdAskedForAndDiffer) {
  const auto one = this->sample(this->id(0), 1);
  const auto two = this->sample(this->id(0), 2);
  EXPECT_EQ(idOf(one), this->id(0));
  EXPECT_EQ(idOf(two), this->id(0));
  EXPECT_FALSE(one == two);
}

// B-1
TYPED_TEST_P(StoreBasics, AnEmptyStoreAnswersNullAndOk) { this->expectAbsent(this->id(0)); }

// B-2
TYPED_TEST_P(StoreBasics, TheSecondPutReplacesTheFirst) {
  const auto& id = this->id(0);
  ASSERT_THAT(this->store().put(this->sample(id, 1)), IsOk());
  ASSERT_THAT(this->store().put(this->sample(id, 2)), IsOk());
  this->expectHolds(id, this->sample(id, 2));
}

// B-2
TYPED_TEST_P(StoreBasics, APutReplacesEveryFieldWithNothingLeftOfTheOld) {
  const auto& id = this->id(0);
  ASSERT_THAT(this->store().put(this->filled(id, ValueCase::kLargest)), IsOk());
  ASSERT_THAT(this->store().put(this->filled(id, ValueCase::kEmpty)), IsOk());
  this->expectHolds(id, this->filled(id, ValueCase::kEmpty));
}

// B-3
TYPED_TEST_P(StoreBasics, WhatWasRemovedIsAbsent) {
  const auto& id = this->id(0);
  const auto& other = this->id(1);
  ASSERT_THAT(this->store().put(this->sample(id)), IsOk());
  ASSERT_THAT(this->store().put(this->sample(other)), IsOk());
  ASSERT_THAT(this->store().remove(id), IsOk());
  this->expectAbsent(id);
  this->expectHolds(other, this->sample(other));
}

// B-3
TYPED_TEST_P(StoreBasics, RemovingWhatIsAbsentIsOk) {
  EXPECT_THAT(this->store().remove(this->id(0)), IsOk());
  EXPECT_THAT(this->store().remove(this->id(0)), IsOk());
}

TYPED_TEST_P(StoreBasics, WhatWasRemovedCanBePutAgain) {
  const auto& id = this->id(0);
  ASSERT_THAT(this->store().put(this->sample(id, 1)), IsOk());
  ASSERT_THAT(this->store().remove(id), IsOk());
  this->expectAbsent(id);
  ASSERT_THAT(this->store().put(this->sample(id, 2)), IsOk());
  this->expectHolds(id, this->sample(id, 2));
}

// B-4
TYPED_TEST_P(StoreBasics, GetManyAnswersEachAskedIdInOrder) {
  const Id& one = this->id(0);
  const Id& two = this->id(1);
  const Id& absent = this->id(2);
  ASSERT_THAT(this->store().put(this->sample(one)), IsOk());
  ASSERT_THAT(this->store().put(this->sample(two)), IsOk());
  const auto answers = this->store().getMany({two, absent, one, two, absent});
  ASSERT_EQ(answers.size(), 5U);
  for (const auto& answer : answers) ASSERT_THAT(answer, IsOk());
  this->expectEqual(*answers[0], this->sample(two));
  EXPECT_EQ(*answers[1], nullptr);
  this->expectEqual(*answers[2], this->sample(one));
  this->expectEqual(*answers[3], this->sample(two));
  EXPECT_EQ(*answers[4], nullptr);
}

// B-4
TYPED_TEST_P(StoreBasics, GetManyOfNothingAnswersNothing) {
  EXPECT_EQ(this->store().getMany({}).size(), 0U);
}

// B-4
TYPED_TEST_P(StoreBasics, GetManyOfAnInvalidIdFailsForThatIdAlone) {
  ASSERT_THAT(this->store().put(this->sample(this->id(0))), IsOk());
  const auto answers = this->store().getMany({Id(""), this->id(0), Id("")});
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_THAT(answers[0], StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_THAT(answers[1], IsOk());
  this->expectEqual(*answers[1], this->sample(this->id(0)));
  EXPECT_THAT(answers[2], StatusIs(absl::StatusCode::kInvalidArgument));
}

// B-8
TYPED_TEST_P(StoreBasics, ASnapshotNeverChanges) {
  const auto& id = this->id(0);
  ASSERT_THAT(this->store().put(this->sample(id, 1)), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto held, this->store().get(id));
  ASSERT_THAT(this->store().put(this->sample(id, 2)), IsOk());
  this->expectHolds(id, this->sample(id, 2));
  this->expectEqual(held, this->sample(id, 1));
  ASSERT_THAT(this->store().remove(id), IsOk());
  this->expectEqual(held, this->sample(id, 1));
}

// B-8
TYPED_TEST_P(StoreBasics, WhatWasPutIsACopy) {
  const auto& id = this->id(0);
  auto item = this->sample(id, 1);
  ASSERT_THAT(this->store().put(item), IsOk());
  item = this->sample(id, 2);
  this->expectHolds(id, this->sample(id, 1));
}

// B-9
TYPED_TEST_P(StoreBasics, ARowThatIsNoRecordIsDataLossThatNamesTheTable) {
  if (this->cannot(StoreLimit::kCorruptRows)) return;
  if constexpr (CorruptsRows<TypeParam>) {
    const auto& id = this->id(0);
    ASSERT_THAT(this->store().put(this->sample(id)), IsOk());
    ASSERT_THAT(this->harness().corrupt(id), IsOk());
    const std::string table(entityInfo<typename TypeParam::Record>().table);
    EXPECT_THAT(this->store().get(id),
                StatusIs(absl::StatusCode::kDataLoss, ::testing::HasSubstr(table)));
  } else {
    FAIL() << "the harness has neither corrupt(id) nor declares StoreLimit::kCorruptRows";
  }
}

TYPED_TEST_P(StoreBasics, AWorkingStoreIsHealthy) {
  const Health health = this->store().healthCheck();
  EXPECT_EQ(health.state, HealthState::kPass) << describe(health);
  EXPECT_EQ(health.error, "");
  EXPECT_NE(health.component, "");
  EXPECT_NE(health.backend, "");
}

REGISTER_TYPED_TEST_SUITE_P(StoreBasics, SamplesHaveTheIdAskedForAndDiffer,
                            AnEmptyStoreAnswersNullAndOk, TheSecondPutReplacesTheFirst,
                            APutReplacesEveryFieldWithNothingLeftOfTheOld, WhatWasRemovedIsAbsent,
                            RemovingWhatIsAbsentIsOk, WhatWasRemovedCanBePutAgain,
                            GetManyAnswersEachAskedIdInOrder, GetManyOfNothingAnswersNothing,
                            GetManyOfAnInvalidIdFailsForThatIdAlone, ASnapshotNeverChanges,
                            WhatWasPutIsACopy, ARowThatIsNoRecordIsDataLossThatNamesTheTable,
                            AWorkingStoreIsHealthy);

}  // namespace strata::testing
