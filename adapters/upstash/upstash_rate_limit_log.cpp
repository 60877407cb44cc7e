#include "strata/adapters/upstash/upstash_rate_limit_log.h"

#include <string>
#include <utility>
#include <variant>

#include "adapters/redis_dialect/rate_limit_script.h"
#include "adapters/upstash/client_options.h"
#include "adapters/upstash/text.h"
#include "src/base/health_check.h"
#include "strata/limits/rate_limiter.h"

namespace strata {
namespace {

using Entry = RateLimitLog::Entry;

absl::StatusOr<Entry> entryOf(const internal::UpstashClient& client,
                              const absl::StatusOr<internal::UpstashReply>& reply) {
  if (!reply.ok()) return reply.status();
  const auto* const text = std::get_if<std::string>(&*reply);
  if (text == nullptr) return client.unexpected();
  absl::StatusOr<Entry> entry = internal::parseRateLimitAnswer(*text);
  return entry.ok() ? entry : client.unexpected();
}

}  // namespace

struct UpstashRateLimitLog::Core {
  Core(internal::UpstashClient::Options options, const Clock& clock_in)
      : clock(clock_in), client(std::move(options), clock_in) {}

  const Clock& clock;
  internal::UpstashClient client;
};

absl::StatusOr<std::shared_ptr<UpstashRateLimitLog>> UpstashRateLimitLog::create(
    UpstashOptions options, const Clock& clock) {
  auto client = internal::upstashClientOptions(std::move(options));
  if (!client.ok()) return client.status();
  auto core = std::make_unique<Core>(*std::move(client), clock);
  return std::shared_ptr<UpstashRateLimitLog>(new UpstashRateLimitLog(std::move(core)));
}

UpstashRateLimitLog::UpstashRateLimitLog(std::unique_ptr<Core> core) : core_(std::move(core)) {}
UpstashRateLimitLog::~UpstashRateLimitLog() = default;

std::vector<absl::StatusOr<Entry>> UpstashRateLimitLog::record(absl::Span<const Call> calls,
                                                               Deadline deadline) {
  if (calls.empty()) return {};
  std::vector<internal::UpstashCommand> commands;
  commands.reserve(calls.size());
  for (const Call& call : calls) {
    commands.push_back({"EVAL", std::string(internal::kRateLimitScript.source), "1",
                        internal::textOfKey(call.key), std::to_string(call.limit),
                        std::to_string(absl::ToInt64Microseconds(call.window))});
  }
  std::vector<absl::StatusOr<Entry>> entries;
  entries.reserve(calls.size());
  const auto replies = core_->client.run(commands, internal::UpstashCallKind::kSentOnce, deadline);
  for (const auto& reply : replies) entries.push_back(entryOf(core_->client, reply));
  return entries;
}

absl::Status UpstashRateLimitLog::ping(Deadline deadline) {
  return internal::tryUpstash(core_->client, internal::kRateLimitScript,
                              {std::to_string(kMaxRateLimit), "1000"}, deadline);
}

Health UpstashRateLimitLog::healthCheck() {
  return internal::healthByCheck("rate-limit-log", "upstash", core_->clock,
                                 [this] { return ping(); });
}

}  // namespace strata
