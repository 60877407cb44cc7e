#include "adapters/redis/client/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "adapters/redis_dialect/errors.h"
#include "src/base/backoff.h"
#include "src/base/starved_wait.h"
#include "src/base/unshared_status.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

using std::chrono::steady_clock;

// Far beyond the timeouts of a probe.
constexpr std::chrono::hours kLongProbe(1);

// Of the answers to PING and CLUSTER INFO. That either is forbidden says nothing about the rest.
absl::Status whyItDoesNotServe(const RedisLink::Request& request) {
  if (!request.refused.ok()) return request.refused;
  for (const absl::StatusOr<RedisReply>& reply : request.replies) {
    if (!reply->isError()) continue;
    absl::Status error = redisErrorStatus(reply->text());
    if (absl::IsUnavailable(error)) return error;
  }
  const RedisReply& info = *request.replies.back();
  if (info.isText() && info.text().find("cluster_state:fail") != std::string_view::npos) {
    return absl::UnavailableError("the node is cut off from its cluster");
  }
  return absl::OkStatus();
}

}  // namespace

RedisNode::RedisNode(std::string name, RedisFinder find, RedisNodeOptions options)
    : name_(std::move(name)),
      find_(std::move(find)),
      options_(std::move(options)),
      introduction_{.login = &options_.login,
                    .tls = options_.tls.get(),
                    .resolver = options_.resolver.get(),
                    .patience = options_.command_timeout,
                    .of_cluster = options_.of_cluster,
                    .refusals = &refusals_},
      random_(std::random_device{}()) {
  for (std::size_t i = 0; i < options_.connections; ++i) {
    links_.push_back(std::make_unique<RedisLink>(*this));
  }
  if (!options_.guard) return;
  const RedisNodeGuard& guard = *options_.guard;
  CircuitBreakerOptions breaker = guard.breaker;
  breaker.name += "@" + name_;
  breaker_ = std::make_unique<CircuitBreaker>(
      std::move(breaker), [this] { return probe(); }, guard.metrics, *guard.clock, guard.executor);
}

// A few callers are served best by a connection each, a crowd by as few as will do: the more
// commands share a round trip, the less each costs. Measured on two cores with 32 threads:
// 124 000 calls a second over one connection, 104 000 over two, 74 000 over four.
RedisLink& RedisNode::link() {
  constexpr std::size_t kCrowd = 4;
  constexpr std::size_t kFull = 128;
  RedisLink* best = links_.front().get();
  for (const auto& link : links_) {
    const std::size_t load = link->load();
    if (load >= kCrowd && load < kFull) return *link;
    // Among links that have nothing to do, one that is open.
    if (load == 0 && link->isOpen()) return *link;
    if (load < best->load()) best = link.get();
  }
  return *best;
}

std::optional<RedisAddress> RedisNode::address() const {
  const std::lock_guard lock(mutex_);
  return address_;
}

void RedisNode::retireAll() {
  for (const auto& link : links_) link->retire();
}

void RedisNode::resetInChild() {
  abandon(mutex_);
  for (const auto& link : links_) link->resetInChild();
}

// ---- Connecting ----

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisNode::connect(const RedisTimes& times) {
  if (absl::Status may = mayTry(times); !may.ok()) return may;
  std::uint64_t begun = 0;
  {
    const std::lock_guard lock(mutex_);
    begun = ++begun_;
  }
  const IoTime enough = steady_clock::now() + options_.connect_timeout;
  const StarvedWaitScope scope("redis_connect", options_.connect_timeout, times.deadline);
  auto connection = tryAddresses(std::min(enough, times.deadline));
  if (!connection.ok()) {
    // A caller without the time to connect, or the processor, tells nothing about the server.
    const bool hurried = absl::IsDeadlineExceeded(connection.status()) &&
                         (times.deadline < enough || scope.isStarved());
    if (!hurried) noteFailure(connection.status());
    return scope.judge(connection.status());
  }
  if (absl::Status fits = checkKind((*connection)->server()); !fits.ok()) {
    noteFailure(fits);
    return fits;
  }
  if (!adopt((*connection)->server(), begun)) {
    return absl::UnavailableError("the server was replaced while connecting");
  }
  return connection;
}

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisNode::tryAddresses(IoTime until) {
  absl::StatusOr<std::vector<RedisAddress>> addresses = find_(until);
  if (!addresses.ok()) return addresses.status();
  absl::StatusOr<RedisOpened> opened = openFirstOf(*addresses, introduction_, until);
  if (!opened.ok()) return opened.status();
  const std::lock_guard lock(mutex_);
  address_ = std::move(opened->address);
  return std::move(opened->connection);
}

