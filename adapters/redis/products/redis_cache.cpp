#include "strata/adapters/redis/redis_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "adapters/redis/client/call.h"
#include "adapters/redis/client/client.h"
#include "adapters/redis/client/deployment.h"
#include "adapters/redis/client/scan.h"
#include "adapters/redis/products/seen_keys.h"
#include "adapters/redis/wire/command.h"
#include "adapters/redis_dialect/arguments.h"
#include "adapters/redis_dialect/scripts.h"
#include "src/base/health_check.h"
#include "src/cache/cache_ttl.h"

namespace strata {
namespace {

using internal::millisText;
using internal::RedisAnswer;
using internal::RedisCommands;
using internal::RedisNode;
using Call = internal::RedisCall;
using Dialect = Call::Dialect;
using Value = std::optional<std::string>;

constexpr std::size_t kChunk = internal::kMaxKeysPerCommand;
// Of fewer keys a read costs no less than a lease.
constexpr std::size_t kFewLeases = 4;
// From here on one command for all is worth the transaction around it.
constexpr std::size_t kManyReads = 16;

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

Value textOf(const internal::RedisValue& value) {
  return value.isText() && !value.isError() ? Value(value.text()) : Value();
}

}  // namespace

struct RedisCache::Core : internal::RedisClient {
  using RedisClient::RedisClient;

  std::vector<absl::StatusOr<Value>> getEach(Call& call, absl::Span<const std::string> keys);
  static std::vector<absl::Status> removeFrom(Call& call, RedisNode& node,
                                              absl::Span<const std::string> keys);
  static std::vector<absl::Status> removeOneByOne(Call& call, absl::Span<const std::string> keys);
  // Which of the requests are to be leased: all, but for those that a read has answered already.
  std::vector<std::size_t> readWhatWasSeen(Call& call, absl::Span<const LeaseRequest> requests,
                                           std::vector<absl::StatusOr<LeaseReply>>& answers);
  void noteSeen(absl::Span<const LeaseRequest> requests,
                absl::Span<const absl::StatusOr<LeaseReply>> answers);
  // Reads what is there, at the price of one plain read: the rest is to be leased.
  std::vector<std::size_t> readFenced(Call& call, RedisNode& node,
                                      absl::Span<const LeaseRequest> requests,
                                      std::vector<absl::StatusOr<LeaseReply>>& answers);
  // Takes what was found under the i-th key, none where nothing was, and the answer that says so.
  using NoteRead = absl::FunctionRef<void(std::size_t, Value, const RedisAnswer&)>;
  static void readEachFenced(Call& call, RedisNode& node, absl::Span<const LeaseRequest> requests,
                             NoteRead note);
  static void readTogetherFenced(Call& call, RedisNode& node,
                                 absl::Span<const LeaseRequest> requests, NoteRead note);
  void leaseEach(Call& call, absl::Span<const LeaseRequest> requests, absl::Duration ttl,
                 absl::Span<const std::size_t> which,
                 std::vector<absl::StatusOr<LeaseReply>>& answers);
  void readWithoutLease(Call& call, RedisNode& node, absl::Span<const LeaseRequest> requests,
                        absl::Span<const std::size_t> which,
                        std::vector<absl::StatusOr<LeaseReply>>& answers);

  // Does once what a store needs: a lease, a fill, a read and a removal, in one round trip.
  absl::Status tryEverything(const internal::RedisTimes& times);

