#include "strata/base/backend_error.h"

#include <gtest/gtest.h>

#include "src/base/unshared_status.h"
#include "strata/base/status.h"

namespace strata {
namespace {

TEST(BackendError, IsKnownAfterEveryCopy) {
  const absl::Status rule = absl::FailedPreconditionError("the id is in use");
  EXPECT_FALSE(isBackendError(rule));
  EXPECT_EQ(backendErrorCode(rule), "");
  const absl::Status marked = backendError(rule, "42P01");
  EXPECT_EQ(marked.code(), rule.code());
  EXPECT_EQ(marked.message(), rule.message());
  for (const absl::Status& copy : {marked, annotate(marked, "get"), internal::unshared(marked)}) {
    EXPECT_TRUE(isBackendError(copy));
    EXPECT_EQ(backendErrorCode(copy), "42P01");
  }
  EXPECT_TRUE(backendError(absl::OkStatus(), "42P01").ok());
}

}  // namespace
}  // namespace strata
