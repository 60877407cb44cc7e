#include "adapters/redis/client/sentinel.h"

#include <fmt/format.h>

#include <atomic>
#include <charconv>
#include <utility>

#include "adapters/redis_dialect/errors.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

absl::StatusOr<RedisAddress> addressIn(const RedisReply& reply) {
  if (reply.isError()) return redisErrorStatus(reply.text());
  if (reply.isNil()) {
    return absl::FailedPreconditionError("the sentinel knows no master of this name");
  }
  RedisAddress address;
  if (reply.size() == 2) {
    address.host = reply.at(0).text();
    const std::string_view port = reply.at(1).text();
    const char* const end = port.data() + port.size();
    const auto [stopped, error] = std::from_chars(port.data(), end, address.port);
    if (error == std::errc() && stopped == end && !address.host.empty()) return address;
  }
  return absl::InternalError("the sentinel's answer makes no sense");
}

absl::StatusOr<RedisAddress> ask(const RedisSentinels& sentinels, const RedisAddress& sentinel,
                                 IoTime until) {
  const RedisIntroduction introduction{.login = &sentinels.login,
                                       .tls = sentinels.tls.get(),
                                       .resolver = sentinels.resolver.get(),
                                       .must_be_master = false};
  auto connection = RedisConnection::open(sentinel, introduction, until);
  if (!connection.ok()) return connection.status();
  RedisCommands question;
  question.add({"SENTINEL", "get-master-addr-by-name", sentinels.master_name});
  const RedisReplies replies = (*connection)->exchange(question, until);
  if (!replies.front().ok()) return replies.front().status();
  return addressIn(*replies.front());
}

}  // namespace

RedisFinder askSentinels(RedisSentinels sentinels) {
  auto turn = std::make_shared<std::atomic<std::size_t>>(0);
  return [sentinels = std::move(sentinels),
          turn](IoTime until) -> absl::StatusOr<std::vector<RedisAddress>> {
    const std::size_t count = sentinels.addresses.size();
    const std::size_t first = turn->fetch_add(1);
    absl::Status failed;
    for (std::size_t i = 0; i < count; ++i) {
      const RedisAddress& sentinel = sentinels.addresses[(first + i) % count];
      // An equal part of the time for each, and one for connecting to the master.
      absl::StatusOr<RedisAddress> master =
          ask(sentinels, sentinel, endOfShare(until, count - i + 1));
      if (master.ok()) return std::vector{*std::move(master)};
      failed = annotate(master.status(), fmt::format("sentinel at {}", sentinel.describe()));
    }
    return failed;
  };
}

}  // namespace strata::internal
