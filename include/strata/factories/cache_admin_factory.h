// createCacheAdmin(backends): the operator's tool for what is cached.
//
//   auto admin = strata::createCacheAdmin(*backends);
//   auto report = admin->invalidateOwner(tenant_id);
#pragma once

#include "absl/status/statusor.h"
#include "strata/cache/tools/cache_admin.h"
#include "strata/factories/backends.h"

namespace strata {

// Over the cache that the stores of `backends` use, or, without a database, over the cache server
// that is configured, for the validation cache is there.
//
// FailedPrecondition: nothing is cached. InvalidArgument: the cache is a server and no app is set
// (app.h). Other errors as createCacheClient.
absl::StatusOr<CacheAdmin> createCacheAdmin(const Backends& backends);

}  // namespace strata
