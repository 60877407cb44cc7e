// Mocks of the context platform's stores, for the unit tests of whoever uses them.
//
//   MockDreamStore dreams;
//   EXPECT_CALL(dreams, create).WillOnce(Return(Dream{.id = "d", .title = "Write a book"}));
//
// The sources of a context are Stores: mock_store.h.
// Not for: tests that want stores that work; createClarifyStores(Config()) are some in memory.
#pragma once

#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "strata/stores/clarify/clarify_session_store.h"
#include "strata/stores/clarify/dream_store.h"
#include "strata/stores/clarify/pattern_store.h"
#include "strata/stores/clarify/reflection_store.h"
#include "strata/stores/clarify/user_profile_store.h"

namespace strata::testing {

class MockUserProfileStore : public UserProfileStore {
 public:
  MOCK_METHOD(absl::StatusOr<UserProfile>, put,
              (const UserProfile& profile, const WriteOptions& options), (override));
  MOCK_METHOD(absl::StatusOr<UserProfile>, get,
              (std::string_view user_id, const ReadOptions& options), (override));
  MOCK_METHOD(absl::Status, remove, (std::string_view user_id, const WriteOptions& options),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

class MockDreamStore : public DreamStore {
 public:
  MOCK_METHOD(absl::StatusOr<Dream>, create, (const Dream& dream, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Dream>, update,
              (std::string_view user_id, std::string_view dream_id, const DreamUpdate& update,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Dream>, setStatus,
              (std::string_view user_id, std::string_view dream_id, DreamStatus status,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::Status, remove,
              (std::string_view user_id, std::string_view dream_id, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Dream>, get,
              (std::string_view user_id, std::string_view dream_id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::vector<Dream>>, list,
              (std::string_view user_id, const DreamQuery& query, const ReadOptions& options),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

class MockPatternStore : public PatternStore {
 public:
  MOCK_METHOD(absl::StatusOr<std::vector<ClarifyPattern>>, consolidate,
              (std::string_view user_id, const std::vector<ClarifyPattern>& patterns,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::vector<ClarifyPattern>>, list,
              (std::string_view user_id, const ReadOptions& options), (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

class MockClarifySessionStore : public ClarifySessionStore {
 public:
  MOCK_METHOD(absl::StatusOr<ClarifySession>, create,
              (const ClarifySession& session, const WriteOptions& options), (override));
  MOCK_METHOD(absl::StatusOr<ClarifySession>, archive,
              (std::string_view user_id, std::string_view session_id, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::Status, remove,
              (std::string_view user_id, std::string_view session_id, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<ClarifySession>, noteMessage,
              (std::string_view user_id, std::string_view session_id, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<ClarifySession>, get,
              (std::string_view user_id, std::string_view session_id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::vector<ClarifySession>>, list,
              (std::string_view user_id, const SessionQuery& query, const ReadOptions& options),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

class MockReflectionStore : public ReflectionStore {
 public:
  MOCK_METHOD(absl::StatusOr<Reflection>, create,
              (const Reflection& reflection, const WriteOptions& options), (override));
  MOCK_METHOD(absl::StatusOr<std::vector<Reflection>>, list,
              (std::string_view user_id, std::int64_t limit, const ReadOptions& options),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

}  // namespace strata::testing
