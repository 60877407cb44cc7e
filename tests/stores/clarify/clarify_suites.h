// Every suite of the context platform's stores, to be instantiated per stack.
#pragma once

#include "tests/stores/clarify/clarify_cache_suite.h"
#include "tests/stores/clarify/clarify_patterns_suite.h"
#include "tests/stores/clarify/clarify_records_suite.h"
#include "tests/stores/clarify/clarify_sessions_suite.h"
#include "tests/stores/clarify/clarify_sources_suite.h"

// After WHERE a parameter generator, such as ::testing::Values(…).
#define STRATA_INSTANTIATE_CLARIFY_SUITES(WHERE, ...)                              \
  INSTANTIATE_TEST_SUITE_P(WHERE, ClarifyRecordsSuite, __VA_ARGS__, nameOfStack);  \
  INSTANTIATE_TEST_SUITE_P(WHERE, ClarifyPatternsSuite, __VA_ARGS__, nameOfStack); \
  INSTANTIATE_TEST_SUITE_P(WHERE, ClarifySessionsSuite, __VA_ARGS__, nameOfStack); \
  INSTANTIATE_TEST_SUITE_P(WHERE, ClarifySourcesSuite, __VA_ARGS__, nameOfStack);  \
  INSTANTIATE_TEST_SUITE_P(WHERE, ClarifyCacheSuite, __VA_ARGS__, nameOfStack)
