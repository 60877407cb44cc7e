// What tests ask of the plans that PostgreSQL makes for the statements of stores.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <regex>
#include <sstream>
#include <string>

namespace strata {

// How statements are planned.
struct PlanMode {
  // For their values, or for any.
  const char* cache = "force_generic_plan";
  // For a role that does not own the tables, and whose rows are those that policies show it.
  bool has_policies = false;

  std::string name() const { return std::string(cache) + (has_policies ? "_policies" : ""); }
};
inline void PrintTo(const PlanMode& mode, std::ostream* out) { *out << mode.name(); }

inline constexpr PlanMode kPlanModes[] = {{.cache = "force_custom_plan"},
                                          {.cache = "force_generic_plan"}};
inline constexpr PlanMode kAllPlanModes[] = {{.cache = "force_custom_plan"},
                                             {.cache = "force_generic_plan"},
                                             {.cache = "force_custom_plan", .has_policies = true},
                                             {.cache = "force_generic_plan", .has_policies = true}};
inline constexpr PlanMode kKeptPlanModes[] = {{}, {.has_policies = true}};

// The role of PlanMode::has_policies, with the right to read and write what there is in public.
inline constexpr const char* kMakeBoundRole =
    "CREATE ROLE bound LOGIN PASSWORD 'bound';"
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO bound;"
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO bound";
inline std::string urlOfBoundRole(std::string url) {
  return url.replace(0, url.find('@'), "postgresql://bound:bound");
}

// `plans` has plans, and none of them goes through a whole table.
inline void expectNoScan(const std::string& what, const std::string& plans) {
  EXPECT_THAT(plans, ::testing::HasSubstr("(cost=")) << what;
  EXPECT_THAT(plans, ::testing::Not(::testing::HasSubstr("Seq Scan"))) << what << "\n" << plans;
}

// The greatest number that `pattern` finds in it; 0 where it finds none.
inline int most(const std::string& plans, const char* pattern) {
  const std::regex number(pattern);
  int most = 0;
  for (std::sregex_iterator at(plans.begin(), plans.end(), number), end; at != end; ++at) {
    most = std::max(most, std::stoi((*at)[1]));
  }
  return most;
}

// What the planner expected of the first plan, "(cost=0.14..8.16 rows=1 width=370)": the same as
// long as the plan is.
inline std::string costOf(const std::string& plans) {
  const std::size_t start = plans.find("(cost=");
  return start == std::string::npos ? "" : plans.substr(start, plans.find(')', start) - start + 1);
}

// How many rows all steps of all plans have met, again and again where a step is repeated.
inline double rowsMet(const std::string& plans) {
  const std::regex step("actual rows=(\\d+) loops=(\\d+)");
  const std::regex removed("Rows Removed by [A-Za-z ]*: (\\d+)");
  std::istringstream lines(plans);
  double met = 0;
  double loops = 0;
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (std::regex_search(line, found, step)) {
      loops = std::stod(found[2]);
      met += std::stod(found[1]) * loops;
    } else if (std::regex_search(line, found, removed)) {
      met += std::stod(found[1]) * loops;
    }
  }
  return met;
}

}  // namespace strata
