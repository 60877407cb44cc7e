#include "strata/adapters/redis/redis_event_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/events/event_stream.h"
#include "adapters/events/pieces.h"
#include "adapters/redis/client/call.h"
#include "adapters/redis/client/client.h"
#include "adapters/redis/client/deployment.h"
#include "adapters/redis/client/subscriber.h"
#include "src/base/health_check.h"
#include "src/base/randomness.h"
#include "src/base/start_threads.h"
#include "strata/base/status.h"

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
constexpr internal::PieceLimits kOfOneRoundTrip{.messages = 1024, .bytes = 1024 * 1024};

absl::Status check(absl::Span<const EventMessage> messages) {
  for (const EventMessage& message : messages) {
    if (absl::Status fits = internal::checkSize(message, "redis"); !fits.ok()) return fits;
  }
  return absl::OkStatus();
}

absl::Status notTheMaster() {
  return absl::UnavailableError("the server that is listened to is not the master any more");
}

class RedisEventTransport final : public EventTransport, private internal::RedisListener {
 public:
  RedisEventTransport(std::shared_ptr<internal::RedisRouter> router, const Clock& clock,
                      const std::string& check_channel)
      : client_(std::move(router), clock, check_channel),
        // Another for each process, so that a cluster's nodes share the work; but always the same
        // node, for two of them could bring what they were given one after the other in any order.
        guard_key_(fmt::format("strata:event-transport:{:016x}", internal::randomSeed())) {}

  absl::Status start(EventReceiver& receiver, Deadline deadline) override;
  void subscribe(const std::string& channel) override { subscriber_->subscribe(channel); }
  void unsubscribe(const std::string& channel) override { subscriber_->unsubscribe(channel); }
  absl::Status waitUntilSubscribed(const std::string& channel, Deadline deadline) override {
    return subscriber_->waitUntilSubscribed(channel, deadline, client_.clock);
  }
  absl::Status send(absl::Span<const EventMessage> messages, Deadline deadline) override;
  std::string_view loopbackAdvice() const override {
    return "do all connections to this Redis lead to one server, and is there a proxy between that "
           "has no pub/sub?";
  }
  void relisten(const absl::Status& why) override { subscriber_->reconnect(why); }
  absl::Status ping(Deadline deadline) override;
  Health healthCheck() override;

 private:
  void onSubscribed(Incarnation /*server*/, bool /*after_gap*/) override { stream_->onWhole(); }
  void onMessage(std::string_view channel, std::string_view payload) override {
    if (channel != client_.check_key) stream_->onMessage(channel, payload);
  }
  void onLost(const absl::Status& why) override { stream_->onEnd(why); }
  void onFailed(const absl::Status& why) override { stream_->onEnd(why); }

  RedisSubscriberOptions howToListen();
  Addresses whereToListen(IoTime until);
  absl::Status prove(const RedisAddress& at, Incarnation server);
  absl::Status proveNode(const std::shared_ptr<RedisNode>& node, Incarnation server,
                         const RedisTimes& times);
  absl::Status sendPiece(absl::Span<const EventMessage> messages, Deadline deadline);
  absl::StatusOr<RedisAnswers> publish(absl::Span<const EventMessage> messages, Deadline deadline);

  const RedisClient client_;
  const std::string guard_key_;
  std::optional<internal::EventStream> stream_;
  // Made by `start`. Last, so that its thread ends before anything that it uses.
  std::optional<RedisSubscriber> subscriber_;
};

// ---- Listening ----