  // The server refuses what readFenced needs.
  std::atomic<bool> no_fenced_reads{false};
  internal::SeenKeys seen;
};

// ---- Creation ----

absl::StatusOr<std::shared_ptr<RedisCache>> RedisCache::create(RedisOptions options,
                                                               const Clock& clock,
                                                               std::shared_ptr<Metrics> metrics,
                                                               std::shared_ptr<Executor> executor) {
  auto router =
      internal::makeRedisRouter(options, internal::RedisNodeGuard{.breaker = options.node_breaker,
                                                                  .metrics = std::move(metrics),
                                                                  .clock = &clock,
                                                                  .executor = std::move(executor)});
  if (!router.ok()) return router.status();
  auto core = std::make_unique<Core>(*std::move(router), clock, options.check_key);
  return std::shared_ptr<RedisCache>(new RedisCache(std::move(core)));
}

RedisCache::RedisCache(std::unique_ptr<Core> core) : core_(std::move(core)) {}
RedisCache::~RedisCache() = default;

CacheCapabilities RedisCache::capabilities() const {
  return {.fenced_reads = true, .incarnation = !core_->router->isBlind()};
}

Incarnation RedisCache::incarnation(std::string_view key) const {
  return core_->router->incarnation(key);
}

// ---- Plain reads and writes ----

std::vector<absl::StatusOr<Value>> RedisCache::getMany(absl::Span<const std::string> keys,
                                                       Deadline deadline) {
  if (keys.empty()) return {};
  const auto times = core_->begin(deadline);
  if (!times.ok()) return toAll<Value>(keys.size(), times.status());
  Call call(*core_->router, *times);
  const std::shared_ptr<RedisNode> node = core_->router->only();
  if (node == nullptr) return core_->getEach(call, keys);
  RedisCommands commands;
  forEachChunk(keys.size(), [&](std::size_t first, std::size_t count) {
    std::vector<std::string_view> words{"MGET"};
    words.insert(words.end(), keys.begin() + first, keys.begin() + first + count);
    commands.add(words);
  });
  const auto answers = call.ask(*node, std::move(commands));
  std::vector<absl::StatusOr<Value>> values;
  values.reserve(keys.size());
  forEachChunk(keys.size(), [&](std::size_t first, std::size_t count) {
    const RedisAnswer& answer = answers[first / kChunk];
    absl::Status status = answer.status;
    if (status.ok() && answer.reply->size() != count) status = Call::unexpected(answer);
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(status.ok() ? absl::StatusOr<Value>(textOf(answer.reply->at(i))) : status);
    }
  });
  return values;
}

std::vector<absl::StatusOr<Value>> RedisCache::Core::getEach(Call& call,
                                                             absl::Span<const std::string> keys) {
  const auto answers = call.ask(
      keys.size(), [&](std::size_t i) { return std::string_view(keys[i]); },
      [&](RedisCommands& commands, std::size_t i, const Dialect& /*dialect*/) {
        commands.add({"GET", keys[i]});
      });
  std::vector<absl::StatusOr<Value>> values;
  values.reserve(keys.size());
  for (const RedisAnswer& answer : answers) {
    values.push_back(answer.status.ok() ? absl::StatusOr<Value>(textOf(*answer.reply))
                                        : answer.status);
  }
  return values;
}

absl::Status RedisCache::set(const std::string& key, std::string_view value, absl::Duration ttl,
                             Deadline deadline) {
  const absl::StatusOr<absl::Duration> checked = internal::checkedTtl(ttl);
  if (!checked.ok()) return checked.status();
  const auto times = core_->begin(deadline);
  if (!times.ok()) return times.status();
  const std::string millis = millisText(*checked);
  return Call(*core_->router, *times, /*may_repeat=*/false)
      .ask(
          1, [&](std::size_t /*i*/) { return std::string_view(key); },
          [&](RedisCommands& commands, std::size_t /*i*/, const Dialect& /*dialect*/) {
            commands.add({"SET", key, value, "PX", millis});
          })
      .front()
      .status;
}

absl::Status RedisCache::remove(absl::Span<const std::string> keys, Deadline deadline) {
  absl::Status first;
  for (absl::Status& removed : removeEach(keys, deadline)) first.Update(std::move(removed));
  return first;
}

std::vector<absl::Status> RedisCache::removeEach(absl::Span<const std::string> keys,
                                                 Deadline deadline) {
  if (keys.empty()) return {};
  for (const std::string& key : keys) core_->seen.note(internal::SeenKeys::hashOf(key), false);
  const auto times = core_->begin(deadline);
  if (!times.ok()) return std::vector<absl::Status>(keys.size(), times.status());
  Call call(*core_->router, *times);
  const std::shared_ptr<RedisNode> node = core_->router->only();
  return node == nullptr ? Core::removeOneByOne(call, keys) : Core::removeFrom(call, *node, keys);
}

namespace {

// A server that another one has taken the place of meanwhile was the wrong one to tell.
absl::Status removedFromThePresent(const RedisAnswer& answer) {
  if (!answer.status.ok() || answer.incarnation == answer.node->incarnation()) {
    return answer.status;
  }
  return absl::UnavailableError(
      fmt::format("redis at {}: the server was replaced during the removal", answer.node->name()));
}

}  // namespace

