// The parameters of a connection string: which are libpq's, which are the pool's, and what to write
// instead of those that other tools have.
#pragma once

#include "absl/status/statusor.h"
#include "strata/adapters/postgres/database_pool_config.h"
#include "strata/base/secret.h"

namespace strata::postgres {

struct UrlParameters {
  // The connection string with libpq's own parameters alone.
  Secret libpq;
  DatabasePoolConfig pool;
};

// Splits a URL (postgresql://…) or key=value pairs.
//
// InvalidArgument: a parameter is unknown or its value is wrong. The message names the parameter,
// unless the name may be a piece of a password, and never a value. Other mistakes are left to libpq.
absl::StatusOr<UrlParameters> splitParameters(const Secret& url);

}  // namespace strata::postgres
