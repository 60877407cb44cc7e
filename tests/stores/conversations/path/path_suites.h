// Every suite of the path store, to be instantiated per stack.
#pragma once

#include "tests/stores/conversations/path/path_branch_suite.h"
#include "tests/stores/conversations/path/path_change_suite.h"
#include "tests/stores/conversations/path/path_merge_rules_suite.h"
#include "tests/stores/conversations/path/path_merge_suite.h"
#include "tests/stores/conversations/path/path_suite.h"

// After WHERE a parameter generator, such as ::testing::Values(…).
#define STRATA_INSTANTIATE_PATH_SUITES(WHERE, ...)                           \
  INSTANTIATE_TEST_SUITE_P(WHERE, PathStoreSuite, __VA_ARGS__, nameOfStack); \
  INSTANTIATE_TEST_SUITE_P(WHERE, PathMergeSuite, __VA_ARGS__, nameOfStack)
