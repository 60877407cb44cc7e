#include "strata/factories/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <span>
#include <vector>

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

bool startsWithAny(std::string_view text, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return text.starts_with(prefix); });
}

bool isRestUrl(std::string_view url) { return startsWithAny(url, {"https://", "http://"}); }
bool isRedisUrl(std::string_view url) {
  return startsWithAny(url, {"redis://", "rediss://", "unix://", "redis+sentinel://",
                             "rediss+sentinel://", "redis+cluster://", "rediss+cluster://"});
}

std::string lowerCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

// Reads variables into a Config and collects everything that is wrong with them.
class Reader {
 public:
  explicit Reader(const Environment& environment) : environment_(environment) {}

  // The first of `names` that is set and not empty; the later ones are its aliases.
  void secret(Secret& out, std::initializer_list<const char*> names) {
    for (const char* name : names) {
      if (const auto value = get(name)) {
        out = *value;
        return;
      }
    }
  }

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

  template <typename E, std::size_t N>
  void choice(E& out, const char* name, const std::array<Named<E>, N>& choices) {
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
  std::optional<std::string> get(const char* name) const {
    auto value = environment_(name);
    return value && !value->empty() ? value : std::nullopt;
  }

  const Environment& environment_;
};

absl::Status toStatus(const std::vector<std::string>& problems) {
  if (problems.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("invalid configuration: {}", fmt::join(problems, "; ")));
}

void checkCache(const Config& config, std::vector<std::string>& problems) {
  const std::string& url = config.cache_url.reveal();
  const auto provider = config.cache_provider;
  if (!url.empty() && !isRestUrl(url) && !isRedisUrl(url)) {
    problems.emplace_back("REDIS_URL must begin with redis://, rediss://, unix:// or https://");
  }
  if (provider == CacheProvider::kRedis && isRestUrl(url)) {
    problems.emplace_back("CACHE_PROVIDER is redis, but REDIS_URL is an https:// URL");
  }
  if (provider == CacheProvider::kUpstash && isRedisUrl(url)) {
    problems.emplace_back("CACHE_PROVIDER is upstash, but REDIS_URL is not an https:// URL");
  }
  const bool needs_url = provider == CacheProvider::kRedis || provider == CacheProvider::kUpstash;
  if (needs_url && url.empty()) {
    problems.push_back(
        fmt::format("CACHE_PROVIDER is {}, but REDIS_URL is not set", toString(provider)));
  }
  if (config.cacheProvider() == CacheProvider::kUpstash && config.cache_password.empty()) {
    problems.emplace_back("a REST cache needs a token, but REDIS_PASSWORD is not set");
  }
}

void checkProviders(const Config& config, std::vector<std::string>& problems) {
  const bool has_cache_server = !config.cache_url.empty();
  const bool rest = isRestUrl(config.cache_url.reveal());
  const auto check_server = [&](std::string_view variable, bool wants_redis, bool wants_upstash) {
    if (wants_redis && (!has_cache_server || rest)) {
      problems.push_back(fmt::format("{} is redis, but REDIS_URL is no redis:// URL", variable));
    }
    if (wants_upstash && (!has_cache_server || !rest)) {
      problems.push_back(fmt::format("{} is upstash, but REDIS_URL is no https:// URL", variable));
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

void checkTtl(absl::Duration ttl, std::string_view variable, std::vector<std::string>& problems) {
  if (ttl <= absl::ZeroDuration() || ttl == absl::InfiniteDuration()) {
    problems.push_back(fmt::format("{} must be a finite time above zero", variable));
  }
}

std::vector<std::string> problemsOf(const Config& config) {
  std::vector<std::string> problems;
  if (const absl::Status app = checkApp(config.app); !config.app.empty() && !app.ok()) {
    problems.push_back(fmt::format("STRATA_APP: {}", std::string(app.message())));
  }
  const std::string& database = config.database_url.reveal();
  if (!database.empty() && !startsWithAny(database, {"postgresql://", "postgres://"})) {
    problems.emplace_back("DATABASE_URL must begin with postgresql://");
  }
  checkCache(config, problems);
  checkProviders(config, problems);
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
  const bool redis_is_off =
      event_hub_provider == EventHubProvider::kRedis && !enable_redis_event_hubs;
  if (event_hub_provider != EventHubProvider::kAuto && !redis_is_off) return event_hub_provider;
  const bool has_redis = !cache_url.empty() && !isRestUrl(cache_url.reveal());
  if (has_redis && enable_redis_event_hubs) return EventHubProvider::kRedis;
  if (!database_url.empty()) return EventHubProvider::kPostgres;
  if (cache_url.empty()) return EventHubProvider::kMemory;
  return std::nullopt;
}

absl::Status validate(const Config& config) { return toStatus(problemsOf(config)); }

absl::StatusOr<Config> configFromEnv() {
  return configFromEnv([](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read at start-up
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  });
}

absl::StatusOr<Config> configFromEnv(const Environment& environment) {
  Config config;
  Reader read(environment);
  read.text(config.app, "STRATA_APP");
  read.secret(config.database_url, {"DATABASE_URL"});
  read.secret(config.cache_url, {"REDIS_URL", "UPSTASH_REDIS_REST_URL"});
  read.secret(config.cache_password, {"REDIS_PASSWORD", "REDIS_TOKEN", "UPSTASH_REDIS_REST_TOKEN"});
  read.choice(config.cache_provider, "CACHE_PROVIDER", kCacheProviders);
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

  for (std::string& problem : problemsOf(config)) read.problems.push_back(std::move(problem));
  if (!read.problems.empty()) return toStatus(read.problems);
  return config;
}

}  // namespace strata
