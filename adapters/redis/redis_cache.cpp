#include "strata/adapters/redis/redis_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "adapters/redis/redis_call.h"
#include "adapters/redis/redis_command.h"
#include "adapters/redis/redis_errors.h"
#include "adapters/redis/redis_pool.h"
#include "adapters/redis/redis_scripts.h"
#include "adapters/redis/redis_url.h"
#include "src/core/cache_ttl.h"
#include "strata/core/status.h"

namespace strata {
namespace {

using internal::IoTime;
using internal::RedisCommands;
using Call = internal::RedisCall;
using Reply = absl::StatusOr<internal::RedisReply>;
using internal::RedisReplies;
using Value = std::optional<std::string>;

// Commands of one pipeline, and keys of one command: enough to make the round trip cheap, few
// enough that the server turns to others in between.
constexpr std::size_t kChunk = 256;

std::string millisText(absl::Duration ttl) {
  return std::to_string(absl::ToInt64Milliseconds(ttl));
}

// Calls `each(first, count)` for consecutive chunks of `total`.
void forEachChunk(std::size_t total, absl::FunctionRef<void(std::size_t, std::size_t)> each) {
  for (std::size_t first = 0; first < total; first += kChunk) {
    each(first, std::min(kChunk, total - first));
  }
}

template <typename T>
std::vector<absl::StatusOr<T>> toAll(std::size_t count, const absl::Status& status) {
  return std::vector<absl::StatusOr<T>>(count, status);
}

}  // namespace

struct RedisCache::Core {
  Core(const RedisOptions& options, internal::RedisEndpoint endpoint, const Clock& clock_in)
      : clock(clock_in),
        command_timeout(options.command_timeout),
        server(endpoint.describe()),
        pool({.endpoint = std::move(endpoint),
              .max_connections = options.max_connections,
              .connect_timeout = absl::ToChronoNanoseconds(options.connect_timeout)}) {}

  absl::StatusOr<Call> begin(Deadline deadline);
  void getChunk(Call& call, absl::Span<const std::string> keys,
                std::vector<absl::StatusOr<Value>>& values);
  void leaseChunk(Call& call, absl::Span<const LeaseRequest> requests, const std::string& millis,
                  std::vector<absl::StatusOr<LeaseReply>>& answers);
  void readWithoutLease(Call& call, absl::Span<const LeaseRequest> requests,
                        absl::Span<absl::StatusOr<LeaseReply>> answers,
                        absl::Span<const std::size_t> which);
  void setChunk(Call& call, absl::Span<const CompareAndSet> requests,
                std::vector<absl::StatusOr<bool>>& stored);
  absl::StatusOr<LeaseReply> leaseReply(Call& call, const Reply& reply);

