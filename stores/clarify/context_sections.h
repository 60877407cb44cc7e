#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "strata/stores/clarify/context_builder.h"

namespace strata::internal {

// What a list looks like in a context; none where it is empty. Text of users stands on one line: no
// line of it can pass for a title.
std::optional<ContextSection> sectionOf(const UserProfile& user);
std::optional<ContextSection> sectionOf(const ActiveDreams& dreams);
std::optional<ContextSection> sectionOf(const ObservedPatterns& patterns);
std::optional<ContextSection> sectionOf(const RecentSessions& sessions,
                                        std::string_view current_session_id);
std::optional<ContextSection> sectionOf(const RecentReflections& reflections);

// Fills in text, sections, tokens and left_out with what of `sections` fits: by priority, those of
// one priority in the order given. One that does not fit is cut to what remains where its priority
// is at most 2, less than 90 % of the budget is used, and more than 50 code points of it are left;
// a later, smaller one may still fit.
void fitInto(BuiltContext& context, std::vector<ContextSection> sections, std::size_t max_tokens);

}  // namespace strata::internal
