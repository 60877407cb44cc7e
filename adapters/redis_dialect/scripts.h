// The Lua scripts of caches, for every adapter whose server runs them.
#pragma once

#include <string_view>

namespace strata::internal {

struct RedisScript {
  std::string_view source;
  std::string_view sha;  // its SHA-1 in hex, by which EVALSHA names it
};

// Replaces the value of KEYS[1] by ARGV[2] for ARGV[3] milliseconds if it begins with ARGV[1]; 1 if
// it did. GETRANGE of an absent key is empty, so an empty prefix needs another question.
inline constexpr RedisScript kCompareAndSetScript{
    "local n=#ARGV[1] "
    "if n==0 and redis.call('EXISTS',KEYS[1])==0 or "
    "n>0 and redis.call('GETRANGE',KEYS[1],0,n-1)~=ARGV[1] then return 0 end "
    "redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1",
    "409a853263bcaefcca7cbc592f752f3f17b8d6fe"};

// SET KEYS[1] ARGV[1] NX GET PX ARGV[2], for Redis before 7.0. It writes first, so that a server
// that must not write refuses it even where there is something to read.
inline constexpr RedisScript kGetOrLeaseScript{
    "if redis.call('SET',KEYS[1],ARGV[1],'NX','PX',ARGV[2]) then return false end "
    "return redis.call('GET',KEYS[1])",
    "05c0f06a203a28aaa2b05b68e8fab80fc57acfde"};

}  // namespace strata::internal