  const Clock& clock;
  const absl::Duration command_timeout;
  const std::string server;
  internal::RedisPool pool;
};

absl::StatusOr<Call> RedisCache::Core::begin(Deadline deadline) {
  const auto refused = [&](const absl::Status& why) {
    return annotate(why, fmt::format("redis at {}", server));
  };
  if (deadline.hasPassed(clock)) {
    return refused(absl::DeadlineExceededError("the deadline had passed before the call"));
  }
  // Far beyond any timeout, and near enough to add up to a time point.
  constexpr absl::Duration kLong = absl::Hours(24);
  const IoTime started = std::chrono::steady_clock::now();
  const IoTime limit = started + absl::ToChronoNanoseconds(deadline.remaining(kLong, clock));
  const IoTime until = started + absl::ToChronoNanoseconds(command_timeout);
  auto connection = pool.acquire(std::min(until, limit), limit);
  if (!connection.ok()) return refused(connection.status());
  const IoTime extended = until + connection->connecting();
  return Call(pool, *std::move(connection), std::min(extended, limit), server);
}

// ---- Creation ----

namespace {

absl::Status checkOptions(const RedisOptions& options) {
  constexpr absl::Duration kLongest = absl::Hours(1);
  const auto is_timeout = [&](absl::Duration d) {
    return d > absl::ZeroDuration() && d <= kLongest;
  };
  if (options.max_connections == 0) {
    return absl::InvalidArgumentError("redis: max_connections must be above zero");
  }
  if (!is_timeout(options.connect_timeout) || !is_timeout(options.command_timeout)) {
    return absl::InvalidArgumentError(
        "redis: connect_timeout and command_timeout must be above zero and at most an hour");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<RedisCache>> RedisCache::create(RedisOptions options,
                                                               const Clock& clock) {
  if (absl::Status checked = checkOptions(options); !checked.ok()) return checked;
  absl::StatusOr<internal::RedisEndpoint> endpoint = internal::parseRedisUrl(options.url);
  if (!endpoint.ok()) return endpoint.status();
  if (endpoint->password.empty()) endpoint->password = options.password;
  if (!endpoint->user.empty() && endpoint->password.empty()) {
    return absl::InvalidArgumentError("redis URL: it names a user, and there is no password");
  }
  auto core = std::make_unique<Core>(options, *std::move(endpoint), clock);
  return std::shared_ptr<RedisCache>(new RedisCache(std::move(core)));
}

RedisCache::RedisCache(std::unique_ptr<Core> core) : core_(std::move(core)) {}
RedisCache::~RedisCache() = default;

CacheCapabilities RedisCache::capabilities() const {
  return {.fenced_reads = true, .incarnation = !core_->pool.isBlind()};
}

Incarnation RedisCache::incarnation() const { return core_->pool.incarnation(); }

// ---- Plain reads and writes ----

std::vector<absl::StatusOr<Value>> RedisCache::getMany(absl::Span<const std::string> keys,
                                                       Deadline deadline) {
  if (keys.empty()) return {};
  absl::StatusOr<Call> call = core_->begin(deadline);
  if (!call.ok()) return toAll<Value>(keys.size(), call.status());
  std::vector<absl::StatusOr<Value>> values;
  values.reserve(keys.size());
  forEachChunk(keys.size(), [&](std::size_t first, std::size_t count) {
    core_->getChunk(*call, keys.subspan(first, count), values);
  });
  return values;
}

void RedisCache::Core::getChunk(Call& call, absl::Span<const std::string> keys,
                                std::vector<absl::StatusOr<Value>>& values) {
  std::vector<std::string_view> words{"MGET"};
  words.insert(words.end(), keys.begin(), keys.end());
  RedisCommands commands;
  commands.add(words);
  const Reply reply = std::move(call.exchange(commands).front());
  absl::Status answered = call.check(reply);
  if (answered.ok() && reply->size() != keys.size()) answered = call.unexpected();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    values.push_back(answered.ok() ? absl::StatusOr<Value>(reply->element(i)) : answered);
  }
}

absl::Status RedisCache::set(const std::string& key, std::string_view value, absl::Duration ttl,
                             Deadline deadline) {
  const absl::StatusOr<absl::Duration> checked = internal::checkedTtl(ttl);
  if (!checked.ok()) return checked.status();
  absl::StatusOr<Call> call = core_->begin(deadline);
  if (!call.ok()) return call.status();
  RedisCommands commands;
  commands.add({"SET", key, value, "PX", millisText(*checked)});
  return call->check(call->exchange(commands).front());
}

absl::Status RedisCache::remove(absl::Span<const std::string> keys, Deadline deadline) {
  if (keys.empty()) return absl::OkStatus();
  absl::StatusOr<Call> call = core_->begin(deadline);
  if (!call.ok()) return call.status();
  RedisCommands commands;
  forEachChunk(keys.size(), [&](std::size_t first, std::size_t count) {
    std::vector<std::string_view> words{"UNLINK"};
    words.insert(words.end(), keys.begin() + first, keys.begin() + first + count);
    commands.add(words);
  });
  for (const Reply& reply : call->exchange(commands)) {
    if (absl::Status removed = call->check(reply); !removed.ok()) return removed;
  }
  // A server that another one has taken the place of meanwhile was the wrong one to tell.
  if (!call->isCurrent()) {
    return call->annotated(absl::UnavailableError("the server was replaced during the removal"));
  }
  return absl::OkStatus();
}

// ---- Fenced fills ----

std::vector<absl::StatusOr<LeaseReply>> RedisCache::getOrLease(
    absl::Span<const LeaseRequest> requests, absl::Duration ttl, Deadline deadline) {
  if (requests.empty()) return {};
  const absl::StatusOr<absl::Duration> checked = internal::checkedTtl(ttl);
  if (!checked.ok()) return toAll<LeaseReply>(requests.size(), checked.status());
  absl::StatusOr<Call> call = core_->begin(deadline);
  if (!call.ok()) return toAll<LeaseReply>(requests.size(), call.status());
  const std::string millis = millisText(*checked);
  std::vector<absl::StatusOr<LeaseReply>> answers;
  answers.reserve(requests.size());
  forEachChunk(requests.size(), [&](std::size_t first, std::size_t count) {
    core_->leaseChunk(*call, requests.subspan(first, count), millis, answers);
  });
  return answers;
}

absl::StatusOr<LeaseReply> RedisCache::Core::leaseReply(Call& call, const Reply& reply) {
  if (absl::Status answered = call.check(reply); !answered.ok()) return answered;
  LeaseReply answer{.incarnation = call.incarnation()};
  if (reply->isNil()) {
    answer.leased = true;
  } else if (reply->isText()) {
    answer.found = std::string(reply->text());
  } else {
    return call.unexpected();
  }
  return answer;
}

void RedisCache::Core::leaseChunk(Call& call, absl::Span<const LeaseRequest> requests,
                                  const std::string& millis,
                                  std::vector<absl::StatusOr<LeaseReply>>& answers) {
  RedisReplies replies;
  if (call.hasSetNxGet()) {
    RedisCommands commands;
    for (const LeaseRequest& request : requests) {
      commands.add({"SET", request.key, request.cell, "NX", "GET", "PX", millis});
    }
    replies = call.exchange(commands);
  } else {
    const auto add = [&](RedisCommands& commands, std::size_t i, bool by_name) {
      addScript(commands, by_name, internal::kGetOrLeaseScript, requests[i].key,
                {requests[i].cell, millis});
    };
    replies = call.evaluate(requests.size(), add);
  }
  const std::size_t first = answers.size();
  std::vector<std::size_t> only_readable;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Reply& reply = replies[i];
    answers.push_back(leaseReply(call, reply));
    const bool is_error = reply.ok() && reply->isError();
    if (is_error && internal::classifyRedisError(reply->text()).only_reads) {
      only_readable.push_back(i);
    }
  }
  if (only_readable.empty()) return;
  readWithoutLease(call, requests, absl::MakeSpan(answers).subspan(first), only_readable);
}

// A master that cannot store still answers GET. But so does one that was demoted, and its "out of
// memory" may come before its "read only". So the server is asked in the same
// round trip who it is.
void RedisCache::Core::readWithoutLease(Call& call, absl::Span<const LeaseRequest> requests,
                                        absl::Span<absl::StatusOr<LeaseReply>> answers,
                                        absl::Span<const std::size_t> which) {
  if (call.incarnation() == Incarnation{}) return;  // it does not tell who it is
  RedisCommands commands;
  for (const std::size_t i : which) commands.add({"GET", requests[i].key});
  const absl::StatusOr<RedisReplies> replies = call.exchangeWithMaster(std::move(commands));
  for (std::size_t i = 0; i < which.size(); ++i) {
    absl::StatusOr<LeaseReply>& answer = answers[which[i]];
    answer = replies.ok() ? leaseReply(call, (*replies)[i]) : replies.status();
    if (answer.ok()) answer->leased = false;
  }
}

std::vector<absl::StatusOr<bool>> RedisCache::compareAndSet(
    absl::Span<const CompareAndSet> requests, Deadline deadline) {
  if (requests.empty()) return {};
  absl::StatusOr<Call> call = core_->begin(deadline);
  if (!call.ok()) return toAll<bool>(requests.size(), call.status());
  std::vector<absl::StatusOr<bool>> stored;
  stored.reserve(requests.size());
  forEachChunk(requests.size(), [&](std::size_t first, std::size_t count) {
    core_->setChunk(*call, requests.subspan(first, count), stored);
  });
  return stored;
}

void RedisCache::Core::setChunk(Call& call, absl::Span<const CompareAndSet> requests,
                                std::vector<absl::StatusOr<bool>>& stored) {
  struct Sent {
    std::size_t index;
    std::string millis;
  };
  const std::size_t first = stored.size();
  std::vector<Sent> sent;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Incarnation wanted = requests[i].incarnation;
    const absl::StatusOr<absl::Duration> ttl = internal::checkedTtl(requests[i].ttl);
    stored.push_back(ttl.ok() ? absl::StatusOr<bool>(false) : ttl.status());
    const bool other_life = wanted != Incarnation{} && wanted != call.incarnation();
    if (ttl.ok() && !other_life) sent.push_back({i, millisText(*ttl)});
  }
  if (sent.empty()) return;
  const RedisReplies replies =
      call.evaluate(sent.size(), [&](RedisCommands& commands, std::size_t i, bool by_name) {
        const CompareAndSet& request = requests[sent[i].index];
        addScript(commands, by_name, internal::kCompareAndSetScript, request.key,
                  {request.expected_prefix, request.value, sent[i].millis});
      });
  for (std::size_t i = 0; i < sent.size(); ++i) {
    absl::Status answered = call.check(replies[i]);
    if (answered.ok() && !replies[i]->isInteger()) answered = call.unexpected();
    stored[first + sent[i].index] =
        answered.ok() ? absl::StatusOr<bool>(replies[i]->integer() == 1) : answered;
  }
}

// ---- Health ----

absl::Status RedisCache::ping(Deadline deadline) {
  absl::StatusOr<Call> call = core_->begin(deadline);
  if (!call.ok()) return call.status();
  RedisCommands commands;
  commands.add({"PING"});
  const absl::StatusOr<RedisReplies> replies = call->exchangeWithMaster(std::move(commands));
  return replies.ok() ? call->check(replies->front()) : replies.status();
}

Health RedisCache::healthCheck() {
  const MonotonicTime started = core_->clock.now();
  const absl::Status answered = ping();
  Health health{.component = "cache", .backend = "redis"};
  health.latency = core_->clock.now() - started;
  if (!answered.ok()) {
    health.state = HealthState::kFail;
    health.error = describe(answered);
  }
  return health;
}

}  // namespace strata
