#include "stores/clarify/context_sections.h"

#include <algorithm>
#include <string>
#include <utility>

#include "stores/clarify/context_text.h"

namespace strata::internal {
namespace {

constexpr std::size_t kCodePointsPerToken = 4;
constexpr std::string_view kEllipsis = "…";
constexpr std::string_view kBetweenSections = "\n\n";
// The last priority of which a part is better than nothing.
constexpr int kLastPriorityToCut = 2;
// A shorter rest says nothing.
constexpr std::size_t kLeastToKeep = 50;
// Bytes of one item of a section, more or less.
constexpr std::size_t kTypicalItem = 160;

std::size_t tokensFor(std::size_t code_points) {
  return (code_points + kCodePointsPerToken - 1) / kCodePointsPerToken;
}

ContextSection section(ContextSource source, std::string_view title, int priority,
                       std::size_t items) {
  ContextSection made{
      .source = source, .title = std::string(title), .priority = priority, .text = {}, .tokens = 0};
  made.text.reserve(title.size() + items * kTypicalItem);
  made.text = title;
  return made;
}

void beginItem(std::string& text) { text += "\n- "; }

std::string_view nameOf(PatternType type) {
  switch (type) {
    case PatternType::kRecurringTheme:
      return "recurring theme";
    case PatternType::kValue:
      return "value";
    case PatternType::kStrength:
      return "strength";
    case PatternType::kBlocker:
      return "blocker";
  }
  return "";
}

std::string_view nameOf(ReflectionTone tone) {
  switch (tone) {
    case ReflectionTone::kGentle:
      return "gentle";
    case ReflectionTone::kIntense:
      return "intense";
    case ReflectionTone::kFusion:
      return "fusion";
  }
  return "";
}

std::string_view nameOf(UserTier tier) {
  switch (tier) {
    case UserTier::kFree:
      return "free";
    case UserTier::kPro:
      return "pro";
    case UserTier::kUnlimited:
      return "unlimited";
  }
  return "";
}

// "2026-01-31", in UTC.
std::string dateOf(Timestamp time) { return formatTimestamp(time).substr(0, 10); }

}  // namespace

std::optional<ContextSection> sectionOf(const UserProfile& user) {
  ContextSection made = section(ContextSource::kUser, "[User Context]", 1, 1);
  if (user.name) {
    made.text += "\nName: ";
    appendOnOneLine(made.text, *user.name);
  }
  made.text.append("\nTier: ").append(nameOf(user.tier));
  made.text.append("\nReflections: ").append(std::to_string(user.total_reflections));
  made.text.append("\nClarify sessions: ").append(std::to_string(user.total_clarify_sessions));
  return made;
}

std::optional<ContextSection> sectionOf(const ActiveDreams& dreams) {
  if (dreams.dreams.empty()) return std::nullopt;
  ContextSection made = section(ContextSource::kDreams, "[Active Dreams]", 2, dreams.dreams.size());
  for (const Dream& dream : dreams.dreams) {
    beginItem(made.text);
    appendOnOneLine(made.text, dream.title);
    if (dream.category) {
      made.text += " (";
      appendOnOneLine(made.text, *dream.category);
      made.text += ')';
    }
    if (dream.description) {
      made.text += ": ";
      appendOnOneLine(made.text, *dream.description);
    }
  }
  return made;
}

std::optional<ContextSection> sectionOf(const ObservedPatterns& patterns) {
  if (patterns.patterns.empty()) return std::nullopt;
  ContextSection made =
      section(ContextSource::kPatterns, "[Patterns Observed]", 2, patterns.patterns.size());
  for (const ClarifyPattern& pattern : patterns.patterns) {
    beginItem(made.text);
    made.text.append(nameOf(pattern.pattern_type)).append(" (");
    made.text.append(std::to_string(pattern.strength)).append("/10): ");
    appendOnOneLine(made.text, pattern.content);
  }
  return made;
}

std::optional<ContextSection> sectionOf(const RecentSessions& sessions,
                                        std::string_view current_session_id) {
  ContextSection made =
      section(ContextSource::kSessions, "[Recent Conversations]", 3, sessions.sessions.size());
  int shown = 0;
  for (const ClarifySession& session : sessions.sessions) {
    if (session.id == current_session_id) continue;
    if (++shown > RecentSessions::kShown) break;
    beginItem(made.text);
    appendOnOneLine(made.text, session.title);
    made.text.append(" (").append(std::to_string(session.message_count));
    made.text.append(session.message_count == 1 ? " message" : " messages");
    made.text.append(", last on ").append(dateOf(session.last_message_at)).append(")");
  }
  return shown == 0 ? std::nullopt : std::optional(std::move(made));
}

std::optional<ContextSection> sectionOf(const RecentReflections& reflections) {
  if (reflections.reflections.empty()) return std::nullopt;
  ContextSection made = section(ContextSource::kReflections, "[Recent Reflections]", 4,
                                reflections.reflections.size());
  for (const Reflection& reflection : reflections.reflections) {
    beginItem(made.text);
    made.text.append(nameOf(reflection.tone)).append(", on ").append(dateOf(reflection.created_at));
  }
  return made;
}

namespace {

// Makes a section as long as `room` code points, the ellipsis among them; false: too little would
// be left.
bool cut(ContextSection& section, std::size_t room) {
  if (room <= kLeastToKeep) return false;
  section.text = std::string(prefix(section.text, room - 1)).append(kEllipsis);
  section.is_cut = true;
  return true;
}

// Whether it fits, cut if need be.
bool fit(ContextSection& section, std::size_t used, std::size_t max_tokens, bool is_first) {
  const std::size_t before = is_first ? 0 : kBetweenSections.size();
  const std::size_t left = max_tokens - used;
  section.tokens = tokensFor(before + codePoints(section.text));
  if (section.tokens <= left) return true;
  const bool is_worth_it = section.priority <= kLastPriorityToCut && used * 10 < max_tokens * 9;
  const std::size_t room = left * kCodePointsPerToken;
  if (!is_worth_it || room <= before || !cut(section, room - before)) return false;
  section.tokens = left;
  return true;
}

}  // namespace

void fitInto(BuiltContext& context, std::vector<ContextSection> sections, std::size_t max_tokens) {
  if (!std::ranges::is_sorted(sections, {}, &ContextSection::priority)) {
    std::ranges::stable_sort(sections, {}, &ContextSection::priority);
  }
  std::size_t bytes = 0;
  for (const ContextSection& section : sections) {
    bytes += section.text.size() + kBetweenSections.size();
  }
  context.text.reserve(bytes);
  context.sections.reserve(sections.size());
  for (ContextSection& section : sections) {
    const bool is_first = context.sections.empty();
    if (!fit(section, context.tokens, max_tokens, is_first)) {
      context.left_out.push_back(section.source);
      continue;
    }
    if (!is_first) context.text += kBetweenSections;
    context.text += section.text;
    context.tokens += section.tokens;
    context.sections.push_back(std::move(section));
  }
}

}  // namespace strata::internal

namespace strata {

std::size_t estimateTokens(std::string_view text) {
  return internal::tokensFor(internal::codePoints(text));
}

}  // namespace strata
