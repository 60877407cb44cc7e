#include "adapters/postgres/client/sqlstate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "strata/base/backend_error.h"
#include "strata/base/status.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using postgres::endsConnection;
using postgres::meaningOf;
using postgres::toStatus;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::StatusIs;

struct Case {
  const char* sqlstate;
  absl::StatusCode code;
};

class SqlState : public ::testing::TestWithParam<Case> {};

TEST_P(SqlState, BecomesTheCodeThatSaysWhatToDo) {
  EXPECT_EQ(meaningOf(GetParam().sqlstate).code, GetParam().code) << GetParam().sqlstate;
}

INSTANTIATE_TEST_SUITE_P(All, SqlState,
                         ::testing::Values(Case{"08000", absl::StatusCode::kUnavailable},
                                           Case{"08006", absl::StatusCode::kUnavailable},
                                           Case{"57P01", absl::StatusCode::kUnavailable},
                                           Case{"57P03", absl::StatusCode::kUnavailable},
                                           Case{"25006", absl::StatusCode::kUnavailable},
                                           Case{"53100", absl::StatusCode::kUnavailable},
                                           Case{"55P03", absl::StatusCode::kUnavailable},
                                           Case{"57014", absl::StatusCode::kDeadlineExceeded},
                                           Case{"53200", absl::StatusCode::kResourceExhausted},
                                           Case{"53300", absl::StatusCode::kResourceExhausted},
                                           Case{"28000", absl::StatusCode::kPermissionDenied},
                                           Case{"28P01", absl::StatusCode::kPermissionDenied},
                                           Case{"42501", absl::StatusCode::kPermissionDenied},
                                           Case{"42P01", absl::StatusCode::kFailedPrecondition},
                                           Case{"42703", absl::StatusCode::kFailedPrecondition},
                                           Case{"3D000", absl::StatusCode::kFailedPrecondition},
                                           Case{"3F000", absl::StatusCode::kFailedPrecondition},
                                           Case{"22P02", absl::StatusCode::kInvalidArgument},
                                           Case{"22003", absl::StatusCode::kInvalidArgument},
                                           Case{"23502", absl::StatusCode::kFailedPrecondition},
                                           Case{"23514", absl::StatusCode::kFailedPrecondition},
                                           Case{"23505", absl::StatusCode::kAlreadyExists},
                                           Case{"40001", absl::StatusCode::kAborted},
                                           Case{"40P01", absl::StatusCode::kAborted},
                                           Case{"40003", absl::StatusCode::kUnknown},
                                           Case{"XX001", absl::StatusCode::kDataLoss},
                                           Case{"XX002", absl::StatusCode::kDataLoss},
                                           Case{"XX000", absl::StatusCode::kInternal},
                                           Case{"99999", absl::StatusCode::kInternal}));

TEST(SqlStateStatus, SaysWhatWasAttemptedAndWhatCameBack) {
  EXPECT_THAT(toStatus("get from flags", "42P01", "relation \"flags\" does not exist"),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("get from flags"), HasSubstr("42P01"),
                             HasSubstr("relation \"flags\" does not exist"))));
}

TEST(SqlStateStatus, LeavesOutMessagesThatQuoteValues) {
  for (const char* sqlstate : {"22P02", "22001", "23505", "23514", "28P01", "P0001", "XX000"}) {
    EXPECT_THAT(std::string(toStatus("put to flags", sqlstate, "value \"s3cret\"").message()),
                AllOf(HasSubstr(sqlstate), Not(HasSubstr("s3cret"))));
  }
}

// A service could not tell a missing table from a rule that its client broke.
TEST(SqlStateStatus, IsMarkedAsTheServersOwn) {
  for (const char* sqlstate : {"42P01", "42501", "22P02", "23505", "40001", "99999"}) {
    const absl::Status status = annotate(toStatus("get", sqlstate, ""), "more");
    EXPECT_TRUE(isBackendError(status)) << sqlstate;
    EXPECT_EQ(backendErrorCode(status), sqlstate);
  }
}

TEST(SqlStateStatus, KnowsWhichErrorsEndTheConnection) {
  EXPECT_TRUE(endsConnection("57P01"));
  EXPECT_TRUE(endsConnection("08006"));
  EXPECT_FALSE(endsConnection("57014"));
  EXPECT_FALSE(endsConnection("42P01"));
  EXPECT_FALSE(endsConnection(""));
}

}  // namespace
}  // namespace strata
