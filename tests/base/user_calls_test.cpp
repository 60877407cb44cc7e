#include "strata/base/internal/user_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/testing/status_matchers.h"

namespace strata::internal {
namespace {

using strata::testing::IsOk;
using strata::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

struct OwnError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

TEST(UserCalls, WhatIsReturnedPasses) {
  EXPECT_THAT(callOut("store", [] { return absl::StatusOr<int>(7); }), IsOk());
  EXPECT_THAT(callOut("store", [] { return absl::NotFoundError("x"); }),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(callOut("store", [] {}), IsOk());
}

TEST(UserCalls, AnExceptionBecomesInternalWithItsTypeAndNotItsText) {
  const auto thrown = callOut("store", []() -> absl::StatusOr<int> { throw OwnError("hunter2"); });
  EXPECT_THAT(thrown, StatusIs(absl::StatusCode::kInternal, HasSubstr("OwnError")));
  EXPECT_THAT(std::string(thrown.status().message()), Not(HasSubstr("hunter2")));
  EXPECT_THAT(callOut("store", [] { throw std::bad_alloc(); }),
              StatusIs(absl::StatusCode::kInternal,
                       HasSubstr("store threw an exception of type std::bad_alloc")));
}

TEST(UserCalls, WhatIsNoStdExceptionHasATypeToo) {
  EXPECT_THAT(callOut("listener", [] { throw 7; }),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("type int")));
}

TEST(UserCalls, WhatIsNoStatusIsTranslatedByTheCaller) {
  const auto answers = callOut(
      "store", []() -> std::vector<absl::Status> { throw OwnError(""); },
      [](const absl::Status& thrown) { return std::vector<absl::Status>(3, thrown); });
  EXPECT_THAT(answers, ::testing::SizeIs(3));
}

}  // namespace
}  // namespace strata::internal
