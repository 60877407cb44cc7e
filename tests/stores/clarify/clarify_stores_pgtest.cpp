// createClarifyStores on a PostgreSQL.
#include "strata/testing/servers/local_servers.h"
#include "tests/stores/clarify/clarify_suites.h"

namespace strata {
namespace {

Config postgres() {
  Config config;
  config.database_url = testing::sharedServers().postgres().url();
  return config;
}

// Both stores of the suite's two processes share the cache in the memory of this one.
Config postgresAndLru() {
  Config config = postgres();
  config.cache_provider = CacheProvider::kMemory;
  return config;
}

// Every statement names the schema: there is no table where search_path leads.
Config inSchema() {
  static const std::string url =
      *testing::sharedServers().postgres().createDatabase("clarify_in_schema");
  Config config = postgresAndLru();
  config.database_url = url;
  config.domain.schema = "clarify";
  return config;
}

STRATA_INSTANTIATE_CLARIFY_SUITES(OnServers,
                                  ::testing::Values(ClarifyStack{"Postgres", postgres},
                                                    ClarifyStack{"PostgresCachingOverLru",
                                                                 postgresAndLru},
                                                    ClarifyStack{"PostgresInSchema", inSchema}));

}  // namespace
}  // namespace strata
