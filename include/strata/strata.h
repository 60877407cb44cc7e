// Strata: stores of typed records over PostgreSQL, with a cache that is correct by construction.
//
// Everything an application needs; for one part, include that part's header:
//
//   records/entity.h                     describe a type of your own        <- start here
//   store/store.h                      what a store does
//   factories/config.h                     configuration from the environment
//   factories/backends.h              connect to database and cache
//   factories/store_factory.h         createStore<T>
//   factories/unit_of_work_factory.h  several writes that happen together
//   factories/…_store_factory.h       one for each store of stores/
//   factories/…_factory.h             rate limiters, event hubs, validation caches, contexts
//   decorators/fetch_all.h            reads of several stores at once
//   cache/tools/cache_admin.h          what an operator does to a cache; cache_warming.h and
//                                     cache_verifier.h too
//   stores/policy/…                   the LLM policy of a tenant and its resolution
//   stores/conversation_config/…      the conversation settings, at three levels
//   stores/conversation/…             conversations, their messages, and who may see them
//   stores/path/…                     the branches of conversations
//   stores/context/…                  what is in a conversation's mind
//   stores/execution/…                the sandboxes that run its code
//   stores/clarify/…                  what an AI's context of a user is built from
//   testing/…                         mocks, fakes, fault injection, conformance suites, servers
#pragma once

#include "strata/cache/tools/cache_verifier.h"                   // IWYU pragma: export
#include "strata/cache/tools/cache_warming.h"                    // IWYU pragma: export
#include "strata/decorators/fetch_all.h"                         // IWYU pragma: export
#include "strata/events/event_hub.h"                             // IWYU pragma: export
#include "strata/factories/app.h"                                // IWYU pragma: export
#include "strata/factories/backends.h"                           // IWYU pragma: export
#include "strata/factories/cache_admin_factory.h"                // IWYU pragma: export
#include "strata/factories/clarify_store_factory.h"              // IWYU pragma: export
#include "strata/factories/config.h"                             // IWYU pragma: export
#include "strata/factories/context_builder_factory.h"            // IWYU pragma: export
#include "strata/factories/context_store_factory.h"              // IWYU pragma: export
#include "strata/factories/conversation_config_store_factory.h"  // IWYU pragma: export
#include "strata/factories/conversation_store_factory.h"         // IWYU pragma: export
#include "strata/factories/event_hub_factory.h"                  // IWYU pragma: export
#include "strata/factories/execution_store_factory.h"            // IWYU pragma: export
#include "strata/factories/path_store_factory.h"                 // IWYU pragma: export
#include "strata/factories/policy_store_factory.h"               // IWYU pragma: export
#include "strata/factories/rate_limiter_factory.h"               // IWYU pragma: export
#include "strata/factories/store_factory.h"                      // IWYU pragma: export
#include "strata/factories/unit_of_work_factory.h"               // IWYU pragma: export
#include "strata/factories/validation_cache_factory.h"           // IWYU pragma: export
#include "strata/probes/probes.h"                                // IWYU pragma: export
#include "strata/records/entity.h"                               // IWYU pragma: export
#include "strata/records/json_codec.h"                           // IWYU pragma: export
#include "strata/records/row_codec.h"                            // IWYU pragma: export
#include "strata/store/store.h"                                  // IWYU pragma: export
#include "strata/stores/conversations/conversation_events.h"     // IWYU pragma: export
#include "strata/stores/policy/policy_resolution.h"              // IWYU pragma: export
#include "strata/stores/rate_limits/platform_rate_limits.h"      // IWYU pragma: export
#include "strata/validation/validation_cache.h"                  // IWYU pragma: export
