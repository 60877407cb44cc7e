// ClarifySessionStore: the sessions of users, and when they were spoken in. The messages are kept
// elsewhere; whoever keeps them notes each one here.
//
//   auto session = stores->sessions->create({.user_id = "ada", .title = "About the book"});
//   stores->sessions->noteMessage("ada", session->id);
//
// Not for: reading what a context shows; ContextSources::sessions has it cached.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/base/health.h"
#include "strata/store/options.h"
#include "strata/stores/clarify/clarify_session.h"

namespace strata {

struct SessionQuery {
  // None: of any status.
  std::optional<SessionStatus> status = {};
  // From 1 to 1000.
  std::int64_t limit = 50;
};

// Thread-safe. For users and errors see UserProfileStore; sessions are named by UUIDs.
class ClarifySessionStore {
 public:
  virtual ~ClarifySessionStore() = default;

  // An active one of no messages, under `session.id`, or a new UUID where that is empty, with
  // `session.title`. Counts UserProfile::total_clarify_sessions up.
  // AlreadyExists: the user has a session of that id; nothing was counted.
  virtual absl::StatusOr<ClarifySession> create(const ClarifySession& session,
                                                const WriteOptions& options = {}) = 0;

  // Answers the session as it is now. One that is archived stays as it is.
  virtual absl::StatusOr<ClarifySession> archive(std::string_view user_id,
                                                 std::string_view session_id,
                                                 const WriteOptions& options = {}) = 0;

  // Does not count the user's sessions down: that is how many there ever were.
  virtual absl::Status remove(std::string_view user_id, std::string_view session_id,
                              const WriteOptions& options = {}) = 0;

  // A message came: counts it and stamps `last_message_at`. Also of an archived session, which
  // stays archived. Answers the session as it is now.
  virtual absl::StatusOr<ClarifySession> noteMessage(std::string_view user_id,
                                                     std::string_view session_id,
                                                     const WriteOptions& options = {}) = 0;

  virtual absl::StatusOr<ClarifySession> get(std::string_view user_id, std::string_view session_id,
                                             const ReadOptions& options = {}) = 0;

  // Spoken in last first. None for a user that is not there.
  virtual absl::StatusOr<std::vector<ClarifySession>> list(std::string_view user_id,
                                                           const SessionQuery& query = {},
                                                           const ReadOptions& options = {}) = 0;

  virtual Health healthCheck() = 0;
};

}  // namespace strata
