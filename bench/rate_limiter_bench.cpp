// RateLimiter over Redis against hiredis by hand: EVALSHA of the same script.
#include <hiredis/hiredis.h>

#include <memory>
#include <string>

#include "adapters/redis_dialect/rate_limit_script.h"
#include "bench/comparison.h"
#include "strata/adapters/redis/redis_rate_limit_log.h"
#include "strata/factories/rate_limiter_factory.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::bench {
namespace {

// A window that holds some tens of calls, none of which is denied.
const RateLimit kLimit{.name = "bench", .limit = 1000, .window = absl::Milliseconds(1)};

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

class HandWritten {
 public:
  explicit HandWritten(std::string key) : key_(std::move(key)) {
    context_.reset(redisConnect("127.0.0.1", testing::sharedServers().redis().port()));
    if (context_ == nullptr || context_->err != 0) fail("hiredis cannot connect");
    const std::string script(internal::kRateLimitScript.source);
    call("SCRIPT LOAD %s", script.c_str());
  }

  void check() {
    const auto reply = call("EVALSHA %s 1 %s 1000 1000", kSha.c_str(), key_.c_str());
    const auto entry =
        internal::parseRateLimitAnswer({reply->str, static_cast<std::size_t>(reply->len)});
    if (!entry.ok() || !entry->recorded) fail("hiredis: denied");
  }

 private:
  template <typename... Arguments>
  std::unique_ptr<redisReply, FreeReply> call(const char* format, Arguments... arguments) {
    std::unique_ptr<redisReply, FreeReply> reply(
        static_cast<redisReply*>(redisCommand(context_.get(), format, arguments...)));
    if (reply == nullptr || reply->type != REDIS_REPLY_STRING) fail("hiredis");
    return reply;
  }

  inline static const std::string kSha{internal::kRateLimitScript.sha};
  const std::string key_;
  std::unique_ptr<redisContext, FreeContext> context_;
};

// As createRateLimiter makes it, but patient: a machine that stalls for longer than a command may
// take is no reason to measure nothing.
std::unique_ptr<RateLimiter> makeLimiter() {
  Config config;
  config.app = "bench";
  config.cache_url = testing::sharedServers().redis().url();
  auto log =
      RedisRateLimitLog::create({.url = config.cache_url, .command_timeout = absl::Seconds(1)});
  if (!log.ok()) fail(log.status().ToString());
  auto guarded = GuardedRateLimitLog::create(*std::move(log));
  if (!guarded.ok()) fail(guarded.status().ToString());
  auto limiter = createRateLimiter(Backends{.config = config}, *std::move(guarded),
                                   {.limit = kLimit, .on_failure = RateLimitFailure::kClosed});
  if (!limiter.ok()) fail(limiter.status().ToString());
  return *std::move(limiter);
}

void checkOrFail(RateLimiter& limiter, const std::string& id) {
  const auto decision = limiter.check(id);
  if (!decision.ok()) fail(decision.status().ToString());
  if (decision->degraded) fail("check: Redis was not asked, or did not answer in time");
  if (!decision->allowed) fail("check: denied");
}

Row checkOneThread() {
  const auto limiter = makeLimiter();
  HandWritten by_hand("by-hand:alice");
  return compareLatency(
      "rate_limit_check_1_thread", {Budget::Kind::kAtMost, 1.25},
      [&] { checkOrFail(*limiter, "alice"); }, [&] { by_hand.check(); },
      {.rounds = 40, .calls_per_round = 500});
}

Row checkManyThreads() {
  const auto limiter = makeLimiter();
  return compareThroughput(
      "rate_limit_check_32_threads", {Budget::Kind::kAtLeast, 0.8},
      [&](int thread) -> Call {
        return [&limiter, id = std::to_string(thread)] { checkOrFail(*limiter, id); };
      },
      [&](int thread) -> Call {
        return [by_hand = std::make_shared<HandWritten>("by-hand:" + std::to_string(thread))] {
          by_hand->check();
        };
      });
}

}  // namespace

std::vector<Benchmark> rateLimiterBenchmarks() {
  return {{"rate_limit_check_1_thread", checkOneThread},
          {"rate_limit_check_32_threads", checkManyThreads}};
}

}  // namespace strata::bench
