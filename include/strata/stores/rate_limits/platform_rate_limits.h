// The rate limits of the conversation platform's API.
//
//   auto limiter = createRateLimiter(*backends, {.limit = aiRateLimit()});
//
// The names and numbers are the platform's decisions, so they are here and not in limits/, which
// knows only windows and logs. They are plain values and not in factories/, so that a limiter that
// is made by hand can use them too. Other programs write a RateLimit of their own.
#pragma once

#include "strata/limits/rate_limiter.h"

namespace strata {

// Each with a window of one minute. The id to check is that of a user, or an IP address.
RateLimit authRateLimit();    // "auth": 5 calls per IP address
RateLimit aiRateLimit();      // "ai": 10 calls per user
RateLimit writeRateLimit();   // "write": 30 calls per user
RateLimit globalRateLimit();  // "global": 100 calls per IP address

}  // namespace strata
