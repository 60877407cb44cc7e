// The app of a configuration: the first part of every key and channel.
//
//   config->app = "shop";                             // or STRATA_APP=shop
//   auto backends = connect(withDomainApp(*config));   // for the conversation platform itself
//
// Config::app has no default. Two applications that share a server and an app would read each
// other's records. Without one, as soon as a cache server is used:
//
//   createStore<T>, createRateLimiter, createEventHub, createCacheAdmin    InvalidArgument
//   the domain stores (include/strata/stores/), createValidationCache      "copilot"
//
// Keys in this process and events over PostgreSQL need none; they begin with "copilot" too.
// So everything that one configuration writes begins with one app, the epoch of its cache included.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "strata/factories/config.h"

namespace strata {

// The app of the domain stores where none is set.
inline constexpr std::string_view kDomainApp = "copilot";

// Config::app, or kDomainApp where it is empty.
std::string appOf(const Config& config);

// For `user`, such as "event hub", which shares a server and is no domain store.
// InvalidArgument: no app is set; names both ways to set one.
absl::Status requireApp(const Config& config, std::string_view user);

// `config` with kDomainApp where it has no app: for programs of the platform, whose rate limits,
// event channels and cache admin belong under the prefix of the domain stores.
Config withDomainApp(Config config);

}  // namespace strata
