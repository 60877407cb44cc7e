// The fields of a DatabasePoolConfig as text, with their names in the environment and in a URL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "strata/adapters/postgres/database_pool_config.h"

namespace strata::postgres {

// A field that is a whole number of something.
struct PoolNumber {
  const char* variable;
  std::string_view parameter;  // empty: libpq has one of its own
  std::string_view what;       // "a whole number of milliseconds"
  std::int64_t least;
  std::int64_t most;
  // For a number in the range.
  void (*set)(DatabasePoolConfig& config, std::int64_t number);
  // Whether the field, if it is set, is in the range.
  bool (*fits)(const DatabasePoolConfig& config);

  // False: it is no number, or out of the range.
  bool read(std::string_view text, DatabasePoolConfig& config) const;
  // "must be a whole number of milliseconds from 1 to 86400000"
  std::string requirement() const;
};

absl::Span<const PoolNumber> poolNumbers();

inline constexpr const char* kPrepareVariable = "DATABASE_PREPARE_STATEMENTS";
inline constexpr std::string_view kPrepareParameter = "prepare_statements";
inline constexpr std::string_view kPrepareRequirement = "must be on, off or auto";
// None: another word than those.
std::optional<PrepareStatements> readPrepareStatements(std::string_view word);

}  // namespace strata::postgres
