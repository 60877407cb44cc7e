// The suite's own material: it must be as hard as it says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "strata/records/json_codec.h"
#include "strata/testing/conformance/conformance_record.h"
#include "strata/testing/conformance/conformance_values.h"
#include "strata/testing/printers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::BadValue;
using testing::ConformanceRecord;
using testing::IsOk;
using testing::StatusIs;
using testing::ValueCase;

TEST(ConformanceValues, EveryCaseIsValidAndDiffers) {
  std::set<std::string> seen;
  for (const ValueCase value_case : testing::kValueCases) {
    ConformanceRecord record;
    testing::fill(typeInfo<ConformanceRecord>(), &record, value_case);
    EXPECT_THAT(validate(typeInfo<ConformanceRecord>(), &record), IsOk())
        << testing::toString(value_case);
    seen.insert(encodeJson(record));
  }
  EXPECT_EQ(seen.size(), testing::kValueCases.size());
}

TEST(ConformanceValues, ReachTheEdges) {
  ConformanceRecord record;
  testing::fill(typeInfo<ConformanceRecord>(), &record, ValueCase::kLargest);
  EXPECT_EQ(record.uint64, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(record.number, std::numeric_limits<double>::max());
  EXPECT_EQ(record.at, kMaxTimestamp);
  EXPECT_EQ(record.parts.size(), 3U);
  EXPECT_EQ(record.maybe_part->made, kMaxTimestamp);
  testing::fill(typeInfo<ConformanceRecord>(), &record, ValueCase::kEmpty);
  EXPECT_EQ(record, ConformanceRecord{});
}

// B-7
TEST(ConformanceValues, EveryBadValueIsRefusedWhereverItIs) {
  for (const BadValue bad : testing::kBadValues) {
    int spoilt = 0;
    for (const Field& field : typeInfo<ConformanceRecord>().fields) {
      ConformanceRecord record;
      if (!testing::spoil(field.type(), field.address(&record), bad)) continue;
      ++spoilt;
      EXPECT_THAT(validate(typeInfo<ConformanceRecord>(), &record),
                  StatusIs(absl::StatusCode::kInvalidArgument,
                           ::testing::HasSubstr(std::string(field.name))))
          << testing::toString(bad);
    }
    EXPECT_GE(spoilt, 2) << testing::toString(bad);
  }
}

// B-5
TEST(ConformanceValues, AllIdsAreValidAndDiffer) {
  std::set<std::string> seen;
  for (const Id& id : testing::nastyIds()) {
    EXPECT_THAT(id.check(), IsOk()) << ::testing::PrintToString(id);
    EXPECT_TRUE(seen.insert(id.canonical()).second) << ::testing::PrintToString(id);
    EXPECT_EQ(Id::fromCanonical(id.canonical()), id);
  }
}

// B-6
TEST(ConformanceValues, NoInvalidIdIsValid) {
  for (const Id& id : testing::invalidIds()) {
    EXPECT_THAT(id.check(), StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace strata
