#include "strata/adapters/redis/redis_event_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/redis/redis_call.h"
#include "adapters/redis/redis_client.h"
#include "adapters/redis/redis_deployment.h"
#include "adapters/redis/redis_subscriber.h"
#include "src/core/event_stream.h"
#include "src/core/randomness.h"
#include "strata/core/status.h"

namespace strata {
namespace {

using internal::IoTime;
using internal::RedisAddress;
using internal::RedisAnswers;
using internal::RedisCall;
using internal::RedisClient;
using internal::RedisCommands;
using internal::RedisNode;
using internal::RedisSubscriber;
using internal::RedisSubscriberOptions;
using internal::RedisTimes;

using Addresses = absl::StatusOr<std::vector<RedisAddress>>;

constexpr std::chrono::seconds kHeartbeat(1);
// So long the subscriber waits to learn whether it listens to the right server.
constexpr absl::Duration kProof = absl::Milliseconds(300);
// Of one round trip.
constexpr std::size_t kMostMessages = 1024;
constexpr std::size_t kMostBytes = 1024 * 1024;
constexpr std::size_t kLargestPayload = 16 * 1024 * 1024;

// How many of the first messages make one round trip: at least one.
std::size_t pieceOf(absl::Span<const EventMessage> messages) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < messages.size() && count < kMostMessages && bytes < kMostBytes) {
    bytes += messages[count++].payload.size();
  }
  return count;
}

absl::Status check(absl::Span<const EventMessage> messages) {
  const bool fit = std::all_of(messages.begin(), messages.end(), [](const EventMessage& message) {
    return message.payload.size() <= kLargestPayload;
  });
  return fit ? absl::OkStatus() : absl::InvalidArgumentError("redis: a payload above 16 MiB");
}

absl::Status notTheMaster() {
  return absl::UnavailableError("the server that is listened to is not the master any more");
}

}  // namespace

class RedisEventTransport::Core final : private internal::RedisListener {
 public:
  Core(const RedisOptions& options, std::shared_ptr<internal::RedisRouter> router,
       const Clock& clock)
      : client_(options, std::move(router), clock),
        // Another for each process, so that a cluster's nodes share the work; but always the same
        // node, for two of them could bring what they were given one after the other in any order.
        guard_key_(fmt::format("strata:event-transport:{:016x}", internal::randomSeed())) {}

  absl::Status start(EventReceiver& receiver, Deadline deadline);
  absl::Status send(absl::Span<const EventMessage> messages, Deadline deadline);
  absl::Status ping(Deadline deadline) const;
  Health health() const;
  // Only after start.
  RedisSubscriber& subscriber() { return *subscriber_; }
  const Clock& clock() const { return client_.clock; }

 private:
  void onSubscribed(Incarnation /*server*/, bool /*after_gap*/) override { stream_->onWhole(); }
  void onMessage(std::string_view channel, std::string_view payload) override {
    stream_->onMessage(channel, payload);
  }
  void onLost(const absl::Status& why) override { stream_->onEnd(why); }
  void onFailed(const absl::Status& why) override { stream_->onEnd(why); }

  RedisSubscriberOptions howToListen();
  Addresses whereToListen(IoTime until);
  absl::Status prove(const RedisAddress& at, Incarnation server);
  absl::Status proveNode(const std::shared_ptr<RedisNode>& node, Incarnation server,
                         const RedisTimes& times);
  absl::Status sendPiece(absl::Span<const EventMessage> messages, Deadline deadline);

  const RedisClient client_;
  const std::string guard_key_;
  std::optional<internal::EventStream> stream_;
  // Last, so that its thread ends before anything that it uses.
  std::optional<RedisSubscriber> subscriber_;
};

// ---- Listening ----

absl::Status RedisEventTransport::Core::start(EventReceiver& receiver, Deadline deadline) {
  stream_.emplace(receiver, client_.clock);
  internal::RedisListener& listener = *this;
  subscriber_.emplace(howToListen(), std::set<std::string>{}, listener);
  return annotate(stream_->awaitStart(deadline), "redis: listen to events");
}

RedisSubscriberOptions RedisEventTransport::Core::howToListen() {
  const internal::RedisNodeOptions& node = client_.router->nodeOptions();
  return {
      .find = [this](IoTime until) { return whereToListen(until); },
      .login = node.login,
      .tls = node.tls,
      .connect_timeout = node.connect_timeout,
      .heartbeat = kHeartbeat,
      .prove = [this](const RedisAddress& at, Incarnation server) { return prove(at, server); }};
}

// In a cluster any master will do.
Addresses RedisEventTransport::Core::whereToListen(IoTime until) {
  const IoTime now = std::chrono::steady_clock::now();
  const auto nodes = client_.router->all({.started = now, .deadline = until, .expires = until});
  if (!nodes.ok()) return nodes.status();
  std::vector<RedisAddress> addresses;
  absl::Status failed;
  for (const std::shared_ptr<RedisNode>& node : *nodes) {
    Addresses found = node->find(until);
    if (!found.ok()) failed = found.status();
    if (found.ok()) addresses.insert(addresses.end(), found->begin(), found->end());
  }
  if (addresses.empty() && !failed.ok()) return failed;
  if (nodes->size() > 1) {
    const auto first = static_cast<std::ptrdiff_t>(internal::randomSeed() % addresses.size());
    std::rotate(addresses.begin(), addresses.begin() + first, addresses.end());
  }
  return addresses;
}

