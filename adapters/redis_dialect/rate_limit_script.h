#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "adapters/redis_dialect/scripts.h"
#include "strata/limits/rate_limit_log.h"

namespace strata::internal {

// The rules of rate_limit_log.h for the sorted set KEYS[1], whose members are times in microseconds
// of the server's clock, with themselves as scores: ARGV[1] calls in ARGV[2] microseconds. Each
// adapter whose server runs Redis scripts sends this one.
//
// The key outlives its last call by up to two milliseconds: the server's times to live are counted
// from a whole millisecond, which may have begun before the call. It is given last: a server that
// was paused for the whole window meanwhile removes the key at once, and nothing could be read.
inline constexpr RedisScript kRateLimitScript{
    "local k=KEYS[1] local t=redis.call('TIME') local now=t[1]*1000000+t[2] "
    "local limit,window=tonumber(ARGV[1]),tonumber(ARGV[2]) "
    "redis.call('ZREMRANGEBYSCORE',k,'-inf',now-window) "
    "redis.call('ZREMRANGEBYSCORE',k,now+window+1,'+inf') "
    "local n=redis.call('ZCARD',k) local recorded,at=0,nil "
    "if n<limit then "
    "local newest=tonumber(redis.call('ZRANGE',k,-1,-1)[1] or 0) "
    "if newest>=now then at=newest+1 else at=now end "
    "local text=string.format('%.0f',at) redis.call('ZADD',k,text,text) "
    "n=n+1 recorded=1 end "
    "local i=0 if n>limit then i=n-limit end "
    "local leaves=tonumber(redis.call('ZRANGE',k,i,i)[1])+window "
    "if at then redis.call('PEXPIRE',k,math.ceil((at-now+window)/1000)+1) end "
    "return string.format('%d %d %.0f %.0f',recorded,n,leaves-now,leaves)",
    "c012ef6ee80809c1b6f0301d1e53ffd186f9b1ea"};

// What the script answers. Internal: no answer of its.
absl::StatusOr<RateLimitLog::Entry> parseRateLimitAnswer(std::string_view text);

}  // namespace strata::internal
