// MockPathStore: a PathStore for the unit tests of whoever uses one.
//
//   MockPathStore paths;
//   EXPECT_CALL(paths, branchFromMessage).WillOnce(Return(Path{.id = "p", .name = "What if"}));
//
// Not for: tests that want a store that works; createPathStore of backends without a database is
// one in memory.
#pragma once

#include "gmock/gmock.h"
#include "strata/stores/conversations/path/path_store.h"

namespace strata::testing {

class MockPathStore : public PathStore {
 public:
  MOCK_METHOD(absl::StatusOr<Path>, createPath,
              (std::string_view tenant_id, const NewPath& path, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Path>, getPath,
              (std::string_view tenant_id, std::string_view path_id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::vector<Path>>, listPaths,
              (std::string_view tenant_id, std::string_view conversation_id, const PathQuery& query,
               const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Path>, updatePath,
              (std::string_view tenant_id, std::string_view path_id, const PathUpdate& update,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::Status, deletePath,
              (std::string_view tenant_id, std::string_view path_id, PathDeletion deletion,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::vector<Message>>, resolvePathMessages,
              (std::string_view tenant_id, std::string_view path_id, const ResolveQuery& query,
               const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<PathResolution>, getFullPathResolution,
              (std::string_view tenant_id, std::string_view path_id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Path>, getActivePath,
              (std::string_view tenant_id, std::string_view conversation_id,
               const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Path>, setActivePath,
              (std::string_view tenant_id, std::string_view conversation_id,
               std::string_view path_id, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Path>, branchFromMessage,
              (std::string_view tenant_id, std::string_view message_id, const NewBranch& branch,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::vector<Message>>, getBranchPointsForPath,
              (std::string_view tenant_id, std::string_view path_id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<MergeResult>, mergePath,
              (std::string_view tenant_id, const MergeRequest& request,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<MergeResult>, previewMerge,
              (std::string_view tenant_id, const MergeRequest& request, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Message>, pinMessage,
              (std::string_view tenant_id, std::string_view message_id,
               const std::optional<std::string>& user_id, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Message>, unpinMessage,
              (std::string_view tenant_id, std::string_view message_id,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::vector<Message>>, getPinnedMessages,
              (std::string_view tenant_id, std::string_view conversation_id,
               const std::optional<std::string>& path_id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<std::int64_t>, getPinnedMessageCount,
              (std::string_view tenant_id, std::string_view conversation_id,
               const std::optional<std::string>& path_id, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Path>, getPrimaryPath,
              (std::string_view tenant_id, std::string_view conversation_id,
               const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Path>, ensurePrimaryPath,
              (std::string_view tenant_id, std::string_view conversation_id,
               const WriteOptions& options),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));
};

}  // namespace strata::testing
