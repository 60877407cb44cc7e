// The options of the clients that a configuration asks for.
#pragma once

#include <string>

#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/adapters/upstash/upstash_cache.h"
#include "strata/base/circuit_breaker.h"
#include "strata/base/secret_source.h"
#include "strata/factories/config.h"

namespace strata::internal {

// What gives a secret instead of the configuration; null: nothing does.
struct SecretSources {
  SecretSource database_password;
  SecretSource cache_password;
};

// InvalidArgument: a secret comes from a source and from a file. Names both.
absl::Status checkSources(const Config& config, const SecretSources& sources);

// What `config` says of the database, over `defaults`.
PostgresOptions databaseOptions(const Config& config, const SecretSource& password,
                                PostgresOptions defaults = {});
// `check_key` and `node_breaker` as in RedisOptions.
RedisOptions redisOptions(const Config& config, const SecretSource& password, std::string check_key,
                          CircuitBreakerOptions node_breaker = {.name = "redis"});
UpstashOptions upstashOptions(const Config& config, const SecretSource& token);

}  // namespace strata::internal
