// createPathStore on real servers.
#include "tests/factories/conversation_server_stacks.h"
#include "tests/stores/path_suites.h"

namespace strata {
namespace {

STRATA_INSTANTIATE_PATH_SUITES(OnServers, ::testing::Values(onPostgres(), onPostgresAndLru(),
                                                            onPostgresAndRedis()));

}  // namespace
}  // namespace strata
