// createEventHub(backends): an event hub on whatever is configured.
//
//   auto hub = strata::createEventHub(*backends);
//
// docs/event_hub.md tells what it promises.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/events/event_hub.h"
#include "strata/events/event_hub_options.h"
#include "strata/factories/backends.h"

namespace strata {

// EventHubOptions, whose `app` is that of the configuration whatever is said there.
using EventHubFactoryOptions = EventHubOptions;

// A hub on Config::eventHubProvider(): the Redis server or REST API of the cache, over connections
// of its own; the database, over a session of its own and the pool; or nothing but this process. An
// application has one hub: two of one process are two processes to each other, and without a server
// they do not hear each other at all.
//
// InvalidArgument: the configuration or an option is wrong, or events go over Redis or REST and no
// app is set (app.h). FailedPrecondition: there is no server that carries events; says what to set.
// PermissionDenied: the server refused the credentials.
// Unavailable, DeadlineExceeded: it cannot be reached within `start_timeout`, or does not bring the
// hub a message of its own, as behind a pooler; says what to set. Not an error where
// `require_connection` is off.
absl::StatusOr<std::unique_ptr<EventHub>> createEventHub(
    const Backends& backends, const EventHubFactoryOptions& options = {});
// The same without other backends: only what the hub needs is connected to. A database that cannot
// be reached is an error whatever the options say.
absl::StatusOr<std::unique_ptr<EventHub>> createEventHub(
    const Config& config, const EventHubFactoryOptions& options = {});

}  // namespace strata
