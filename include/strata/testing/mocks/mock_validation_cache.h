// MockValidationCache: a ValidationCache for the unit tests of whoever asks one.
//
//   MockValidationCache cache;
//   EXPECT_CALL(cache, validate("alice", _, _)).WillOnce(Return(Validation{.is_valid = true}));
//
// Not for: tests that want a cache that works; TieredValidationCache::create(nullptr) is one.
#pragma once

#include <optional>
#include <string_view>

#include "gmock/gmock.h"
#include "strata/validation/validation_cache.h"

namespace strata::testing {

class MockValidationCache : public ValidationCache {
 public:
  MOCK_METHOD(absl::StatusOr<std::optional<Validation>>, get,
              (std::string_view user_id, Deadline deadline), (override));
  MOCK_METHOD(absl::StatusOr<Validation>, validate,
              (std::string_view user_id, Ask ask, Deadline deadline), (override));
  MOCK_METHOD(absl::Status, set,
              (std::string_view user_id, const Validation& verdict, Deadline deadline), (override));
  MOCK_METHOD(absl::Status, invalidate, (std::string_view user_id, Deadline deadline), (override));
  MOCK_METHOD(absl::Status, clear, (Deadline deadline), (override));
  MOCK_METHOD(ValidationCacheStats, stats, (), (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
  MOCK_METHOD(CircuitBreaker*, breaker, (), (override));
};

}  // namespace strata::testing
