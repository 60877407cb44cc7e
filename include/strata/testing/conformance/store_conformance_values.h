// B-5, B-6, B-7, B-10: which ids and values a store keeps, exactly, and which it refuses. Include
// store_conformance.h.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "strata/testing/conformance/store_conformance_fixture.h"

namespace strata::testing {

template <typename H>
class StoreValues : public StoreConformance<H> {
 protected:
  using Record = typename H::Record;

  static std::vector<Id> usableIds() {
    constexpr std::size_t kShort = 255;
    std::vector<Id> ids = H::ids();
    if (StoreValues::cannot(StoreLimit::kLongIds)) {
      std::erase_if(ids, [](const Id& id) { return id.canonical().size() > kShort; });
    }
    return ids;
  }

  // That `record`, of which `field` has been spoilt, is not stored.
  void expectRefused(const Record& record, const Field& field, BadValue bad) {
    SCOPED_TRACE(std::string(field.name) + ": " + toString(bad));
    const absl::Status status = this->store().put(record).status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    if (idOf(record) == this->id(0)) {
      EXPECT_THAT(status.message(), ::testing::HasSubstr(std::string(field.name)));
    }
  }
};
TYPED_TEST_SUITE_P(StoreValues);

// B-5
TYPED_TEST_P(StoreValues, NoTwoIdsCollide) {
  const std::vector<Id> ids = this->usableIds();
  for (const Id& id : ids) ASSERT_THAT(this->store().put(this->sample(id)), IsOk());
  for (const Id& id : ids) this->expectHolds(id, this->sample(id));
  const auto answers = this->store().getMany(ids);
  ASSERT_EQ(answers.size(), ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ASSERT_THAT(answers[i], IsOk());
    this->expectEqual(*answers[i], this->sample(ids[i]));
  }
}

// B-5
TYPED_TEST_P(StoreValues, RemovingAnIdRemovesNoOther) {
  const std::vector<Id> ids = this->usableIds();
  for (const Id& id : ids) ASSERT_THAT(this->store().put(this->sample(id)), IsOk());
  for (std::size_t i = 0; i < ids.size(); i += 2) {
    ASSERT_THAT(this->store().remove(ids[i]), IsOk());
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (i % 2 == 0) {
      this->expectAbsent(ids[i]);
    } else {
      this->expectHolds(ids[i], this->sample(ids[i]));
    }
  }
}

// B-6
TYPED_TEST_P(StoreValues, AnInvalidIdIsRefusedByEveryCall) {
  for (const Id& id : invalidIds()) {
    SCOPED_TRACE(::testing::PrintToString(id));
    EXPECT_THAT(this->store().get(id), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(this->store().remove(id), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(this->store().getMany({id}).at(0), StatusIs(absl::StatusCode::kInvalidArgument));
    const auto item = this->sample(id);
    // A record need not be able to carry every broken id.
    if (idOf(item).check().ok()) continue;
    EXPECT_THAT(this->store().put(item), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

// B-6
TYPED_TEST_P(StoreValues, AnIdWithMoreSegmentsThanKeyColumnsIsRefused) {
  const EntityInfo& entity = entityInfo<typename TypeParam::Record>();
  std::string canonical = "one";
  for (std::size_t i = 0; i < entity.key_columns.size(); ++i) canonical += ":more";
  const Id id = Id::fromCanonical(canonical);
  if (entity.has_own_id_column) {
    this->expectAbsent(id);
  } else {
    EXPECT_THAT(this->store().get(id), StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(this->store().remove(id), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

// B-7
TYPED_TEST_P(StoreValues, EdgesOfEveryKindOfFieldRoundTripExactly) {
  for (const ValueCase value_case : kValueCases) {
    SCOPED_TRACE(toString(value_case));
    const auto item = this->filled(this->id(0), value_case);
    ASSERT_THAT(this->store().put(item), IsOk());
    this->expectHolds(this->id(0), item);
    const auto answers = this->store().getMany({this->id(0)});
    ASSERT_THAT(answers.at(0), IsOk());
    this->expectEqual(*answers[0], item);
  }
}

// B-7
TYPED_TEST_P(StoreValues, ATextOfOneMebibyteRoundTrips) {
  if (this->cannot(StoreLimit::kLargeText)) return;
  const Id& id = this->id(0);
  const auto plain = this->sample(id);
  auto item = plain;
  for (const Field& field : typeInfo<typename TypeParam::Record>().fields) {
    if (field.type().kind != Kind::kString) continue;
    auto& text = *static_cast<std::string*>(field.address(&item));
    text = std::string((1 << 20) - 2, 'x') + "é";
    if (idOf(item) == id) break;
    item = plain;
  }
  ASSERT_THAT(this->store().put(item), IsOk());
  this->expectHolds(id, item);
}

// B-7
TYPED_TEST_P(StoreValues, WhatNoStoreMayHoldIsRefusedByTheNameOfItsField) {
  for (const BadValue bad : kBadValues) {
    for (const Field& field : typeInfo<typename TypeParam::Record>().fields) {
      auto item = this->sample(this->id(0));
      if (spoil(field.type(), field.address(&item), bad)) this->expectRefused(item, field, bad);
    }
  }
  this->expectAbsent(this->id(0));
}

// B-10
TYPED_TEST_P(StoreValues, SqlInAnIdOrAFieldIsData) {
  const Id& bystander = this->id(1);
  ASSERT_THAT(this->store().put(this->sample(bystander)), IsOk());
  const auto is_sql = [](const Id& id) { return id.canonical().find("DROP") != std::string::npos; };
  const std::vector<Id>& ids = TypeParam::ids();
  const auto sql_id = std::find_if(ids.begin(), ids.end(), is_sql);
  const Id& id = sql_id == ids.end() ? this->id(0) : *sql_id;
  const auto item = this->filled(id, ValueCase::kSql);
  ASSERT_THAT(this->store().put(item), IsOk());
  this->expectHolds(id, item);
  ASSERT_THAT(this->store().remove(id), IsOk());
  this->expectAbsent(id);
  this->expectHolds(bystander, this->sample(bystander));
}

REGISTER_TYPED_TEST_SUITE_P(StoreValues, NoTwoIdsCollide, RemovingAnIdRemovesNoOther,
                            AnInvalidIdIsRefusedByEveryCall,
                            AnIdWithMoreSegmentsThanKeyColumnsIsRefused,
                            EdgesOfEveryKindOfFieldRoundTripExactly, ATextOfOneMebibyteRoundTrips,
                            WhatNoStoreMayHoldIsRefusedByTheNameOfItsField,
                            SqlInAnIdOrAFieldIsData);

}  // namespace strata::testing
