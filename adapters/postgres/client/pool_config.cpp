#include "adapters/postgres/client/pool_config.h"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>
#include <system_error>

namespace strata {
namespace {

constexpr std::int64_t kMostConnections = 1000;
constexpr std::int64_t kDayInSeconds = 24 * 60 * 60;
constexpr std::int64_t kYearInSeconds = 365 * kDayInSeconds;
constexpr std::string_view kMilliseconds = "a whole number of milliseconds";
constexpr std::string_view kSeconds = "a whole number of seconds";

using DurationField = std::optional<absl::Duration> DatabasePoolConfig::*;

bool isBetween(const std::optional<absl::Duration>& value, absl::Duration least,
               absl::Duration most) {
  return !value || (*value >= least && *value <= most);
}

template <DurationField Field>
constexpr postgres::PoolNumber milliseconds(const char* variable, std::string_view parameter) {
  return {.variable = variable,
          .parameter = parameter,
          .what = kMilliseconds,
          .least = 1,
          .most = kDayInSeconds * 1000,
          .set = [](DatabasePoolConfig& config,
                    std::int64_t number) { config.*Field = absl::Milliseconds(number); },
          .fits =
              [](const DatabasePoolConfig& config) {
                return isBetween(config.*Field, absl::Milliseconds(1),
                                 absl::Seconds(kDayInSeconds));
              }};
}

template <DurationField Field, std::int64_t LeastSeconds, std::int64_t MostSeconds>
constexpr postgres::PoolNumber seconds(const char* variable, std::string_view parameter) {
  return {.variable = variable,
          .parameter = parameter,
          .what = kSeconds,
          .least = LeastSeconds,
          .most = MostSeconds,
          .set = [](DatabasePoolConfig& config,
                    std::int64_t number) { config.*Field = absl::Seconds(number); },
          .fits =
              [](const DatabasePoolConfig& config) {
                return isBetween(config.*Field, absl::Seconds(LeastSeconds),
                                 absl::Seconds(MostSeconds));
              }};
}

constexpr postgres::PoolNumber kNumbers[] = {
    {.variable = "DATABASE_POOL_SIZE",
     .parameter = "pool_size",
     .what = "a whole number",
     .least = 1,
     .most = kMostConnections,
     .set = [](DatabasePoolConfig& config,
               std::int64_t number) { config.size = static_cast<std::size_t>(number); },
     .fits =
         [](const DatabasePoolConfig& config) {
           return !config.size || (*config.size >= 1 && *config.size <= kMostConnections);
         }},
    milliseconds<&DatabasePoolConfig::acquire_timeout>("DATABASE_POOL_ACQUIRE_TIMEOUT_MS",
                                                       "pool_acquire_timeout_ms"),
    milliseconds<&DatabasePoolConfig::connect_timeout>("DATABASE_POOL_CONNECT_TIMEOUT_MS", ""),
    milliseconds<&DatabasePoolConfig::statement_timeout>("DATABASE_POOL_STATEMENT_TIMEOUT_MS",
                                                         "pool_statement_timeout_ms"),
    seconds<&DatabasePoolConfig::max_age, 1, kYearInSeconds>("DATABASE_POOL_MAX_AGE_SECONDS",
                                                             "pool_max_age_seconds"),
    seconds<&DatabasePoolConfig::max_idle_unproven, 0, kDayInSeconds>(
        "DATABASE_POOL_MAX_IDLE_UNPROVEN_SECONDS", "pool_max_idle_unproven_seconds"),
};

template <typename T>
void overwrite(T& field, const std::optional<T>& value) {
  if (value) field = *value;
}

}  // namespace

PostgresOptions withPoolConfig(PostgresOptions options, const DatabasePoolConfig& config) {
  overwrite(options.pool_size, config.size);
  overwrite(options.acquire_timeout, config.acquire_timeout);
  overwrite(options.connect_timeout, config.connect_timeout);
  overwrite(options.statement_timeout, config.statement_timeout);
  overwrite(options.max_age, config.max_age);
  overwrite(options.max_idle_unproven, config.max_idle_unproven);
  overwrite(options.prepare_statements, config.prepare_statements);
  return options;
}

namespace postgres {

absl::Span<const PoolNumber> poolNumbers() { return kNumbers; }

bool PoolNumber::read(std::string_view text, DatabasePoolConfig& config) const {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end || number < least || number > most) return false;
  set(config, number);
  return true;
}

std::string PoolNumber::requirement() const {
  return fmt::format("must be {} from {} to {}", what, least, most);
}

std::optional<PrepareStatements> readPrepareStatements(std::string_view word) {
  if (word == "on") return PrepareStatements::kOn;
  if (word == "off") return PrepareStatements::kOff;
  if (word == "auto") return PrepareStatements::kAuto;
  return std::nullopt;
}

}  // namespace postgres
}  // namespace strata