absl::Status RedisEventTransport::start(EventReceiver& receiver, Deadline deadline) {
  stream_.emplace(receiver, client_.clock);
  internal::RedisListener& listener = *this;
  // From the start on one channel at least, so that an ACL which forbids to subscribe is noticed.
  std::set<std::string> channels;
  if (!client_.check_key.empty()) channels.insert(client_.check_key);
  absl::Status started = internal::startThreads(
      "redis: listen to events", [&] { subscriber_.emplace(howToListen(), channels, listener); });
  if (!started.ok()) return started;
  const absl::Status listens = stream_->awaitStart(deadline);
  if (!listens.ok()) return annotate(listens, "redis: listen to events");
  const absl::Status sends = ping(deadline);
  // What else keeps it from sending may pass.
  const bool is_refused = absl::IsPermissionDenied(sends) || absl::IsFailedPrecondition(sends);
  return is_refused ? annotate(sends, "redis: send events") : absl::OkStatus();
}

RedisSubscriberOptions RedisEventTransport::howToListen() {
  const internal::RedisNodeOptions& node = client_.router->nodeOptions();
  return {
      .find = [this](IoTime until) { return whereToListen(until); },
      .login = node.login,
      .tls = node.tls,
      .resolver = node.resolver,
      .connect_timeout = node.connect_timeout,
      .of_cluster = node.of_cluster,
      .heartbeat = kHeartbeat,
      .prove = [this](const RedisAddress& at, Incarnation server) { return prove(at, server); }};
}

// In a cluster any master will do.
Addresses RedisEventTransport::whereToListen(IoTime until) {
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
absl::Status RedisEventTransport::prove(const RedisAddress& at, Incarnation server) {
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
absl::Status RedisEventTransport::proveNode(const std::shared_ptr<RedisNode>& node,
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

absl::Status RedisEventTransport::send(absl::Span<const EventMessage> messages, Deadline deadline) {
  if (absl::Status checked = check(messages); !checked.ok()) return checked;
  return internal::sendInPieces(
      messages, kOfOneRoundTrip,
      [&](absl::Span<const EventMessage> piece) { return sendPiece(piece, deadline); });
}

absl::StatusOr<RedisAnswers> RedisEventTransport::publish(absl::Span<const EventMessage> messages,
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
  return call.ask(**node, std::move(commands));
}

absl::Status RedisEventTransport::sendPiece(absl::Span<const EventMessage> messages,
                                            Deadline deadline) {
  const absl::StatusOr<RedisAnswers> answers = publish(messages, deadline);
  if (!answers.ok()) return answers.status();
  for (const internal::RedisAnswer& answer : *answers) {
    // A master that cannot store anything, for want of memory or of a disk, still publishes.
    if (answer.status.ok() || answer.only_reads) continue;
    client_.router->noteUnreachable();
    return answer.status;
  }
  return absl::OkStatus();
}

// Publishes on a channel without subscribers, because the user may lack the right to PUBLISH.
absl::Status RedisEventTransport::ping(Deadline deadline) {
  if (absl::Status met = client_.ping(deadline); !met.ok()) return met;
  const EventMessage nothing{.channel = client_.keysToTry().front(), .payload = {}};
  const absl::StatusOr<RedisAnswers> answers = publish({&nothing, 1}, deadline);
  if (!answers.ok()) return answers.status();
  const internal::RedisAnswer& guarded = answers->back();
  if (!guarded.status.ok() && !guarded.only_reads) return guarded.status;
  return client_.verdictOn(*answers);
}

Health RedisEventTransport::healthCheck() {
  Health health = internal::healthByCheck("event-transport", "redis", client_.clock,
                                          [this] { return ping({}); });
  const absl::Status listens =
      stream_ ? stream_->state() : absl::FailedPreconditionError("not started");
  if (!health.healthy() || listens.ok()) return health;
  health.state = HealthState::kFail;
  health.error = describe(annotate(listens, "redis: listen to events"));
  return health;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventTransport>> makeRedisEventTransport(const RedisOptions& options,
                                                                        const Clock& clock) {
  RedisOptions ours = options;
  // What is sent one after the other must arrive so.
  ours.max_connections = 1;
  auto router = internal::makeRedisRouter(ours);
  if (!router.ok()) return router.status();
  return std::make_unique<RedisEventTransport>(*std::move(router), clock, options.check_key);
}

}  // namespace strata
