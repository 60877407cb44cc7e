// What tests ask of the plans that PostgreSQL makes for the statements of stores.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <sstream>
#include <string>

namespace strata {

// A statement is planned for its values, or for any.
inline constexpr const char* kPlanCacheModes[] = {"force_custom_plan", "force_generic_plan"};

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
