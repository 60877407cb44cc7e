// Every suite of the conversation store, to be instantiated per stack.
#pragma once

#include "tests/stores/conversations/conversation/conversation_access_suite.h"
#include "tests/stores/conversations/conversation/conversation_cache_suite.h"
#include "tests/stores/conversations/conversation/conversation_calls_suite.h"
#include "tests/stores/conversations/conversation/conversation_compaction_suite.h"
#include "tests/stores/conversations/conversation/conversation_list_suite.h"
#include "tests/stores/conversations/conversation/conversation_message_suite.h"
#include "tests/stores/conversations/conversation/conversation_refusal_suite.h"
#include "tests/stores/conversations/conversation/conversation_suite.h"
#include "tests/stores/conversations/conversation/conversation_unit_suite.h"

// After WHERE a parameter generator, such as ::testing::Values(…).
#define STRATA_INSTANTIATE_CONVERSATION_SUITES(WHERE, ...)                                \
  INSTANTIATE_TEST_SUITE_P(WHERE, ConversationStoreSuite, __VA_ARGS__, nameOfStack);      \
  INSTANTIATE_TEST_SUITE_P(WHERE, ConversationListSuite, __VA_ARGS__, nameOfStack);       \
  INSTANTIATE_TEST_SUITE_P(WHERE, ConversationCompactionSuite, __VA_ARGS__, nameOfStack); \
  INSTANTIATE_TEST_SUITE_P(WHERE, ConversationAccessSuite, __VA_ARGS__, nameOfStack);     \
  INSTANTIATE_TEST_SUITE_P(WHERE, ConversationRefusalSuite, __VA_ARGS__, nameOfStack);    \
  INSTANTIATE_TEST_SUITE_P(WHERE, ConversationCallsSuite, __VA_ARGS__, nameOfStack);      \
  INSTANTIATE_TEST_SUITE_P(WHERE, ConversationUnitSuite, __VA_ARGS__, nameOfStack)
