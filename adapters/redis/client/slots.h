// What a Redis cluster says about where its keys are, as data: no I/O here.
// (Source: "Redis cluster specification", redis.io.)
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "adapters/redis/client/url.h"
#include "adapters/redis/wire/reply.h"

namespace strata::internal {

inline constexpr int kRedisSlots = 16384;

// The slot of a key: of what stands between its first '{' and the next '}', if that is not empty,
// so that keys can be kept together.
int redisSlotOf(std::string_view key);

// Which master has which slot.
struct RedisSlotMap {
  static constexpr std::uint16_t kNobody = 0xFFFF;

  std::vector<RedisAddress> masters;
  // An index of `masters`, or kNobody.
  std::array<std::uint16_t, kRedisSlots> owner;
};

// The reply to CLUSTER SLOTS. A node without an address is at `asked_host`, the one that was asked.
// FailedPrecondition: the server is of no cluster. Internal: the reply makes no sense.
absl::StatusOr<RedisSlotMap> parseRedisSlots(const RedisValue& reply, std::string_view asked_host);

// "MOVED 3999 127.0.0.1:6381", or the same with ASK.
struct RedisPointer {
  bool asking = false;
  RedisAddress address;  // without a host: that of the server that said it
};
std::optional<RedisPointer> parseRedisPointer(std::string_view error);

}  // namespace strata::internal
