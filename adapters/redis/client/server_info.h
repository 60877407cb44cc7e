#pragma once

#include <string_view>

#include "strata/cache/cache.h"

namespace strata::internal {

// What a server says about itself.
struct RedisServerInfo {
  // Zero: it did not say (an ACL forbids INFO).
  Incarnation incarnation;
  bool is_replica = false;
  // SET with both NX and GET is an error before Redis 7.0. False where the version is not known:
  // then a script does the same.
  bool has_set_nx_get = false;
};

// From the replies to INFO server and INFO replication.
RedisServerInfo parseServerInfo(std::string_view server, std::string_view replication);

}  // namespace strata::internal
