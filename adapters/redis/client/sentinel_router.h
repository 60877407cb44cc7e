#pragma once

#include <memory>
#include <string>
#include <utility>

#include "adapters/redis/client/router.h"
#include "adapters/redis/client/sentinel.h"
#include "adapters/redis/client/subscriber.h"

namespace strata::internal {

// The master that sentinels know. They are listened to, on a thread: when they tell of another
// master, the connections to the old one are closed, though it may still answer. Without that a
// client on the old master's side of a partition would go on with it.
class RedisSentinelRouter final : public RedisSingleRouter, private RedisListener {
 public:
  RedisSentinelRouter(const RedisSentinels& sentinels, std::shared_ptr<RedisNode> node);

 private:
  // What was announced in a gap was missed: the sentinels are asked.
  void onSubscribed(Incarnation server, bool after_gap) override;
  void onMessage(std::string_view channel, std::string_view payload) override;
  void onLost(const absl::Status& /*why*/) override {}

  const std::string master_name_;
  const RedisFinder find_;
  // Last, so that its thread ends before anything that it uses.
  RedisSubscriber subscriber_;
};

}  // namespace strata::internal
