// What tests ask of the plans that PostgreSQL makes for the statements of stores.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
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

}  // namespace strata
