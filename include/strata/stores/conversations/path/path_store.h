// PathStore: the branches of conversations.
//
//   auto branch = paths->branchFromMessage(tenant, message_id, {.name = "What if"});
//   auto messages = paths->resolvePathMessages(tenant, branch->id);    // with what came before
//   auto merged = paths->mergePath(tenant, {.source_path_id = branch->id,
//                                           .target_path_id = primary, .mode = MergeMode::kFull});
//
// It knows tenants and no users: who may do something with a conversation says
// ConversationStore::checkAccess, which the application asks first.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/stores/conversations/conversation/message.h"
#include "strata/stores/conversations/path/path.h"

namespace strata {

// How many ancestors a path has at most.
inline constexpr std::int64_t kMaxPathDepth = 100;

struct NewPath {
  std::string conversation_id;
  // Both or neither; the message is one of the parent's own.
  std::optional<std::string> parent_path_id = {};
  std::optional<std::string> branch_point_message_id = {};
  std::optional<std::string> name = {};
  std::optional<std::string> description = {};
  // A UUID of the caller's, so that a create whose outcome is unknown can be repeated. None: a new
  // one.
  std::optional<std::string> id = {};
};

struct NewBranch {
  std::optional<std::string> name = {};
  std::optional<std::string> description = {};
  // Whether it becomes the active path at once.
  bool activate = false;
  std::optional<std::string> id = {};  // as NewPath::id
};

enum class PathParent : std::uint8_t { kAny, kRoots, kOf };

struct PathQuery {
  bool include_inactive = false;
  PathParent parent = PathParent::kAny;
  // With kOf: the paths that branch from this one.
  std::optional<std::string> parent_path_id = {};
};

// What is absent stays as it is; std::nullopt inside clears.
struct PathUpdate {
  std::optional<std::optional<std::string>> name = {};
  std::optional<std::optional<std::string>> description = {};
  // Archives it, or takes it back from the archive.
  std::optional<bool> is_active = {};
};

enum class PathDeletion : std::uint8_t {
  kSoft,  // archives it
  kHard,  // removes it and its messages
};

struct ResolveQuery {
  bool include_deleted = false;
  bool pinned_only = false;
  std::optional<MessageRole> role = {};
  // Of what is left after that, in order. No limit: all.
  std::optional<std::int64_t> limit = {};
  std::int64_t offset = 0;
};

// A path, where it comes from, and all that it shows.
struct PathResolution {
  // From the root to the path itself.
  std::vector<Path> chain;
  // As resolvePathMessages answers them.
  std::vector<Message> messages;
};

struct MergeRequest {
  std::string source_path_id;
  std::string target_path_id;
  MergeMode mode = MergeMode::kSummary;
  // kSummary: the content of the message; empty: a sentence that says what was merged.
  std::string summary = {};
  // kSelective: which of the source's own messages.
  std::vector<std::string> message_ids = {};
  // Whether pinned messages stay pinned where they are copied to.
  bool preserve_pinned = true;
  // Whether the source is archived.
  bool archive_source = true;
  // Who wrote the summary; none: the application.
  std::optional<std::string> user_id = {};
};

struct MergeResult {
  Path source;  // as it is afterwards
  Path target;
  // What was added to the target, in order.
  std::vector<Message> added;
};

// Thread-safe. Ids are UUIDs in either case. The errors of every method, beside those of Store<T>:
//
//   NotFound            there is no such row in this tenant
//   FailedPrecondition  a rule forbids it; the message says which
//   InvalidArgument     what was given cannot be; the message names it
//   AlreadyExists       the id of what is to be created is in use
class PathStore {
 public:
  virtual ~PathStore() = default;

