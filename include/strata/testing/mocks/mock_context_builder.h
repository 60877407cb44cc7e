// MockContextBuilder: a ContextBuilder for the unit tests of whoever asks one.
//
//   MockContextBuilder builder;
//   EXPECT_CALL(builder, build("alice", "session-1", _))
//       .WillOnce(Return(BuiltContext{.text = "[User Context]\nName: Alice"}));
//
// A build that nobody expects is an Unknown error.
#pragma once

#include "gmock/gmock.h"
#include "strata/stores/clarify/context_builder.h"

namespace strata::testing {

class MockContextBuilder : public ContextBuilder {
 public:
  MOCK_METHOD(absl::StatusOr<BuiltContext>, build,
              (std::string_view user_id, std::string_view current_session_id, Deadline deadline),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

}  // namespace strata::testing
