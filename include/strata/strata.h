// Strata: stores of typed records over PostgreSQL, with a cache that is correct by construction.
//
// Everything an application needs; for one part, include that part's header:
//
//   core/entity.h                     describe a type of your own        <- start here
//   core/store.h                      what a store does
//   core/config.h                     configuration from the environment
//   factories/backends.h              connect to database and cache
//   factories/store_factory.h         createStore<T>
//   factories/policy_store_factory.h  createPolicyStore; beside it one for each store of stores/
//   stores/conversation_config/…      the conversation settings, at three levels
//   stores/policy/…                   the LLM policy store and its resolution
//   testing/…                         mocks, fakes, fault injection, conformance suites, servers
#pragma once

#include "strata/core/config.h"                                  // IWYU pragma: export
#include "strata/core/entity.h"                                  // IWYU pragma: export
#include "strata/core/json_codec.h"                              // IWYU pragma: export
#include "strata/core/row_codec.h"                               // IWYU pragma: export
#include "strata/core/store.h"                                   // IWYU pragma: export
#include "strata/factories/backends.h"                           // IWYU pragma: export
#include "strata/factories/conversation_config_store_factory.h"  // IWYU pragma: export
#include "strata/factories/policy_store_factory.h"               // IWYU pragma: export
#include "strata/factories/store_factory.h"                      // IWYU pragma: export
#include "strata/stores/policy/policy_resolution.h"              // IWYU pragma: export
