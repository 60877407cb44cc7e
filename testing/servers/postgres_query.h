#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/testing/servers/local_postgres.h"

namespace strata::testing::internal {

// Runs SQL on a connection of its own, made with these parameters of libpq. Returns the rows of the
// last statement. Unavailable: no connection. Internal: what PostgreSQL says about the SQL.
absl::StatusOr<std::vector<LocalPostgres::Row>> queryPostgres(
    const std::map<std::string, std::string>& parameters, const std::string& sql);

}  // namespace strata::testing::internal
