// createPathStore on real servers.
#include "tests/stores/conversations/conversation/conversation_server_stacks.h"
#include "tests/stores/conversations/path/path_suites.h"

namespace strata {
namespace {

STRATA_INSTANTIATE_PATH_SUITES(OnServers, ::testing::Values(onPostgres(), onPostgresAndLru(),
                                                            onPostgresAndRedis()));

}  // namespace
}  // namespace strata
