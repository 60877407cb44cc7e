// createClarifyStores on a PostgreSQL and a Redis: two processes that share nothing else.
#include "strata/testing/servers/local_servers.h"
#include "tests/stores/clarify/clarify_suites.h"

namespace strata {
namespace {

Config postgresAndRedis() {
  Config config;
  config.database_url = testing::sharedServers().postgres().url();
  config.cache_url = testing::sharedServers().redis().url();
  return config;
}

STRATA_INSTANTIATE_CLARIFY_SUITES(OnServers, ::testing::Values(ClarifyStack{
                                                 "PostgresCachingOverRedis", postgresAndRedis}));

}  // namespace
}  // namespace strata
