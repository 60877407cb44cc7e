// DatabasePoolConfig: what a deployment says of its pool of database connections, in the
// environment or in the URL.
//
//   postgresql://app:secret@db/app?pool_size=4&prepare_statements=off
//
// What the URL says wins over the environment, and both over what the program says in
// PostgresOptions. What is said nowhere keeps the default of PostgresOptions.
#pragma once

#include <cstddef>
#include <optional>

#include "absl/time/time.h"
#include "strata/adapters/postgres/postgres_pool.h"

namespace strata {

// The meaning and the default of each are at the field of PostgresOptions that has its name.
struct DatabasePoolConfig {
  // 1 to 1000. DATABASE_POOL_SIZE; in the URL pool_size
  std::optional<std::size_t> size;
  // 1 ms to 24 h. DATABASE_POOL_ACQUIRE_TIMEOUT_MS; pool_acquire_timeout_ms
  std::optional<absl::Duration> acquire_timeout;
  // 1 ms to 24 h. DATABASE_POOL_CONNECT_TIMEOUT_MS; libpq's connect_timeout, in seconds
  std::optional<absl::Duration> connect_timeout;
  // 1 ms to 24 h. DATABASE_POOL_STATEMENT_TIMEOUT_MS; pool_statement_timeout_ms
  std::optional<absl::Duration> statement_timeout;
  // 1 s to 365 days. DATABASE_POOL_MAX_AGE_SECONDS; pool_max_age_seconds
  std::optional<absl::Duration> max_age;
  // 0 s to 24 h. DATABASE_POOL_MAX_IDLE_UNPROVEN_SECONDS; pool_max_idle_unproven_seconds
  std::optional<absl::Duration> max_idle_unproven;
  // DATABASE_PREPARE_STATEMENTS; prepare_statements
  std::optional<PrepareStatements> prepare_statements;

  friend bool operator==(const DatabasePoolConfig&, const DatabasePoolConfig&) = default;
};

// `options` with what `config` says written over it.
PostgresOptions withPoolConfig(PostgresOptions options, const DatabasePoolConfig& config);

}  // namespace strata
