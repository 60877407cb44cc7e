// MockRateLimiter: a RateLimiter for the unit tests of whoever asks one.
//
//   MockRateLimiter limiter;
//   EXPECT_CALL(limiter, check("alice", _))
//       .WillOnce(Return(RateLimitDecision{.allowed = false, .retry_after = absl::Seconds(3)}));
//
// checkAll asks it by `check`. A check that nobody expects is an Unknown error. Not for: tests that
// want a limiter that works; makeRateLimiter over an InMemoryRateLimitLog is one.
#pragma once

#include "gmock/gmock.h"
#include "strata/limits/rate_limiter.h"

namespace strata::testing {

class MockRateLimiter : public RateLimiter {
 public:
  explicit MockRateLimiter(RateLimit limit = {.name = "mock"}) : limit_(std::move(limit)) {}

  const RateLimit& limit() const override { return limit_; }
  MOCK_METHOD(absl::StatusOr<RateLimitDecision>, check, (std::string_view id, Deadline deadline),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
  MOCK_METHOD(CircuitBreaker*, breaker, (), (override));

 private:
  const RateLimit limit_;
};

}  // namespace strata::testing
