// The listing of the keys of a deployment, page by page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/redis/client/call.h"
#include "adapters/redis/client/router.h"
#include "strata/cache/cache.h"

namespace strata::internal {

// How far a listing is. As text it is the cursor of Cache::scan.
struct RedisScanCursor {
  // Which servers it began with, in which life and with which slots: a number for all of it.
  std::uint64_t census = 0;
  // Which of the servers is being listed, and how far that is: SCAN's own cursor, zero at first.
  std::size_t node = 0;
  std::uint64_t at = 0;

  std::string text() const;
  static std::optional<RedisScanCursor> parse(std::string_view text);
};

// What a master of a cluster says about itself (its own line of CLUSTER NODES).
struct RedisOwnSlots {
  // Grows whenever slots change hands.
  std::uint64_t config_epoch = 0;
  // "0-5460", "9000".
  std::vector<std::string> ranges;
  // Whether a slot is on its way here or from here.
  bool is_moving = false;
};
// Internal: the reply makes no sense.
absl::StatusOr<RedisOwnSlots> parseRedisOwnSlots(std::string_view nodes);

// One listing's next page. For one thread.
//
// SCAN promises nothing across two servers, or two lives of one, or when keys move from a server
// not listed yet to one that was. So a listing takes a census of the servers before the first, and
// after each of them; where it is not the same as before, what was listed may be incomplete.
class RedisScan {
 public:
  RedisScan(RedisRouter& router, const RedisTimes& times)
      : router_(router), call_(router, times), times_(times) {}

  absl::StatusOr<KeyPage> next(std::string_view prefix, std::string_view cursor);

 private:
  // The servers to list, in an order that is the same every time.
  absl::Status findNodes();
  // Aborted: slots are moving, or nobody has one of them, or two have.
  absl::StatusOr<std::uint64_t> takeCensus();
  absl::StatusOr<std::uint64_t> takeClusterCensus();
  absl::StatusOr<std::uint64_t> askWhoItIs();
  absl::StatusOr<RedisScanCursor> begin(std::string_view cursor);
  absl::StatusOr<KeyPage> list(std::string_view prefix, RedisScanCursor& cursor);

  RedisRouter& router_;
  RedisCall call_;
  const RedisTimes times_;
  std::vector<std::shared_ptr<RedisNode>> nodes_;
};

}  // namespace strata::internal
