// Strata: stores of typed records over PostgreSQL, with a cache that is correct by construction.
//
// Everything that a store of an application's own types needs. To compile less, include the parts:
//
//   records/entity.h                  describe a type of your own        <- start here
//   store/store.h                     what a store does
//   factories/config.h                configuration from the environment
//   factories/backends.h              connect to database and cache
//   factories/store_factory.h         createStore<T>
//   factories/unit_of_work_factory.h  several writes that happen together
//   decorators/fetch_all.h            reads of several stores at once
//
// Beside the stores, not included here:
//
//   factories/event_hub_factory.h, rate_limiter_factory.h, validation_cache_factory.h
//   factories/cache_admin_factory.h, cache/tools/…   what an operator does to a cache
//   probes/probes.h                                  liveness and readiness; component ops
//
// The stores that come with the library, each with a factories/…_store_factory.h:
//
//   stores/policy/…                   the LLM policy of a tenant and its resolution
//   stores/conversation_config/…      the settings of conversations, at three levels
//   stores/conversations/…            conversations, their branches, contexts and sandboxes
//   stores/clarify/…                  what the context of a user is built from
//   stores/rate_limits/…              the rate limits of the platform
//
// testing/… has mocks, fakes, fault injection, conformance suites and servers.
#pragma once

#include "strata/decorators/fetch_all.h"            // IWYU pragma: export
#include "strata/factories/app.h"                   // IWYU pragma: export
#include "strata/factories/backends.h"              // IWYU pragma: export
#include "strata/factories/config.h"                // IWYU pragma: export
#include "strata/factories/store_factory.h"         // IWYU pragma: export
#include "strata/factories/unit_of_work_factory.h"  // IWYU pragma: export
#include "strata/records/entity.h"                  // IWYU pragma: export
#include "strata/records/json_codec.h"              // IWYU pragma: export
#include "strata/records/row_codec.h"               // IWYU pragma: export
#include "strata/store/store.h"                     // IWYU pragma: export
