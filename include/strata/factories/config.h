// Config: what an application says once about its backends, usually from the environment.
//
//   absl::StatusOr<Config> config = configFromEnv();
//
// docs/configuration.md lists every variable. Neither DATABASE_URL nor REDIS_URL set: everything is
// kept in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/adapters/postgres/database_pool_config.h"
#include "strata/base/secret.h"

namespace strata {

// kAuto: told from the cache's URL (`https://` is Upstash, `redis://` and the like Redis, none is
// in-process memory).
enum class CacheProvider : std::uint8_t { kAuto, kRedis, kUpstash, kMemory, kNone };
// kAuto: the cache's server if it is a Redis, else the database, else in process.
enum class EventHubProvider : std::uint8_t { kAuto, kRedis, kUpstash, kPostgres, kMemory };
enum class RateLimitProvider : std::uint8_t { kAuto, kRedis, kUpstash, kMemory };

std::string_view toString(CacheProvider provider);

// What concerns the stores of the conversation platform alone (include/strata/stores/) and the
// validation cache. A program that has none of them leaves it as it is.
struct DomainConfig {
  // How long the cached copies of each store live.
  absl::Duration auth_ttl = absl::Seconds(300);         // CACHE_TTL_AUTH_SECONDS
  absl::Duration policy_ttl = absl::Seconds(300);       // CACHE_TTL_POLICY_SECONDS
  absl::Duration config_ttl = absl::Seconds(300);       // CACHE_TTL_CONFIG_SECONDS
  absl::Duration conversation_ttl = absl::Seconds(60);  // CACHE_TTL_CONVERSATION_SECONDS

  bool enable_policy_cache = true;               // ENABLE_LLM_POLICY_CACHE
  bool enable_conversation_config_cache = true;  // ENABLE_CONVERSATION_CONFIG_CACHE
  bool enable_conversation_cache = false;        // ENABLE_CONVERSATION_CACHING
  bool enable_auth_validation_cache = true;      // ENABLE_AUTH_VALIDATION_CACHE

  // Whether PostgreSQL itself keeps the tenants of conversations apart, by row-level security.
  // Costs a transaction and one statement more with every call. ENABLE_ROW_LEVEL_SECURITY
  bool enable_row_level_security = false;

  // The schema of PostgreSQL that has the tables of these stores, so that none of their names (users,
  // messages, …) is one of the application's. It is created where it is missing and the role may;
  // else the role needs USAGE on it. 1 to 63 lower-case letters, digits and '_', of which the first
  // is no digit; not pg_… and not information_schema. All processes of one deployment have the same,
  // for it is part of the keys of cached copies. In memory it keeps the data apart as well. Empty:
  // where search_path leads. DOMAIN_SCHEMA
  std::string schema;
};

struct Config {
  // The name of this application, the first part of its keys and channels: see app.h, which says
  // what works without, and checkApp. STRATA_APP
  std::string app;

  Secret database_url;  // DATABASE_URL: postgresql://user:password@host:port/name
  // The same database without a pooler in between. What its URL says of the pool does not count.
  Secret database_direct_url;  // DATABASE_DIRECT_URL
  // A file with the password of the database, instead of one in the URL: read for each new
  // connection, so that the password may be changed while the program runs.
  std::string database_password_file;  // DATABASE_PASSWORD_FILE
  DatabasePoolConfig database_pool;    // DATABASE_POOL_… and DATABASE_PREPARE_STATEMENTS

  // URL and secret come from one family of variables: REDIS_URL with REDIS_PASSWORD (or
  // REDIS_TOKEN) or REDIS_PASSWORD_FILE; UPSTASH_REDIS_REST_URL with UPSTASH_REDIS_REST_TOKEN.
  Secret cache_url;
  // The password of Redis where the URL has none, or the bearer token of a REST cache.
  Secret cache_password;
  // A file with it, instead: as database_password_file.
  std::string cache_password_file;
  CacheProvider cache_provider = CacheProvider::kAuto;               // CACHE_PROVIDER
  EventHubProvider event_hub_provider = EventHubProvider::kAuto;     // EVENT_HUB_PROVIDER
  RateLimitProvider rate_limit_provider = RateLimitProvider::kAuto;  // RATE_LIMIT_PROVIDER

  // The kill switch of every cache that is a server of its own: with it off no connection to one is
  // ever opened.
  bool enable_redis_caching = true;       // ENABLE_REDIS_CACHING
  bool enable_redis_rate_limiter = true;  // ENABLE_RATE_LIMITER_REDIS
  bool enable_redis_event_hubs = true;    // ENABLE_REDIS_EVENT_HUBS

  DomainConfig domain;

  // kAuto resolved by the URL.
  CacheProvider cacheProvider() const;
  // The same, and kMemory where the switch of the rate limiter's server is off.
  RateLimitProvider rateLimitProvider() const;
  // The same for event hubs: a Redis server unless its switch is off, else the database, else a REST
  // server unless the switch is off, else this process where neither URL is set. None: the only
  // server is switched off.
  std::optional<EventHubProvider> eventHubProvider() const;
};

// Ok, or one InvalidArgument that names everything that is wrong or contradicts itself, each by the
// name of its variable, and no value of a secret.
absl::Status validate(const Config& config);

// The value of an environment variable; none when it is not set. An exception of it is Internal.
using Environment = std::function<std::optional<std::string>(const char* name)>;

// Config from environment variables; one that is not set, or empty, keeps its default. Where both
// families of the cache's variables are set, CACHE_PROVIDER chooses, else REDIS_URL is used, and a
// warning is logged. One InvalidArgument names every variable that does not parse, every file that
// cannot be read, and everything `validate` finds.
absl::StatusOr<Config> configFromEnv();
absl::StatusOr<Config> configFromEnv(const Environment& environment);

}  // namespace strata
