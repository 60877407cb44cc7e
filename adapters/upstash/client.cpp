#include "adapters/upstash/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "adapters/upstash/errors.h"
#include "src/base/starved_wait.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

using std::chrono::steady_clock;

// Commands and bytes of one request: enough to make the round trip cheap, little enough to stay
// below the size that the smallest plans of the service accept (1 MB). One large command goes
// alone.
constexpr std::size_t kMaxCommands = 256;
constexpr std::size_t kMaxBytes = 512U << 10U;

std::size_t sizeOf(const UpstashCommand& command) {
  std::size_t size = 0;
  for (const std::string& word : command) size += word.size();
  return size;
}

// How many of `commands` go into the next request.
std::size_t nextBatch(absl::Span<const UpstashCommand> commands) {
  std::size_t count = 1;
  std::size_t bytes = sizeOf(commands.front());
  while (count < commands.size() && count < kMaxCommands) {
    bytes += sizeOf(commands[count]);
    if (bytes > kMaxBytes) break;
    ++count;
  }
  return count;
}

}  // namespace

struct UpstashClient::Call {
  UpstashPool::Lease connection;
  IoTime until;
  IoTime limit;

  // Time spent on connecting is not taken from the requests'.
  IoTime end() const { return std::min(until + connection.connecting(), limit); }
};

absl::Status UpstashClient::annotated(const absl::Status& status) const {
  return annotate(status, fmt::format("upstash at {}", server_));
}

absl::Status UpstashClient::unexpected() const {
  return annotated(absl::InternalError("a reply of another kind than expected"));
}

UpstashReplies UpstashClient::run(absl::Span<const UpstashCommand> commands, UpstashCallKind kind,
                                  Deadline deadline) {
  UpstashReplies replies;
  replies.reserve(commands.size());
  absl::StatusOr<Call> call = begin(deadline);
  absl::Status failed = call.status();
  while (failed.ok() && replies.size() < commands.size()) {
    const auto rest = commands.subspan(replies.size());
    absl::StatusOr<UpstashReplies> batch = request(*call, rest.first(nextBatch(rest)), kind);
    failed = batch.status();
    if (!batch.ok()) break;
    for (absl::StatusOr<UpstashReply>& reply : *batch) {
      replies.push_back(reply.ok() ? std::move(reply) : annotated(reply.status()));
    }
  }
  if (!failed.ok()) replies.resize(commands.size(), annotated(failed));
  return replies;
}

absl::StatusOr<UpstashClient::Call> UpstashClient::begin(Deadline deadline) {
  if (deadline.hasPassed(clock_)) {
    return absl::DeadlineExceededError("the deadline had passed before the call");
  }
  // Far beyond any timeout, and near enough to add up to a time point.
  constexpr absl::Duration kLong = absl::Hours(24);
  const IoTime started = steady_clock::now();
  const IoTime limit = started + absl::ToChronoNanoseconds(deadline.remaining(kLong, clock_));
  const IoTime until = started + request_timeout_;
  absl::StatusOr<UpstashPool::Lease> connection = pool_.acquire(std::min(until, limit), limit);
  if (!connection.ok()) return connection.status();
  return Call{*std::move(connection), until, limit};
}

absl::StatusOr<UpstashReplies> UpstashClient::request(Call& call,
                                                      absl::Span<const UpstashCommand> commands,
                                                      UpstashCallKind kind) {
  const UpstashSyncToken::Seen sent = sync_token_.current();
  const std::string target = path_ + (commands.size() == 1 ? "/" : "/pipeline");
  absl::StatusOr<HttpAnswer> answer = authorized(call,
                                                 {.host = host_,
                                                  .target = target,
                                                  .sync_token = sent.token,
                                                  .body = upstashRequestBody(commands)},
                                                 kind);
  if (!answer.ok()) return answer.status();
  sync_token_.learn(std::move(answer->sync_token), kind != UpstashCallKind::kRead, sent);
  if (answer->status == 200) return parseUpstashReplies(answer->body, commands.size());
  return upstashHttpStatus(answer->status, upstashErrorText(answer->body), answer->retry_after);
}

// What was refused for its token was not executed, so anything may be sent again with another one.
absl::StatusOr<HttpAnswer> UpstashClient::authorized(Call& call, HttpRequest request,
                                                     UpstashCallKind kind) {
  const absl::StatusOr<Secret> token = token_.current();
  if (!token.ok()) return token.status();
  request.token = token->reveal();
  absl::StatusOr<HttpAnswer> answer = exchange(call, serialized(request), kind);
  if (!answer.ok() || (answer->status != 401 && answer->status != 403)) return answer;
  const std::optional<Secret> newer = token_.newerThan(*token);
  if (!newer) return answer;
  request.token = newer->reveal();
  return exchange(call, serialized(std::move(request)), kind);
}

// A server closes connections that were idle for long, at its own time and so perhaps while a
// request is on its way to it. Nothing of an answer then comes, and almost surely nothing was
// executed; "almost" is why what is not harmless when repeated is not sent again.
absl::StatusOr<HttpAnswer> UpstashClient::exchange(Call& call, std::string_view bytes,
                                                   UpstashCallKind kind) {
  // The answer to the request before this one may have said that it was the last.
  if (!call.connection->isUsable()) {
    if (absl::Status opened = call.connection.reopen(call.limit); !opened.ok()) return opened;
  }
  const StarvedWaitScope scope("upstash_request", request_timeout_, call.limit);
  const bool may_repeat = call.connection->hasAnswered() && kind != UpstashCallKind::kSentOnce;
  absl::StatusOr<HttpAnswer> answer = call.connection->exchange(bytes, call.end());
  const bool again = !answer.ok() && may_repeat && call.connection->wasClosedUnanswered();
  if (again) {
    if (absl::Status opened = call.connection.reopen(call.limit); !opened.ok()) return opened;
    answer = call.connection->exchange(bytes, call.end());
  }
  if (!answer.ok()) return scope.judge(answer.status());
  return answer;
}

}  // namespace strata::internal
