#pragma once

#include <string_view>

#include "strata/cache/cache.h"

namespace strata::internal {

// What a server says about itself.
struct RedisServerInfo {
  // Zero: it did not say (INFO is refused).
  Incarnation incarnation;
  // How INFO is refused, for messages; empty where it is answered.
  std::string_view silence = {};
  bool is_replica = false;
  // It is a node of a cluster.
  bool is_of_cluster = false;
  // SET with both NX and GET is an error before Redis 7.0. False where the version is not known:
  // then a script does the same.
  bool has_set_nx_get = false;
};

// From the replies to INFO server and INFO replication.
RedisServerInfo parseServerInfo(std::string_view server, std::string_view replication);

}  // namespace strata::internal
