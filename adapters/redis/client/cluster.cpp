#include "adapters/redis/client/cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "strata/base/status.h"

namespace strata::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kBetweenRefreshes(100);

// "127.0.0.1" of "127.0.0.1:6379", "::1" of "[::1]:6379".
std::string hostOf(const std::string& name) {
  const std::size_t colon = name.rfind(':');
  return name.starts_with('[') ? name.substr(1, colon - 2) : name.substr(0, colon);
}

}  // namespace

RedisCluster::RedisCluster(std::vector<RedisAddress> seeds, RedisNodeOptions options)
    : seeds_(std::move(seeds)), options_(std::move(options)) {}

// ---- Finding a node ----

std::shared_ptr<RedisNode> RedisCluster::Map::nodeOf(std::string_view key) const {
  const std::uint16_t owner = slots.owner[static_cast<std::size_t>(redisSlotOf(key))];
  return owner == RedisSlotMap::kNobody ? nullptr : masters[owner];
}

absl::StatusOr<std::shared_ptr<RedisNode>> RedisCluster::route(std::string_view key,
                                                               const RedisTimes& times) {
  absl::StatusOr<std::shared_ptr<const Map>> map = currentMap(times);
  if (!map.ok()) return map.status();
  if (std::shared_ptr<RedisNode> node = (*map)->nodeOf(key)) return node;
  noteUnreachable();
  return absl::UnavailableError("redis cluster: no node has the slot of the key");
}

absl::StatusOr<std::vector<std::shared_ptr<RedisNode>>> RedisCluster::all(const RedisTimes& times) {
  absl::StatusOr<std::shared_ptr<const Map>> map = currentMap(times);
  if (!map.ok()) return map.status();
  return (*map)->masters;
}

std::optional<RedisRedirect> RedisCluster::redirect(const RedisNode& from, std::string_view error) {
  std::optional<RedisPointer> pointer = parseRedisPointer(error);
  if (!pointer) return std::nullopt;
  if (!pointer->asking) noteUnreachable();  // the map is wrong
  if (pointer->address.host.empty()) pointer->address.host = hostOf(from.name());
  return RedisRedirect{.node = nodeAt(pointer->address), .asking = pointer->asking};
}

Incarnation RedisCluster::incarnation(std::string_view key) const {
  const std::shared_ptr<const Map> known = map();
  const std::shared_ptr<RedisNode> node = known == nullptr ? nullptr : known->nodeOf(key);
  return node == nullptr ? Incarnation{} : node->incarnation();
}

bool RedisCluster::isBlind() const {
  const std::shared_ptr<const Map> known = map();
  return known != nullptr && std::any_of(known->masters.begin(), known->masters.end(),
                                         [](const auto& node) { return node->isBlind(); });
}

bool RedisCluster::mostServe() const {
  if (!options_.guard) return false;
  const std::shared_ptr<const Map> known = map();
  if (known == nullptr) return false;
  const auto serving = std::count_if(known->masters.begin(), known->masters.end(),
                                     [](const auto& node) { return !node->isFailing(); });
  return 2 * static_cast<std::size_t>(serving) > known->masters.size();
}

std::shared_ptr<RedisNode> RedisCluster::nodeAt(const RedisAddress& address) {
  const std::string name = address.describe();
  {
    const std::lock_guard lock(mutex_);
    const auto known = nodes_.find(name);
    if (known != nodes_.end()) return known->second;
  }
  RedisFinder find = [address](IoTime /*until*/) { return std::vector{address}; };
  auto made = std::make_shared<RedisNode>(name, std::move(find), options_);
  const std::lock_guard lock(mutex_);
  return nodes_.try_emplace(name, std::move(made)).first->second;
}

// ---- The map ----

std::shared_ptr<const RedisCluster::Map> RedisCluster::map() const {
  const std::lock_guard lock(mutex_);
  return map_;
}

