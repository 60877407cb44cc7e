#include "strata/adapters/redis/redis_rate_limit_log.h"

#include <string>
#include <utility>

#include "adapters/redis/client/call.h"
#include "adapters/redis/client/client.h"
#include "adapters/redis/client/deployment.h"
#include "adapters/redis_dialect/rate_limit_script.h"

namespace strata {
namespace {

using internal::RedisAnswer;
using internal::RedisCall;
using internal::RedisCommands;
using Entry = RateLimitLog::Entry;

absl::StatusOr<Entry> entryOf(const RedisAnswer& answer) {
  if (!answer.status.ok()) return answer.status;
  if (!answer.reply->isText()) return RedisCall::unexpected(answer);
  absl::StatusOr<Entry> entry = internal::parseRateLimitAnswer(answer.reply->text());
  return entry.ok() ? entry : RedisCall::unexpected(answer);
}

}  // namespace

struct RedisRateLimitLog::Core : internal::RedisClient {
  using RedisClient::RedisClient;
};

absl::StatusOr<std::shared_ptr<RedisRateLimitLog>> RedisRateLimitLog::create(
    const RedisOptions& options, const Clock& clock) {
  auto router = internal::makeRedisRouter(options);
  if (!router.ok()) return router.status();
  auto core = std::make_unique<Core>(*std::move(router), clock);
  return std::shared_ptr<RedisRateLimitLog>(new RedisRateLimitLog(std::move(core)));
}

RedisRateLimitLog::RedisRateLimitLog(std::unique_ptr<Core> core) : core_(std::move(core)) {}
RedisRateLimitLog::~RedisRateLimitLog() = default;

std::vector<absl::StatusOr<Entry>> RedisRateLimitLog::record(absl::Span<const Call> calls,
                                                             Deadline deadline) {
  if (calls.empty()) return {};
  const auto times = core_->begin(deadline);
  if (!times.ok()) return {calls.size(), times.status()};
  // Never sent twice: both would record the call. Neither a redirection nor a script that the
  // server does not know has recorded anything.
  RedisCall call(*core_->router, *times, /*may_repeat=*/false);
  const auto answers = call.ask(
      calls.size(), [&](std::size_t i) { return calls[i].key; },
      [&](RedisCommands& commands, std::size_t i, const RedisCall::Dialect& dialect) {
        addScript(commands, dialect, internal::kRateLimitScript, calls[i].key,
                  {std::to_string(calls[i].limit),
                   std::to_string(absl::ToInt64Microseconds(calls[i].window))});
      });
  std::vector<absl::StatusOr<Entry>> entries;
  entries.reserve(calls.size());
  for (const RedisAnswer& answer : answers) entries.push_back(entryOf(answer));
  return entries;
}

absl::Status RedisRateLimitLog::ping(Deadline deadline) { return core_->ping(deadline); }

Health RedisRateLimitLog::healthCheck() { return core_->healthOf("rate-limit-log"); }

}  // namespace strata
