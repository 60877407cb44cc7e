// createContextStore on a PostgreSQL.
#include "tests/stores/conversations/context/context_store_suite.h"

namespace strata {
namespace {

INSTANTIATE_TEST_SUITE_P(OnServers, ContextStoreSuite, ::testing::Values(postgresStack()),
                         nameOfStack);

}  // namespace
}  // namespace strata
