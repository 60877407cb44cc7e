// ClarifySession: a conversation in which a user makes something clear to themselves.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/timestamp.h"
#include "strata/records/entity.h"
#include "strata/records/text_limits.h"

namespace strata {

enum class SessionStatus : std::uint8_t { kActive, kArchived };
BOOST_DESCRIBE_ENUM(SessionStatus, kActive, kArchived)

struct ClarifySession {
  std::string id;  // a UUID
  std::string user_id;
  std::string title;
  SessionStatus status = SessionStatus::kActive;
  // When the last message came; when it was created, before the first one.
  Timestamp last_message_at;
  std::int64_t message_count = 0;
  Timestamp created_at;

  friend bool operator==(const ClarifySession&, const ClarifySession&) = default;
};
BOOST_DESCRIBE_STRUCT(ClarifySession, (),
                      (user_id, id, title, status, last_message_at, message_count, created_at))

// What a context shows of a user's sessions: the active ones, spoken in last first. One more than
// shown, since the one that the context is built for is left out after the read.
struct RecentSessions {
  static constexpr int kShown = 3;
  static constexpr int kLimit = kShown + 1;

  std::string user_id;
  std::vector<ClarifySession> sessions;

  friend bool operator==(const RecentSessions&, const RecentSessions&) = default;
};
BOOST_DESCRIBE_STRUCT(RecentSessions, (), (user_id, sessions))

template <>
struct Entity<RecentSessions> {
  static constexpr auto table = "recent_sessions";
  static constexpr KeySpace keys{"ctx", "sessions"};
  static constexpr std::array<std::string_view, 1> key_columns{"user_id"};
  static Id id(const RecentSessions& sessions) { return sessions.user_id; }
};

template <>
struct TextLimits<ClarifySession> {
  static constexpr std::array<TextLimit, 1> all{{{"title", kMaxName}}};
};

}  // namespace strata
