#pragma once

#include <string_view>

namespace strata::internal {

// Replaces the value of KEYS[1] by ARGV[2] for ARGV[3] milliseconds if it begins with ARGV[1]; 1 if
// it did. GETRANGE of an absent key is empty, so an empty prefix needs another question.
inline constexpr std::string_view kUpstashCompareAndSet =
    "local n=#ARGV[1] "
    "if n==0 and redis.call('EXISTS',KEYS[1])==0 or "
    "n>0 and redis.call('GETRANGE',KEYS[1],0,n-1)~=ARGV[1] then return 0 end "
    "redis.call('SET',KEYS[1],ARGV[2],'PX',ARGV[3]) return 1";

}  // namespace strata::internal
