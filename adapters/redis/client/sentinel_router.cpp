#include "adapters/redis/client/sentinel_router.h"

namespace strata::internal {
namespace {

constexpr const char* kSwitched = "+switch-master";

}  // namespace

RedisSentinelRouter::RedisSentinelRouter(const RedisSentinels& sentinels,
                                         std::shared_ptr<RedisNode> node)
    : RedisSingleRouter(std::move(node)),
      master_name_(sentinels.master_name),
      find_(askSentinels(sentinels)),
      subscriber_(
          {.find = [addresses = sentinels.addresses](IoTime /*until*/) { return addresses; },
           .login = sentinels.login,
           .tls = sentinels.tls,
           .resolver = sentinels.resolver,
           .connect_timeout = only()->options().connect_timeout},
          {kSwitched}, *this) {}

void RedisSentinelRouter::onSubscribed(Incarnation /*server*/, bool after_gap) {
  if (!after_gap) return;
  const auto masters = find_(std::chrono::steady_clock::now() + only()->options().connect_timeout);
  // Nobody to ask is no reason to leave a master that works.
  if (masters.ok() && only()->address() && *only()->address() != masters->front()) {
    only()->retireAll();
  }
}

// "name-of-the-master old-host old-port new-host new-port"
void RedisSentinelRouter::onMessage(std::string_view /*channel*/, std::string_view payload) {
  if (payload.substr(0, payload.find(' ')) == master_name_) only()->retireAll();
}

}  // namespace strata::internal