std::vector<absl::Status> RedisCache::Core::removeFrom(Call& call, RedisNode& node,
                                                       absl::Span<const std::string> keys) {
  RedisCommands commands;
  forEachChunk(keys.size(), [&](std::size_t first, std::size_t count) {
    std::vector<std::string_view> words{"UNLINK"};
    words.insert(words.end(), keys.begin() + first, keys.begin() + first + count);
    commands.add(words);
  });
  const auto answers = call.ask(node, std::move(commands));
  std::vector<absl::Status> removed;
  removed.reserve(keys.size());
  forEachChunk(keys.size(), [&](std::size_t first, std::size_t count) {
    removed.resize(first + count, removedFromThePresent(answers[first / kChunk]));
  });
  return removed;
}

std::vector<absl::Status> RedisCache::Core::removeOneByOne(Call& call,
                                                           absl::Span<const std::string> keys) {
  const auto answers = call.ask(
      keys.size(), [&](std::size_t i) { return std::string_view(keys[i]); },
      [&](RedisCommands& commands, std::size_t i, const Dialect& /*dialect*/) {
        commands.add({"UNLINK", keys[i]});
      });
  std::vector<absl::Status> removed;
  removed.reserve(keys.size());
  for (const RedisAnswer& answer : answers) removed.push_back(removedFromThePresent(answer));
  return removed;
}

// ---- Fenced fills ----

namespace {

// An ACL forbids the command, or the server does not know it.
bool isRefused(const absl::Status& status) {
  return absl::IsPermissionDenied(status) || absl::IsFailedPrecondition(status);
}

void addLease(RedisCommands& commands, const Dialect& dialect, const LeaseRequest& request,
              std::string_view millis) {
  if (dialect.has_set_nx_get) {
    return commands.add({"SET", request.key, request.cell, "NX", "GET", "PX", millis});
  }
  addScript(commands, dialect, internal::kGetOrLeaseScript, request.key, {request.cell, millis});
}

void addFill(RedisCommands& commands, const Dialect& dialect, const CompareAndSet& request,
             std::string_view millis) {
  addScript(commands, dialect, internal::kCompareAndSetScript, request.key,
            {request.expected_prefix, request.value, millis});
}

}  // namespace

std::vector<absl::StatusOr<LeaseReply>> RedisCache::getOrLease(
    absl::Span<const LeaseRequest> requests, absl::Duration ttl, Deadline deadline) {
  if (requests.empty()) return {};
  const absl::StatusOr<absl::Duration> checked = internal::checkedTtl(ttl);
  if (!checked.ok()) return toAll<LeaseReply>(requests.size(), checked.status());
  const auto times = core_->begin(deadline);
  if (!times.ok()) return toAll<LeaseReply>(requests.size(), times.status());
  Call reading(*core_->router, *times);
  std::vector<absl::StatusOr<LeaseReply>> answers(requests.size(), LeaseReply{});
  const auto to_lease = core_->readWhatWasSeen(reading, requests, answers);
  // Never sent twice: one that was cut off may be executed late, and would give back what a
  // deletion has taken since (docs/decisions/0011-a-lease-is-sent-once.md).
  Call leasing(*core_->router, *times, /*may_repeat=*/false);
  if (to_lease.empty()) return answers;  // each was seen before
  core_->leaseEach(leasing, requests, *checked, to_lease, answers);
  core_->noteSeen(requests, answers);
  return answers;
}

// A read is cheaper than leases, but where a key is absent it has cost a round trip. So keys are read
// only where each of them was there the last time (docs/decisions/0008-fenced-reads.md).
std::vector<std::size_t> RedisCache::Core::readWhatWasSeen(
    Call& call, absl::Span<const LeaseRequest> requests,
    std::vector<absl::StatusOr<LeaseReply>>& answers) {
  const std::shared_ptr<RedisNode> node =
      requests.size() < kFewLeases || no_fenced_reads ? nullptr : router->only();
  const bool reads = node != nullptr && node->hasSetNxGet() &&
                     std::all_of(requests.begin(), requests.end(), [this](const auto& request) {
                       return seen.has(internal::SeenKeys::hashOf(request.key));
                     });
  if (reads) return readFenced(call, *node, requests, answers);
  std::vector<std::size_t> all(requests.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

void RedisCache::Core::noteSeen(absl::Span<const LeaseRequest> requests,
                                absl::Span<const absl::StatusOr<LeaseReply>> answers) {
  if (requests.size() < kFewLeases) return;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!answers[i].ok()) continue;
    seen.note(internal::SeenKeys::hashOf(requests[i].key), answers[i]->found.has_value());
  }
}