// A server that was replaced may still answer, and bring nothing for ever.
absl::Status RedisEventTransport::Core::prove(const RedisAddress& at, Incarnation server) {
  auto times = client_.begin(Deadline::in(kProof, client_.clock));
  if (!times.ok()) return absl::OkStatus();
  if (const auto only = client_.router->only()) return proveNode(only, server, *times);
  const auto masters = client_.router->all(*times);
  if (!masters.ok()) return absl::OkStatus();
  for (const std::shared_ptr<RedisNode>& node : *masters) {
    const Addresses found = node->find(times->deadline);
    if (found.ok() && found->front() == at) return proveNode(node, server, *times);
  }
  return notTheMaster();
}

// That it does not answer proves nothing here: it has PINGs to answer.
absl::Status RedisEventTransport::Core::proveNode(const std::shared_ptr<RedisNode>& node,
                                                  Incarnation server, const RedisTimes& times) {
  RedisCall call(*client_.router, times);
  const bool is_cluster = client_.router->only() == nullptr;
  RedisCommands commands;
  commands.add({"PING"});
  if (is_cluster) commands.add({"CLUSTER", "INFO"});
  const absl::StatusOr<RedisAnswers> answers = call.askMaster(*node, std::move(commands));
  if (answers.ok() && is_cluster && answers->back().status.ok() &&
      answers->back().reply->text().find("cluster_state:ok") == std::string_view::npos) {
    return absl::UnavailableError("the node that is listened to is cut off from its cluster");
  }
  return answers.ok() && node->incarnation() != server ? notTheMaster() : absl::OkStatus();
}

// ---- Sending ----

absl::Status RedisEventTransport::Core::send(absl::Span<const EventMessage> messages,
                                             Deadline deadline) {
  absl::Status status = check(messages);
  while (status.ok() && !messages.empty()) {
    const std::size_t piece = pieceOf(messages);
    status = sendPiece(messages.subspan(0, piece), deadline);
    messages.remove_prefix(piece);
  }
  return status;
}

absl::Status RedisEventTransport::Core::sendPiece(absl::Span<const EventMessage> messages,
                                                  Deadline deadline) {
  const auto times = client_.begin(deadline);
  if (!times.ok()) return times.status();
  const auto node = client_.router->route(guard_key_, *times);
  if (!node.ok()) return node.status();
  RedisCommands commands;
  for (const EventMessage& message : messages) {
    commands.add({"PUBLISH", message.channel, message.payload});
  }
  commands.add({"DEL", guard_key_});
  RedisCall call(*client_.router, *times);
  const RedisAnswers answers = call.ask(**node, std::move(commands));
  for (const internal::RedisAnswer& answer : answers) {
    // A master that cannot store anything, for want of memory or of a disk, still publishes.
    if (answer.status.ok() || answer.only_reads) continue;
    client_.router->noteUnreachable();
    return answer.status;
  }
  return absl::OkStatus();
}

absl::Status RedisEventTransport::Core::ping(Deadline deadline) const {
  return client_.ping(deadline);
}

Health RedisEventTransport::Core::health() const {
  Health health = client_.healthOf("event-transport");
  const absl::Status listens =
      stream_ ? stream_->state() : absl::FailedPreconditionError("not started");
  if (!health.healthy() || listens.ok()) return health;
  health.state = HealthState::kFail;
  health.error = describe(annotate(listens, "redis: listen to events"));
  return health;
}

// ---- The public class ----

absl::StatusOr<std::unique_ptr<RedisEventTransport>> RedisEventTransport::create(
    const RedisOptions& options, const Clock& clock) {
  RedisOptions ours = options;
  // What is sent one after the other must arrive so.
  ours.max_connections = 1;
  auto router = internal::makeRedisRouter(ours);
  if (!router.ok()) return router.status();
  auto core = std::make_unique<Core>(ours, *std::move(router), clock);
  return std::unique_ptr<RedisEventTransport>(new RedisEventTransport(std::move(core)));
}

RedisEventTransport::RedisEventTransport(std::unique_ptr<Core> core) : core_(std::move(core)) {}
RedisEventTransport::~RedisEventTransport() = default;

absl::Status RedisEventTransport::start(EventReceiver& receiver, Deadline deadline) {
  return core_->start(receiver, deadline);
}
void RedisEventTransport::subscribe(const std::string& channel) {
  core_->subscriber().subscribe(channel);
}
void RedisEventTransport::unsubscribe(const std::string& channel) {
  core_->subscriber().unsubscribe(channel);
}
absl::Status RedisEventTransport::waitUntilSubscribed(const std::string& channel,
                                                      Deadline deadline) {
  return core_->subscriber().waitUntilSubscribed(channel, deadline, core_->clock());
}
absl::Status RedisEventTransport::send(absl::Span<const EventMessage> messages, Deadline deadline) {
  return core_->send(messages, deadline);
}
absl::Status RedisEventTransport::ping(Deadline deadline) { return core_->ping(deadline); }
Health RedisEventTransport::healthCheck() { return core_->health(); }

}  // namespace strata
