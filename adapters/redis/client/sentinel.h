#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/redis/client/node.h"

namespace strata::internal {

struct RedisSentinels {
  std::vector<RedisAddress> addresses;
  std::string master_name;
  RedisLogin login;
  std::shared_ptr<const TlsContext> tls;         // null: none
  std::shared_ptr<Resolver> resolver = nullptr;  // null: the system's
};

// A finder that asks the sentinels where the master is, one after the other until one knows; every
// time it begins with the next of them, for one that is cut off from the others may tell of a
// master that was replaced. Whether it is a master, whoever connects asks it itself. Unavailable:
// no sentinel answers. FailedPrecondition: those that do know no master of that name. (The
// protocol: "Guidelines for Redis clients with support for Redis Sentinel", redis.io.)
RedisFinder askSentinels(RedisSentinels sentinels);

}  // namespace strata::internal
