// Which migrations have to run: decided here, without a database.
#pragma once

#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/adapters/postgres/migrations.h"

namespace strata::postgres {

// (component, number) → checksum, as the database has it.
using AppliedMigrations = std::map<std::pair<std::string, int>, std::string>;

// SHA-256 of the SQL, in hexadecimal digits.
std::string checksumOf(const Migration& migration);

// For messages: `migration orders/0002_add_currency`.
std::string describe(const Migration& migration);

// What is to be applied, each component's in the order of its numbers. InvalidArgument and
// FailedPrecondition as applyMigrations.
absl::StatusOr<std::vector<Migration>> planMigrations(std::span<const Migration> migrations,
                                                      const AppliedMigrations& applied);

}  // namespace strata::postgres
