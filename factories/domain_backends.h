#pragma once

#include <utility>

#include "strata/factories/app.h"
#include "strata/factories/backends.h"

namespace strata::internal {

// `backends` as the domain stores use them, to which createStore<T> gives their app.
inline Backends domainBackends(Backends backends) {
  backends.config = withDomainApp(std::move(backends.config));
  return backends;
}

}  // namespace strata::internal