// A plain read is answered by a demoted master, too; GETEX is not, for it is a command of the
// writing kind, though without options it changes nothing. So it reads as safely as a lease would,
// and cheaper. Of many keys one MGET is cheaper still, in a transaction with a GETEX that makes the
// server refuse it where it would refuse a write (docs/decisions/0008-fenced-reads.md).
std::vector<std::size_t> RedisCache::Core::readFenced(
    Call& call, RedisNode& node, absl::Span<const LeaseRequest> requests,
    std::vector<absl::StatusOr<LeaseReply>>& answers) {
  std::vector<std::size_t> absent;
  const auto note = [&](std::size_t i, Value found, const RedisAnswer& answer) {
    if (isRefused(answer.status)) no_fenced_reads = true;
    if (found) {
      answers[i] = LeaseReply{.found = std::move(found), .incarnation = answer.incarnation};
    } else {
      absent.push_back(i);
    }
  };
  if (requests.size() < kManyReads) {
    readEachFenced(call, node, requests, note);
  } else {
    readTogetherFenced(call, node, requests, note);
  }
  return absent;
}

void RedisCache::Core::readEachFenced(Call& call, RedisNode& node,
                                      absl::Span<const LeaseRequest> requests, NoteRead note) {
  RedisCommands commands;
  for (const LeaseRequest& request : requests) commands.add({"GETEX", request.key});
  const auto answers = call.ask(node, std::move(commands));
  for (std::size_t i = 0; i < requests.size(); ++i) {
    note(i, answers[i].status.ok() ? textOf(*answers[i].reply) : std::nullopt, answers[i]);
  }
}

void RedisCache::Core::readTogetherFenced(Call& call, RedisNode& node,
                                          absl::Span<const LeaseRequest> requests, NoteRead note) {
  constexpr std::size_t kCommands = 4;
  RedisCommands commands;
  forEachChunk(requests.size(), [&](std::size_t first, std::size_t count) {
    commands.add({"MULTI"});
    commands.add({"GETEX", requests[first].key});
    std::vector<std::string_view> words{"MGET"};
    for (std::size_t i = 0; i < count; ++i) words.push_back(requests[first + i].key);
    commands.add(words);
    commands.add({"EXEC"});
  });
  const auto replies = call.ask(node, std::move(commands));
  forEachChunk(requests.size(), [&](std::size_t first, std::size_t count) {
    const RedisAnswer* const step = &replies[first / kChunk * kCommands];
    const RedisAnswer& queued = step[1];
    const RedisAnswer& done = step[kCommands - 1];
    const bool answered =
        done.status.ok() && done.reply->size() == 2 && done.reply->at(1).size() == count;
    for (std::size_t i = 0; i < count; ++i) {
      note(first + i, answered ? textOf(done.reply->at(1).at(i)) : std::nullopt,
           queued.status.ok() ? done : queued);
    }
  });
}

namespace {

absl::StatusOr<LeaseReply> leaseReply(const RedisAnswer& answer) {
  if (!answer.status.ok()) return answer.status;
  LeaseReply reply{.incarnation = answer.incarnation};
  if (answer.reply->isNil()) {
    reply.leased = true;
  } else if (answer.reply->isText()) {
    reply.found = std::string(answer.reply->text());
  } else {
    return Call::unexpected(answer);
  }
  return reply;
}

}  // namespace

void RedisCache::Core::leaseEach(Call& call, absl::Span<const LeaseRequest> requests,
                                 absl::Duration ttl, absl::Span<const std::size_t> which,
                                 std::vector<absl::StatusOr<LeaseReply>>& answers) {
  const std::string millis = millisText(ttl);
  const auto replies = call.ask(
      which.size(), [&](std::size_t i) { return requests[which[i]].key; },
      [&](RedisCommands& commands, std::size_t i, const Dialect& dialect) {
        addLease(commands, dialect, requests[which[i]], millis);
      });
  std::map<RedisNode*, std::vector<std::size_t>> only_readable;
  for (std::size_t i = 0; i < which.size(); ++i) {
    answers[which[i]] = leaseReply(replies[i]);
    if (replies[i].only_reads) only_readable[replies[i].node].push_back(which[i]);
  }
  for (const auto& [node, readable] : only_readable) {
    readWithoutLease(call, *node, requests, readable, answers);
  }
}