absl::Status RedisNode::mayTry(const RedisTimes& times) const {
  const std::lock_guard lock(mutex_);
  if (failures_ == 0 || times.insists || times.started >= try_again_) return absl::OkStatus();
  const bool timed_out = absl::IsDeadlineExceeded(last_failure_);
  return restated(last_failure_, timed_out ? absl::StatusCode::kUnavailable : last_failure_.code(),
                  fmt::format("{} (a moment ago, {} in a row)",
                              std::string(last_failure_.message()), failures_));
}

void RedisNode::noteUseless(const absl::Status& why) {
  {
    const std::lock_guard lock(mutex_);
    // A call and its repetition may be cut off by chance.
    constexpr int kByChance = 2;
    if (++useless_ <= kByChance) return;
  }
  noteFailure(why);
}

void RedisNode::noteUseful() {
  const std::lock_guard lock(mutex_);
  useless_ = 0;
  failures_ = 0;
}

void RedisNode::noteFailure(const absl::Status& status) {
  const std::lock_guard lock(mutex_);
  ++failures_;
  try_again_ = steady_clock::now() + backoffAfter(failures_, random_);
  last_failure_ = unshared(status);
}

bool RedisNode::adopt(const RedisServerInfo& server, std::uint64_t begun) {
  std::optional<Incarnation> before;
  {
    const std::lock_guard lock(mutex_);
    const bool is_known = life_ == server.incarnation;
    if (!is_known && begun < told_by_) return false;
    told_by_ = std::max(told_by_, begun);
    if (is_known) return true;
    before = std::exchange(life_, server.incarnation);
    has_set_nx_get_.store(server.has_set_nx_get, std::memory_order_relaxed);
    is_blind_.store(server.incarnation == Incarnation{}, std::memory_order_relaxed);
    life_now_.store(server.incarnation.value, std::memory_order_relaxed);
    is_known_.store(true, std::memory_order_release);
  }
  if (before) retireAll();
  tell(server, before.has_value());
  return true;
}

void RedisNode::tell(const RedisServerInfo& server, bool before) const {
  if (server.incarnation != Incarnation{}) {
    if (before) log(Severity::kWarning, "strata.redis.server_replaced", {{"server", name_}});
    return;
  }
  if (options_.told_of_silence->exchange(true)) return;
  log(Severity::kWarning, "strata.redis.info_refused",
      {{"server", name_},
       {"why", std::string(server.silence)},
       {"lost",
        "what a restart or a failover brings back is believed until its time to live ends, keys "
        "cannot be listed, and nothing is read while the server cannot write"}});
}

// ---- One of several ----

void RedisNode::noteCall(const absl::Status& outcome) {
  if (isFailing() == outcome.ok()) is_failing_.store(!outcome.ok(), std::memory_order_relaxed);
  if (breaker_ == nullptr) return;
  outcome.ok() ? breaker_->noteSuccess() : breaker_->noteFailure(outcome);
}

absl::Status RedisNode::probe() {
  const IoTime now = steady_clock::now();
  RedisLink::Request request;
  request.times = {.started = now,
                   .deadline = now + kLongProbe,
                   .expires = now + options_.command_timeout,
                   .insists = true};
  request.commands.add({"PING"});
  request.commands.add({"CLUSTER", "INFO"});
  RedisLink& link = this->link();
  link.submit(request);
  link.await(request);
  absl::Status outcome = annotate(whyItDoesNotServe(request), "redis at " + name_);
  is_failing_.store(!outcome.ok(), std::memory_order_relaxed);
  return outcome;
}

// ---- A node of a cluster that is taken for a lone server ----

absl::Status RedisNode::noteIsOfCluster() {
  RedisAddress address;
  {
    const std::lock_guard lock(mutex_);
    is_of_cluster_ = true;
    if (address_) address = *address_;
  }
  retireAll();
  return nodeOfCluster(address, options_.tls != nullptr);
}

absl::Status RedisNode::checkKind(const RedisServerInfo& server) {
  const std::lock_guard lock(mutex_);
  if (server.silence.empty()) is_of_cluster_ = false;
  return is_of_cluster_ ? nodeOfCluster(*address_, options_.tls != nullptr) : absl::OkStatus();
}

}  // namespace strata::internal
