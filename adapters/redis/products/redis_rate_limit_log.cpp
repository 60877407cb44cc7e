#include "strata/adapters/redis/redis_rate_limit_log.h"

#include <string>
#include <utility>

#include "adapters/redis/client/call.h"
#include "adapters/redis/client/client.h"
#include "adapters/redis/client/deployment.h"
#include "adapters/redis_dialect/rate_limit_script.h"
#include "src/base/health_check.h"
#include "strata/limits/rate_limiter.h"

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

void addCall(RedisCommands& commands, const RedisCall::Dialect& dialect,
             const RateLimitLog::Call& call) {
  addScript(commands, dialect, internal::kRateLimitScript, call.key,
            {std::to_string(call.limit), std::to_string(absl::ToInt64Microseconds(call.window))});
}

}  // namespace

struct RedisRateLimitLog::Core : internal::RedisClient {
  using RedisClient::RedisClient;

  // Records a call of nobody's, whatever calls of other checks there are: one that is denied would
  // not try all that the script does.
  absl::Status tryScript(const internal::RedisTimes& times);
};

absl::StatusOr<std::shared_ptr<RedisRateLimitLog>> RedisRateLimitLog::create(
    const RedisOptions& options, const Clock& clock, std::shared_ptr<Metrics> metrics,
    std::shared_ptr<Executor> executor) {
  auto router =
      internal::makeRedisRouter(options, internal::RedisNodeGuard{.breaker = options.node_breaker,
                                                                  .metrics = std::move(metrics),
                                                                  .clock = &clock,
                                                                  .executor = std::move(executor)});
  if (!router.ok()) return router.status();
  auto core = std::make_unique<Core>(*std::move(router), clock, options.check_key);
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
        addCall(commands, dialect, calls[i]);
      });
  std::vector<absl::StatusOr<Entry>> entries;
  entries.reserve(calls.size());
  for (const RedisAnswer& answer : answers) entries.push_back(entryOf(answer));
  return entries;
}

absl::Status RedisRateLimitLog::Core::tryScript(const internal::RedisTimes& times) {
  const std::vector<std::string> keys = keysToTry();
  RedisCall call(*router, times);
  return verdictOn(call.ask(
      keys.size(), [&](std::size_t i) { return std::string_view(keys[i]); },
      [&](RedisCommands& commands, std::size_t i, const RedisCall::Dialect& dialect) {
        addCall(commands, dialect,
                {.key = keys[i], .limit = kMaxRateLimit, .window = kMinRateLimitWindow});
      }));
}

absl::Status RedisRateLimitLog::ping(Deadline deadline) {
  return core_->check(deadline, Core::LeftAlone::kAsked,
                      [this](const auto& times) { return core_->tryScript(times); });
}

Health RedisRateLimitLog::healthCheck() {
  return internal::healthByCheck("rate-limit-log", "redis", core_->clock, [this] {
    return core_->check({}, Core::LeftAlone::kReported,
                        [this](const auto& times) { return core_->tryScript(times); });
  });
}

}  // namespace strata