  // A path is at most kMaxPathDepth below its root.
  virtual absl::StatusOr<Path> createPath(std::string_view tenant_id, const NewPath& path,
                                          const WriteOptions& options = {}) = 0;
  virtual absl::StatusOr<Path> getPath(std::string_view tenant_id, std::string_view path_id,
                                       const ReadOptions& options = {}) = 0;
  // The primary one first, then the oldest.
  virtual absl::StatusOr<std::vector<Path>> listPaths(std::string_view tenant_id,
                                                      std::string_view conversation_id,
                                                      const PathQuery& query = {},
                                                      const ReadOptions& options = {}) = 0;
  // The primary path is never archived; a merged one stays merged.
  virtual absl::StatusOr<Path> updatePath(std::string_view tenant_id, std::string_view path_id,
                                          const PathUpdate& update,
                                          const WriteOptions& options = {}) = 0;
  // Never the primary path. One that others branch from or were merged into cannot be removed,
  // only archived: they would lose what they show. Where it was active, the primary one is.
  virtual absl::Status deletePath(std::string_view tenant_id, std::string_view path_id,
                                  PathDeletion deletion, const WriteOptions& options = {}) = 0;

  // The messages of its ancestors up to and including each branch point, then its own.
  virtual absl::StatusOr<std::vector<Message>> resolvePathMessages(
      std::string_view tenant_id, std::string_view path_id, const ResolveQuery& query = {},
      const ReadOptions& options = {}) = 0;
  virtual absl::StatusOr<PathResolution> getFullPathResolution(std::string_view tenant_id,
                                                               std::string_view path_id,
                                                               const ReadOptions& options = {}) = 0;

  virtual absl::StatusOr<Path> getActivePath(std::string_view tenant_id,
                                             std::string_view conversation_id,
                                             const ReadOptions& options = {}) = 0;
  // FailedPrecondition: it is archived or merged, or one of another conversation.
  virtual absl::StatusOr<Path> setActivePath(std::string_view tenant_id,
                                             std::string_view conversation_id,
                                             std::string_view path_id,
                                             const WriteOptions& options = {}) = 0;

  // FailedPrecondition: the message is deleted.
  virtual absl::StatusOr<Path> branchFromMessage(std::string_view tenant_id,
                                                 std::string_view message_id,
                                                 const NewBranch& branch = {},
                                                 const WriteOptions& options = {}) = 0;
  // The messages of the path's own that others branch from, in order.
  virtual absl::StatusOr<std::vector<Message>> getBranchPointsForPath(
      std::string_view tenant_id, std::string_view path_id, const ReadOptions& options = {}) = 0;

  // Where the source was the active path, the target is. FailedPrecondition: source and target are
  // one or of different conversations, the source is the primary path or merged already, the target
  // is archived or merged. NotFound also: one of `message_ids` is no message of the source's own,
  // or deleted.
  virtual absl::StatusOr<MergeResult> mergePath(std::string_view tenant_id,
                                                const MergeRequest& request,
                                                const WriteOptions& options = {}) = 0;
  // What mergePath would answer, with ids and times that are not kept.
  virtual absl::StatusOr<MergeResult> previewMerge(std::string_view tenant_id,
                                                   const MergeRequest& request,
                                                   const ReadOptions& options = {}) = 0;

  // Pinning what is pinned changes nothing. FailedPrecondition: the message is deleted.
  virtual absl::StatusOr<Message> pinMessage(std::string_view tenant_id,
                                             std::string_view message_id,
                                             const std::optional<std::string>& user_id,
                                             const WriteOptions& options = {}) = 0;
  virtual absl::StatusOr<Message> unpinMessage(std::string_view tenant_id,
                                               std::string_view message_id,
                                               const WriteOptions& options = {}) = 0;
  // The pinned messages that are not deleted, oldest first: of one path's own, or of the whole
  // conversation.
  virtual absl::StatusOr<std::vector<Message>> getPinnedMessages(
      std::string_view tenant_id, std::string_view conversation_id,
      const std::optional<std::string>& path_id = {}, const ReadOptions& options = {}) = 0;
  virtual absl::StatusOr<std::int64_t> getPinnedMessageCount(
      std::string_view tenant_id, std::string_view conversation_id,
      const std::optional<std::string>& path_id = {}, const ReadOptions& options = {}) = 0;

  virtual absl::StatusOr<Path> getPrimaryPath(std::string_view tenant_id,
                                              std::string_view conversation_id,
                                              const ReadOptions& options = {}) = 0;
  // The same, and makes one where there is none.
  virtual absl::StatusOr<Path> ensurePrimaryPath(std::string_view tenant_id,
                                                 std::string_view conversation_id,
                                                 const WriteOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

}  // namespace strata