absl::StatusOr<std::shared_ptr<const RedisCluster::Map>> RedisCluster::currentMap(
    const RedisTimes& times) {
  std::shared_ptr<const Map> known = map();
  if (known != nullptr && !is_stale_.load(std::memory_order_relaxed)) return known;
  std::unique_lock refreshing(refreshing_, std::defer_lock);
  if (known != nullptr) {
    if (!refreshing.try_lock()) return known;
    if (times.started - refreshed_at_ < kBetweenRefreshes) return known;
  } else {
    const IoTime enough = times.expires + options_.connect_timeout;
    if (!refreshing.try_lock_until(std::min(times.deadline, enough))) {
      return absl::DeadlineExceededError("redis cluster: its map of slots is not known yet");
    }
    if ((known = map()) != nullptr) return known;
  }
  absl::Status refreshed = refresh(times);
  // An old map is better than none: servers tell who comes to the wrong one.
  if (!refreshed.ok() && known == nullptr) return annotate(refreshed, "redis cluster");
  return map();
}

absl::Status RedisCluster::refresh(const RedisTimes& times) {
  is_stale_.store(false, std::memory_order_relaxed);
  absl::StatusOr<RedisSlotMap> slots = askForMap(times);
  refreshed_at_ = steady_clock::now();
  if (!slots.ok()) {
    noteUnreachable();
    return slots.status();
  }
  auto made = std::make_shared<Map>();
  for (const RedisAddress& address : slots->masters) made->masters.push_back(nodeAt(address));
  made->slots = *std::move(slots);
  std::map<std::string, std::shared_ptr<RedisNode>> nodes;
  for (const std::shared_ptr<RedisNode>& node : made->masters) nodes.emplace(node->name(), node);
  std::shared_ptr<const Map> map = std::move(made);
  const std::lock_guard lock(mutex_);
  // The end of a node that is gone may wait for its breaker's probe: after the lock.
  nodes_.swap(nodes);
  map_.swap(map);
  return absl::OkStatus();
}

// The known masters first: any that still answers has the new map. Masters that failed when they were
// last asked come last, so that no caller waits for them here.
std::vector<RedisAddress> RedisCluster::whomToAsk() const {
  std::vector<RedisAddress> addresses;
  std::vector<RedisAddress> failing;
  if (const std::shared_ptr<const Map> known = map()) {
    for (std::size_t i = 0; i < known->masters.size(); ++i) {
      const bool fails = known->masters[i]->isFailing();
      (fails ? failing : addresses).push_back(known->slots.masters[i]);
    }
  }
  const auto holds = [](const std::vector<RedisAddress>& in, const RedisAddress& seed) {
    return std::find(in.begin(), in.end(), seed) != in.end();
  };
  for (const RedisAddress& seed : seeds_) {
    if (!holds(addresses, seed) && !holds(failing, seed)) addresses.push_back(seed);
  }
  addresses.insert(addresses.end(), failing.begin(), failing.end());
  return addresses;
}

absl::StatusOr<RedisSlotMap> RedisCluster::askForMap(const RedisTimes& times) {
  const RedisIntroduction introduction{.login = &options_.login,
                                       .tls = options_.tls.get(),
                                       .resolver = options_.resolver.get(),
                                       .must_be_master = false};
  RedisCommands question;
  question.add({"CLUSTER", "SLOTS"});
  const std::vector<RedisAddress> addresses = whomToAsk();
  const IoTime enough = std::max(times.started, steady_clock::now()) + options_.connect_timeout;
  const IoTime until = std::min(times.deadline, enough);
  absl::Status failed;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const IoTime share = endOfShare(until, addresses.size() - i);
    auto connection = RedisConnection::open(addresses[i], introduction, share);
    if (!connection.ok()) {
      failed = annotate(connection.status(), addresses[i].describe());
      continue;
    }
    const RedisReplies replies = (*connection)->exchange(question, share);
    absl::StatusOr<RedisSlotMap> slots = replies.front().ok()
                                             ? parseRedisSlots(*replies.front(), addresses[i].host)
                                             : replies.front().status();
    if (slots.ok() && !slots->masters.empty()) return slots;
    failed = slots.ok() ? absl::UnavailableError("no node of the cluster has slots")
                        : annotate(slots.status(), addresses[i].describe());
  }
  return failed;
}

}  // namespace strata::internal
