#include "factories/backend_options.h"

#include <string>
#include <utility>

namespace strata::internal {
namespace {

SecretSource sourceOf(const SecretSource& given, const std::string& file) {
  if (given != nullptr || file.empty()) return given;
  return secretFile(file);
}

}  // namespace

absl::Status checkSources(const Config& config, const SecretSources& sources) {
  if (sources.database_password != nullptr && !config.database_password_file.empty()) {
    return absl::InvalidArgumentError(
        "DATABASE_PASSWORD_FILE and ConnectOptions::database_password both give a password: set "
        "one of them");
  }
  if (sources.cache_password != nullptr && !config.cache_password_file.empty()) {
    return absl::InvalidArgumentError(
        "REDIS_PASSWORD_FILE and ConnectOptions::cache_password both give a password: set one of "
        "them");
  }
  return absl::OkStatus();
}

PostgresOptions databaseOptions(const Config& config, const SecretSource& password,
                                PostgresOptions defaults) {
  PostgresOptions options = withPoolConfig(std::move(defaults), config.database_pool);
  options.url = config.database_url;
  options.direct_url = config.database_direct_url;
  const SecretSource& given = password != nullptr ? password : options.password;
  options.password = sourceOf(given, config.database_password_file);
  return options;
}

RedisOptions redisOptions(const Config& config, const SecretSource& password, std::string check_key,
                          CircuitBreakerOptions node_breaker) {
  return {.url = config.cache_url,
          .password = config.cache_password,
          .password_source = sourceOf(password, config.cache_password_file),
          .check_key = std::move(check_key),
          .node_breaker = std::move(node_breaker)};
}

UpstashOptions upstashOptions(const Config& config, const SecretSource& token) {
  return {.url = config.cache_url,
          .token = config.cache_password,
          .token_source = sourceOf(token, config.cache_password_file)};
}

}  // namespace strata::internal
