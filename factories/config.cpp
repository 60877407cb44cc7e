#include "strata/factories/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <iterator>
#include <set>
#include <vector>

#include "adapters/postgres/client/conninfo.h"
#include "adapters/postgres/client/pool_config.h"
#include "adapters/redis/client/url.h"
#include "adapters/upstash/url.h"
#include "src/base/url.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/logging.h"
#include "strata/base/secret_source.h"
#include "strata/records/key_space.h"

namespace strata {
namespace {

template <typename E>
struct Named {
  std::string_view name;
  E value;
};

constexpr std::array<Named<CacheProvider>, 5> kCacheProviders{{{"auto", CacheProvider::kAuto},
                                                               {"redis", CacheProvider::kRedis},
                                                               {"upstash", CacheProvider::kUpstash},
                                                               {"memory", CacheProvider::kMemory},
                                                               {"none", CacheProvider::kNone}}};
constexpr std::array<Named<EventHubProvider>, 5> kEventHubProviders{
    {{"auto", EventHubProvider::kAuto},
     {"redis", EventHubProvider::kRedis},
     {"upstash", EventHubProvider::kUpstash},
     {"postgres", EventHubProvider::kPostgres},
     {"memory", EventHubProvider::kMemory}}};
constexpr std::array<Named<RateLimitProvider>, 4> kRateLimitProviders{
    {{"auto", RateLimitProvider::kAuto},
     {"redis", RateLimitProvider::kRedis},
     {"upstash", RateLimitProvider::kUpstash},
     {"memory", RateLimitProvider::kMemory}}};

constexpr std::array<Named<PrepareStatements>, 3> kPrepareStatements{
    {{"on", PrepareStatements::kOn},
     {"off", PrepareStatements::kOff},
     {"auto", PrepareStatements::kAuto}}};

bool startsWithAny(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

bool isRestUrl(std::string_view url) { return startsWithAny(url, {"https://", "http://"}); }
std::string lowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Reads variables into a Config and collects everything that is wrong with them.
class Reader {
 public:
  explicit Reader(const Environment& environment) : environment_(environment) {}

  void secret(Secret& out, const char* name) {
    if (auto value = get(name)) out = *std::move(value);
  }

  bool isSet(const char* name) { return get(name).has_value(); }

  void text(std::string& out, const char* name) {
    if (auto value = get(name)) out = *std::move(value);
  }

  void boolean(bool& out, const char* name) {
    const auto value = get(name);
    if (!value) return;
    const std::string word = lowerCase(*value);
    const bool is_true = word == "true" || word == "1" || word == "yes" || word == "on";
    const bool is_false = word == "false" || word == "0" || word == "no" || word == "off";
    if (!is_true && !is_false) return refuse(name, "must be true or false");
    out = is_true;
  }

  void seconds(absl::Duration& out, const char* name) {
    const auto value = get(name);
    if (!value) return;
    std::int32_t number = 0;
    const char* end = value->data() + value->size();
    const auto [parsed, error] = std::from_chars(value->data(), end, number);
    if (error != std::errc() || parsed != end || number <= 0) {
      return refuse(name, "must be a whole number of seconds above zero");
    }
    out = absl::Seconds(number);
  }

  void number(DatabasePoolConfig& out, const postgres::PoolNumber& field) {
    const auto value = get(field.variable);
    if (value && !field.read(*value, out)) refuse(field.variable, field.requirement());
  }

  // A file with a secret. It is only tried: what it holds may change.
  void file(std::string& out, const char* name) {
    text(out, name);
    if (out.empty()) return;
    const auto tried = secretFile(out)();
    if (!tried.ok())
      refuse(name, fmt::format("names a file: {}", std::string(tried.status().message())));
  }

  template <typename Out, typename E, std::size_t N>
  void choice(Out& out, const char* name, const std::array<Named<E>, N>& choices) {
    const auto value = get(name);
    if (!value) return;
    const std::string word = lowerCase(*value);
    std::vector<std::string_view> names;
    for (const Named<E>& choice : choices) {
      if (choice.name == word) {
        out = choice.value;
        return;
      }
      names.push_back(choice.name);
    }
    refuse(name, fmt::format("must be one of {}", fmt::join(names, ", ")));
  }

  void refuse(std::string_view name, std::string_view why) {
    problems.push_back(fmt::format("{} {}", name, why));
  }

  std::vector<std::string> problems;

 private:
  // Without white space at its ends, which is refused.
  std::optional<std::string> get(const char* name) {
    const auto value = environment_(name);
    if (!value) return std::nullopt;
    const std::string_view text = internal::trimmed(*value);
    if (text.size() != value->size() && refused_.insert(name).second) {
      refuse(name, internal::kOuterWhiteSpace);
    }
    return text.empty() ? std::nullopt : std::optional<std::string>(text);
  }

  const Environment& environment_;
  std::set<std::string_view> refused_;
};

// ---- The two families of variables for the cache ----

constexpr const char* kRedisUrl = "REDIS_URL";
constexpr const char* kRedisPassword = "REDIS_PASSWORD";
constexpr const char* kRedisToken = "REDIS_TOKEN";
constexpr const char* kRedisPasswordFile = "REDIS_PASSWORD_FILE";
constexpr const char* kRestUrl = "UPSTASH_REDIS_REST_URL";
constexpr const char* kRestToken = "UPSTASH_REDIS_REST_TOKEN";

// By which variables errors call what a Config says of the cache.
struct CacheVariables {
  std::string_view url = kRedisUrl;
  std::string_view password = kRedisPassword;
};

// What is set of the family that is not used. Its secret must not reach the other's server.
void warnOfLeftovers(Reader& read, std::initializer_list<const char*> others, const char* other_url,
                     const char* used_url) {
  std::vector<std::string_view> set;
  std::copy_if(others.begin(), others.end(), std::back_inserter(set),
               [&](const char* name) { return read.isSet(name); });
  if (set.empty()) return;
  const std::string why = read.isSet(used_url) ? fmt::format("{} is set", used_url)
                                               : fmt::format("{} is not set", other_url);
  log(Severity::kWarning, "strata.config.ignored",
      {{"variables", fmt::format("{}", fmt::join(set, ","))}, {"why", why}});
}

CacheVariables readRedisFamily(Reader& read, Config& config) {
  CacheVariables names;
  read.secret(config.cache_url, kRedisUrl);
  Secret token;
  read.secret(config.cache_password, kRedisPassword);
  read.secret(token, kRedisToken);
  if (config.cache_password.empty() && !token.empty()) {
    config.cache_password = token;
    names.password = kRedisToken;
  } else if (!token.empty() && token != config.cache_password) {
    read.refuse(kRedisPassword, "and its alias REDIS_TOKEN differ: set one of them");
  }
  read.file(config.cache_password_file, kRedisPasswordFile);
  warnOfLeftovers(read, {kRestUrl, kRestToken}, kRestUrl, kRedisUrl);
  return names;
}

CacheVariables readRestFamily(Reader& read, Config& config) {
  read.secret(config.cache_url, kRestUrl);
  read.secret(config.cache_password, kRestToken);
  if (!config.cache_url.empty() && !isRestUrl(config.cache_url.reveal())) {
    read.refuse(kRestUrl, "must begin with https:// (a redis:// URL belongs into REDIS_URL)");
  }
  warnOfLeftovers(read, {kRedisUrl, kRedisPassword, kRedisToken, kRedisPasswordFile}, kRedisUrl,
                  kRestUrl);
  return {.url = kRestUrl, .password = kRestToken};
}

CacheVariables readCache(Reader& read, Config& config) {
  const bool has_redis = read.isSet(kRedisUrl);
  const bool has_rest = read.isSet(kRestUrl);
  const bool wants_rest = config.cache_provider == CacheProvider::kUpstash;
  const bool takes_rest = wants_rest ? has_rest || !has_redis : has_rest && !has_redis;
  const CacheVariables names =
      takes_rest ? readRestFamily(read, config) : readRedisFamily(read, config);
  const bool has_secret = !config.cache_password.empty() || !config.cache_password_file.empty();
  if (config.cacheProvider() == CacheProvider::kUpstash && !has_secret) {
    read.refuse(names.password,
                fmt::format("is not set, but a REST cache needs a token, of the same family of "
                            "variables as {}",
                            names.url));
  }
  return names;
}

absl::Status toStatus(const std::vector<std::string>& problems) {
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("invalid configuration: {}", fmt::join(problems, "; ")));
}

using Problems = std::vector<std::string>;

void checkWhiteSpace(std::string_view text, std::string_view variable, Problems& problems) {
  if (internal::trimmed(text) == text) return;
  problems.push_back(fmt::format("{} {}", variable, internal::kOuterWhiteSpace));
}

void checkDatabaseUrl(const Secret& url, const Config& config, std::string_view variable,
                      Problems& problems) {
  if (url.empty()) return;
  const auto info = postgres::readConnInfo(url, PostgresOptions{}.connect_timeout);
  if (!info.ok()) {
    problems.push_back(fmt::format("{}: {}", variable, std::string(info.status().message())));
  } else if (!startsWithAny(url.reveal(), {"postgresql://", "postgres://"})) {
    problems.push_back(fmt::format("{} must begin with postgresql://", variable));
  } else if (info->has_password && !config.database_password_file.empty()) {
    problems.push_back(fmt::format(
        "{} holds a password, and DATABASE_PASSWORD_FILE is set: set one of them", variable));
  }
}

void checkDatabase(const Config& config, Problems& problems) {
  checkDatabaseUrl(config.database_url, config, "DATABASE_URL", problems);
  checkDatabaseUrl(config.database_direct_url, config, "DATABASE_DIRECT_URL", problems);
  checkWhiteSpace(config.database_password_file, "DATABASE_PASSWORD_FILE", problems);
  if (!config.database_direct_url.empty() && config.database_url.empty()) {
    problems.emplace_back("DATABASE_DIRECT_URL is set, but DATABASE_URL is not");
  }
  for (const postgres::PoolNumber& field : postgres::poolNumbers()) {
    if (field.fits(config.database_pool)) continue;
    problems.push_back(fmt::format("{} {}", field.variable, field.requirement()));
  }
}

// The password that the URL itself holds, if it is one of Redis.
Secret checkCacheUrl(const Secret& url, std::string_view variable, Problems& problems) {
  if (url.empty()) return {};
  absl::Status parsed;
  Secret password;
  if (isRestUrl(url.reveal())) {
    parsed = internal::parseUpstashUrl(url).status();
  } else {
    const auto deployment = internal::parseRedisUrl(url);
    parsed = deployment.status();
    if (deployment.ok()) password = deployment->login.password;
  }
  if (!parsed.ok()) {
    problems.push_back(fmt::format("{}: {}", variable, std::string(parsed.message())));
  }
  return password;
}

void checkCacheSecrets(const Config& config, const Secret& of_url, const CacheVariables& names,
                       Problems& problems) {
  checkWhiteSpace(config.cache_password.reveal(), names.password, problems);
  checkWhiteSpace(config.cache_password_file, kRedisPasswordFile, problems);
  const bool has_file = !config.cache_password_file.empty();
  const auto contradiction = [&](std::string_view a, std::string_view b) {
    problems.push_back(fmt::format("{} and {} both give a password: set one of them", a, b));
  };
  if (has_file && !config.cache_password.empty()) contradiction(names.password, kRedisPasswordFile);
  if (has_file && !of_url.empty()) contradiction(names.url, kRedisPasswordFile);
  if (!of_url.empty() && !config.cache_password.empty() && of_url != config.cache_password) {
    problems.push_back(fmt::format("{} and {} give different passwords: set one of them", names.url,
                                   names.password));
  }
}

void checkCache(const Config& config, const CacheVariables& names, Problems& problems) {
  const std::string& url = config.cache_url.reveal();
  const auto provider = config.cache_provider;
  const Secret of_url = checkCacheUrl(config.cache_url, names.url, problems);
  checkCacheSecrets(config, of_url, names, problems);
  if (provider == CacheProvider::kRedis && isRestUrl(url)) {
    problems.push_back(
        fmt::format("CACHE_PROVIDER is redis, but {} is an https:// URL", names.url));
  }
  if (provider == CacheProvider::kUpstash && !url.empty() && !isRestUrl(url)) {
    problems.push_back(
        fmt::format("CACHE_PROVIDER is upstash, but {} is not an https:// URL", names.url));
  }
  const bool needs_url = provider == CacheProvider::kRedis || provider == CacheProvider::kUpstash;
  if (needs_url && url.empty()) {
    problems.push_back(
        fmt::format("CACHE_PROVIDER is {}, but {} is not set", toString(provider), names.url));
  }
}

void checkProviders(const Config& config, const CacheVariables& names, Problems& problems) {
  const bool has_cache_server = !config.cache_url.empty();
  const bool rest = isRestUrl(config.cache_url.reveal());
  const auto check_server = [&](std::string_view variable, bool wants_redis, bool wants_upstash) {
    if (wants_redis && (!has_cache_server || rest)) {
      problems.push_back(
          fmt::format("{} is redis, but {} is no redis:// URL", variable, names.url));
    }
    if (wants_upstash && (!has_cache_server || !rest)) {
      problems.push_back(
          fmt::format("{} is upstash, but {} is no https:// URL", variable, names.url));
    }
  };
  check_server("EVENT_HUB_PROVIDER", config.event_hub_provider == EventHubProvider::kRedis,
               config.event_hub_provider == EventHubProvider::kUpstash);
  check_server("RATE_LIMIT_PROVIDER", config.rate_limit_provider == RateLimitProvider::kRedis,
               config.rate_limit_provider == RateLimitProvider::kUpstash);
  if (config.event_hub_provider == EventHubProvider::kPostgres && config.database_url.empty()) {
    problems.emplace_back("EVENT_HUB_PROVIDER is postgres, but DATABASE_URL is not set");
  }
}

bool isLowerCaseWord(std::string_view text) {
  const bool begins_with_digit = !text.empty() && text.front() >= '0' && text.front() <= '9';
  return !begins_with_digit && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

void checkSchema(std::string_view schema, Problems& problems) {
  constexpr std::size_t kMostBytes = 63;  // PostgreSQL cuts longer names
  if (schema.size() > kMostBytes || !isLowerCaseWord(schema)) {
    problems.emplace_back(
        "DOMAIN_SCHEMA must be at most 63 lower-case letters, digits and '_', of which the first is"
        " no digit");
  } else if (schema.starts_with("pg_") || schema == "information_schema") {
    problems.emplace_back("DOMAIN_SCHEMA is a name that PostgreSQL keeps for itself");
  }
}

void checkTtl(absl::Duration ttl, std::string_view variable, Problems& problems) {
  if (ttl <= absl::ZeroDuration() || ttl == absl::InfiniteDuration()) {
    problems.push_back(fmt::format("{} must be a finite time above zero", variable));
  }
}

Problems problemsOf(const Config& config, const CacheVariables& names) {
  Problems problems;
  if (const absl::Status app = checkApp(config.app); !config.app.empty() && !app.ok()) {
    problems.push_back(fmt::format("STRATA_APP: {}", std::string(app.message())));
  }
  checkDatabase(config, problems);
  checkCache(config, names, problems);
  checkProviders(config, names, problems);
  checkSchema(config.domain.schema, problems);
  checkTtl(config.domain.auth_ttl, "CACHE_TTL_AUTH_SECONDS", problems);
  checkTtl(config.domain.policy_ttl, "CACHE_TTL_POLICY_SECONDS", problems);
  checkTtl(config.domain.config_ttl, "CACHE_TTL_CONFIG_SECONDS", problems);
  checkTtl(config.domain.conversation_ttl, "CACHE_TTL_CONVERSATION_SECONDS", problems);
  return problems;
}

}  // namespace

std::string_view toString(CacheProvider provider) {
  for (const auto& choice : kCacheProviders) {
    if (choice.value == provider) return choice.name;
  }
  return "unknown";
}

CacheProvider Config::cacheProvider() const {
  if (cache_provider != CacheProvider::kAuto) return cache_provider;
  if (cache_url.empty()) return CacheProvider::kMemory;
  return isRestUrl(cache_url.reveal()) ? CacheProvider::kUpstash : CacheProvider::kRedis;
}

RateLimitProvider Config::rateLimitProvider() const {
  if (!enable_redis_rate_limiter) return RateLimitProvider::kMemory;
  if (rate_limit_provider != RateLimitProvider::kAuto) return rate_limit_provider;
  if (cache_url.empty()) return RateLimitProvider::kMemory;
  return isRestUrl(cache_url.reveal()) ? RateLimitProvider::kUpstash : RateLimitProvider::kRedis;
}

std::optional<EventHubProvider> Config::eventHubProvider() const {
  const bool is_off =
      !enable_redis_event_hubs && (event_hub_provider == EventHubProvider::kRedis ||
                                   event_hub_provider == EventHubProvider::kUpstash);
  if (event_hub_provider != EventHubProvider::kAuto && !is_off) return event_hub_provider;
  const bool has_rest = isRestUrl(cache_url.reveal());
  const bool has_redis = !cache_url.empty() && !has_rest;
  if (has_redis && enable_redis_event_hubs) return EventHubProvider::kRedis;
  if (!database_url.empty()) return EventHubProvider::kPostgres;
  if (has_rest && enable_redis_event_hubs) return EventHubProvider::kUpstash;
  if (cache_url.empty()) return EventHubProvider::kMemory;
  return std::nullopt;
}

absl::Status validate(const Config& config) { return toStatus(problemsOf(config, {})); }

absl::StatusOr<Config> configFromEnv() {
  return configFromEnv([](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read at start-up
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

namespace {

absl::StatusOr<Config> readConfig(const Environment& environment) {
  Config config;
  Reader read(environment);
  read.text(config.app, "STRATA_APP");
  read.secret(config.database_url, "DATABASE_URL");
  read.secret(config.database_direct_url, "DATABASE_DIRECT_URL");
  read.file(config.database_password_file, "DATABASE_PASSWORD_FILE");
  for (const postgres::PoolNumber& field : postgres::poolNumbers()) {
    read.number(config.database_pool, field);
  }
  read.choice(config.database_pool.prepare_statements, postgres::kPrepareVariable,
              kPrepareStatements);
  read.choice(config.cache_provider, "CACHE_PROVIDER", kCacheProviders);
  const CacheVariables names = readCache(read, config);
  read.choice(config.event_hub_provider, "EVENT_HUB_PROVIDER", kEventHubProviders);
  read.choice(config.rate_limit_provider, "RATE_LIMIT_PROVIDER", kRateLimitProviders);
  read.seconds(config.domain.auth_ttl, "CACHE_TTL_AUTH_SECONDS");
  read.seconds(config.domain.policy_ttl, "CACHE_TTL_POLICY_SECONDS");
  read.seconds(config.domain.config_ttl, "CACHE_TTL_CONFIG_SECONDS");
  read.seconds(config.domain.conversation_ttl, "CACHE_TTL_CONVERSATION_SECONDS");
  read.boolean(config.enable_redis_caching, "ENABLE_REDIS_CACHING");
  read.boolean(config.domain.enable_policy_cache, "ENABLE_LLM_POLICY_CACHE");
  read.boolean(config.domain.enable_conversation_config_cache, "ENABLE_CONVERSATION_CONFIG_CACHE");
  read.boolean(config.domain.enable_conversation_cache, "ENABLE_CONVERSATION_CACHING");
  read.boolean(config.domain.enable_auth_validation_cache, "ENABLE_AUTH_VALIDATION_CACHE");
  read.boolean(config.enable_redis_rate_limiter, "ENABLE_RATE_LIMITER_REDIS");
  read.boolean(config.enable_redis_event_hubs, "ENABLE_REDIS_EVENT_HUBS");
  read.boolean(config.domain.enable_row_level_security, "ENABLE_ROW_LEVEL_SECURITY");
  read.text(config.domain.schema, "DOMAIN_SCHEMA");

  for (std::string& problem : problemsOf(config, names))
    read.problems.push_back(std::move(problem));
  if (!read.problems.empty()) return toStatus(read.problems);
  return config;
}

}  // namespace

absl::StatusOr<Config> configFromEnv(const Environment& environment) {
  return internal::callOut("environment", [&] { return readConfig(environment); });
}

}  // namespace strata
