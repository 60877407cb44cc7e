#pragma once

#include <string_view>
#include <tuple>
#include <variant>

#include "strata/stores/clarify/clarify_pattern.h"
#include "strata/stores/clarify/clarify_session.h"
#include "strata/stores/clarify/dream.h"
#include "strata/stores/clarify/reflection.h"

namespace strata::internal {

// What is known of each kind of record that users have: where its rows are among ClarifyTables,
// what errors call a record and its id, the order of its lists (in SQL, and as a rank of which the
// greatest comes first) and which ones a context shows.
template <typename T>
struct ClarifyKind;

template <>
struct ClarifyKind<Dream> {
  using Status = DreamStatus;
  static auto& rows(auto& tables) { return tables.dreams(); }
  static constexpr const char* name = "dream";
  static constexpr const char* id_name = "dream_id";
  static constexpr std::string_view table = "dreams";
  static constexpr std::string_view order = "updated_at DESC, id DESC";
  static constexpr std::string_view shown = "status = 'active'";
  static constexpr int shown_limit = ActiveDreams::kLimit;
  static auto rank(const Dream& dream) { return std::tie(dream.updated_at, dream.id); }
  static bool isShown(const Dream& dream) { return dream.status == DreamStatus::kActive; }
};

template <>
struct ClarifyKind<ClarifyPattern> {
  using Status = std::monostate;  // it has none
  static auto& rows(auto& tables) { return tables.patterns(); }
  static constexpr std::string_view table = "clarify_patterns";
  static constexpr std::string_view order = "strength DESC, created_at DESC, id DESC";
  static constexpr std::string_view shown = "strength >= 3";
  static_assert(ObservedPatterns::kMinStrength == 3);
  static constexpr int shown_limit = ObservedPatterns::kLimit;
  static auto rank(const ClarifyPattern& pattern) {
    return std::tie(pattern.strength, pattern.created_at, pattern.id);
  }
  static bool isShown(const ClarifyPattern& pattern) {
    return pattern.strength >= ObservedPatterns::kMinStrength;
  }
};

template <>
struct ClarifyKind<ClarifySession> {
  using Status = SessionStatus;
  static auto& rows(auto& tables) { return tables.sessions(); }
  static constexpr const char* name = "session";
  static constexpr const char* id_name = "session_id";
  static constexpr std::string_view table = "clarify_sessions";
  static constexpr std::string_view order = "last_message_at DESC, id DESC";
  static constexpr std::string_view shown = "status = 'active'";
  static constexpr int shown_limit = RecentSessions::kLimit;
  static auto rank(const ClarifySession& session) {
    return std::tie(session.last_message_at, session.id);
  }
  static bool isShown(const ClarifySession& session) {
    return session.status == SessionStatus::kActive;
  }
};

template <>
struct ClarifyKind<Reflection> {
  using Status = std::monostate;  // it has none
  static auto& rows(auto& tables) { return tables.reflections(); }
  static constexpr const char* name = "reflection";
  static constexpr std::string_view table = "reflections";
  static constexpr std::string_view order = "created_at DESC, id DESC";
  static constexpr std::string_view shown = "true";
  static constexpr int shown_limit = RecentReflections::kLimit;
  static auto rank(const Reflection& reflection) {
    return std::tie(reflection.created_at, reflection.id);
  }
  static bool isShown(const Reflection&) { return true; }
};

}  // namespace strata::internal