// A master that cannot store still answers GET. But so does one that was demoted, and its "out of
// memory" may come before its "read only". So the server is asked in the same round trip who it is.
void RedisCache::Core::readWithoutLease(Call& call, RedisNode& node,
                                        absl::Span<const LeaseRequest> requests,
                                        absl::Span<const std::size_t> which,
                                        std::vector<absl::StatusOr<LeaseReply>>& answers) {
  if (node.isBlind()) return;  // it does not tell who it is
  RedisCommands commands;
  for (const std::size_t i : which) commands.add({"GET", requests[i].key});
  const auto replies = call.askMaster(node, std::move(commands));
  for (std::size_t i = 0; i < which.size(); ++i) {
    absl::StatusOr<LeaseReply>& answer = answers[which[i]];
    answer = replies.ok() ? leaseReply((*replies)[i]) : replies.status();
    if (answer.ok()) answer->leased = false;
  }
}

std::vector<absl::StatusOr<bool>> RedisCache::compareAndSet(
    absl::Span<const CompareAndSet> requests, Deadline deadline) {
  if (requests.empty()) return {};
  const auto times = core_->begin(deadline);
  if (!times.ok()) return toAll<bool>(requests.size(), times.status());
  std::vector<absl::StatusOr<bool>> stored(requests.size(), false);
  std::vector<std::size_t> sent;
  std::vector<std::string> millis;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const absl::StatusOr<absl::Duration> ttl = internal::checkedTtl(requests[i].ttl);
    if (!ttl.ok()) {
      stored[i] = ttl.status();
      continue;
    }
    sent.push_back(i);
    millis.push_back(millisText(*ttl));
  }
  Call call(*core_->router, *times);
  const auto answers = call.ask(
      sent.size(), [&](std::size_t i) { return requests[sent[i]].key; },
      [&](RedisCommands& commands, std::size_t i, const Dialect& dialect) {
        addFill(commands, dialect, requests[sent[i]], millis[i]);
      },
      [&](std::size_t i) { return requests[sent[i]].incarnation; });
  for (std::size_t i = 0; i < sent.size(); ++i) {
    const RedisAnswer& answer = answers[i];
    if (absl::IsAborted(answer.status)) continue;  // another incarnation: not stored
    absl::Status status = answer.status;
    if (status.ok() && !answer.reply->isInteger()) status = Call::unexpected(answer);
    stored[sent[i]] = status.ok() ? absl::StatusOr<bool>(answer.reply->integer() == 1) : status;
  }
  return stored;
}

// ---- Listing ----

absl::StatusOr<KeyPage> RedisCache::scan(std::string_view prefix, const std::string& cursor,
                                         Deadline deadline) {
  const auto times = core_->begin(deadline);
  if (!times.ok()) return times.status();
  return internal::RedisScan(*core_->router, *times).next(prefix, cursor);
}

// ---- Health ----

absl::Status RedisCache::Core::tryEverything(const internal::RedisTimes& times) {
  constexpr std::size_t kSteps = 4;
  constexpr std::string_view kCell = "tried";
  constexpr std::string_view kMillis = "1000";
  const std::vector<std::string> keys = keysToTry();
  const bool is_cluster = router->only() == nullptr;
  Call call(*router, times);
  return verdictOn(call.ask(
      keys.size() * kSteps, [&](std::size_t i) { return std::string_view(keys[i / kSteps]); },
      [&](RedisCommands& commands, std::size_t i, const Dialect& dialect) {
        const std::string& key = keys[i / kSteps];
        switch (i % kSteps) {
          case 0:
            return addLease(commands, dialect, {key, kCell}, kMillis);
          case 1:
            return addFill(commands, dialect, {key, kCell, kCell, absl::Seconds(1)}, kMillis);
          case 2:
            return commands.add({is_cluster ? "GET" : "MGET", key});
          default:
            return commands.add({"UNLINK", key});
        }
      }));
}

absl::Status RedisCache::ping(Deadline deadline) {
  return core_->check(deadline, Core::LeftAlone::kAsked,
                      [this](const auto& times) { return core_->tryEverything(times); });
}

Health RedisCache::healthCheck() {
  return internal::healthByCheck("cache", "redis", core_->clock, [this] {
    return core_->check({}, Core::LeftAlone::kReported,
                        [this](const auto& times) { return core_->tryEverything(times); });
  });
}

}  // namespace strata
