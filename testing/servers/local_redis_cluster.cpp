#include "strata/testing/servers/local_redis_cluster.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <sstream>
#include <utility>

#include "strata/base/status.h"
#include "strata/testing/eventually.h"
#include "testing/servers/local_guard.h"
#include "testing/servers/redis_tls.h"

namespace strata::testing {
namespace {

constexpr absl::Duration kReadyTimeout = absl::Seconds(60);
constexpr int kKeysAtOnce = 100;

bool isUp(const LocalRedis& node) { return node.pid() != 0 && !node.frozen(); }

bool replies(LocalRedis& node, const std::vector<std::string>& command, const std::string& line) {
  const absl::StatusOr<std::string> reply = node.command(command);
  return reply.ok() && reply->find(line) != std::string::npos;
}

// A line of CLUSTER NODES: what one node thinks of another, or of itself.
struct View {
  std::string id;
  std::string flags;
  std::string master;
  std::string link;
  // Each as "7" or "0-5460"; those on the move are told in other words.
  std::vector<std::string> slots;

  bool is(const char* flag) const { return ("," + flags + ",").find(flag) != std::string::npos; }
};

View parseView(const std::string& line) {
  View view;
  std::string address;
  std::string number;
  std::istringstream words(line);
  words >> view.id >> address >> view.flags >> view.master >> number >> number >> number >>
      view.link;
  for (std::string slots; words >> slots;) view.slots.push_back(slots);
  return view;
}

absl::StatusOr<std::vector<View>> viewsOf(LocalRedis& node) {
  const absl::StatusOr<std::string> text = node.command({"CLUSTER", "NODES"});
  if (!text.ok()) return text.status();
  std::vector<View> views;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) views.push_back(parseView(line));
  return views;
}

bool serves(const View& view, int slot) {
  return std::any_of(view.slots.begin(), view.slots.end(), [slot](const std::string& range) {
    int first = -1;
    const char* const end = range.data() + range.size();
    const auto [rest, error] = std::from_chars(range.data(), end, first);
    int last = first;
    if (rest != end && *rest == '-') std::from_chars(rest + 1, end, last);
    return error == std::errc() && first <= slot && slot <= last;
  });
}

// The id of the node that `asked` says serves the slot.
absl::StatusOr<std::string> ownerAccordingTo(LocalRedis& asked, int slot) {
  const absl::StatusOr<std::vector<View>> views = viewsOf(asked);
  if (!views.ok()) return views.status();
  for (const View& view : *views) {
    if (serves(view, slot)) return view.id;
  }
  return absl::UnavailableError(fmt::format("nobody serves slot {}", slot));
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalRedisCluster>> LocalRedisCluster::start(
    LocalRedisClusterOptions options) {
  absl::StatusOr<std::unique_ptr<internal::Guard>> guard = internal::Guard::start();
  if (!guard.ok()) return guard.status();
  std::unique_ptr<LocalRedisCluster> made(
      new LocalRedisCluster(*std::move(guard), std::move(options)));
  using Step = absl::Status (LocalRedisCluster::*)();
  for (const Step step : {&LocalRedisCluster::startNodes, &LocalRedisCluster::assignSlots,
                          &LocalRedisCluster::introduce, &LocalRedisCluster::addReplicas,
                          &LocalRedisCluster::awaitReady}) {
    if (absl::Status status = ((*made).*step)(); !status.ok()) return status;
  }
  return made;
}

LocalRedisCluster::LocalRedisCluster(std::unique_ptr<internal::Guard> guard,
                                     LocalRedisClusterOptions options)
    : options_(std::move(options)), guard_(std::move(guard)) {}

LocalRedisCluster::~LocalRedisCluster() = default;

absl::Status LocalRedisCluster::startNodes() {
  if (options_.tls) {
    auto made = TestCertificates::create(guard_->folder() + "/certificates");
    if (!made.ok()) return made.status();
    certificates_ = *std::move(made);
  }
  std::vector<std::string> arguments = {
      "--repl-diskless-sync-delay", "0", "--cluster-node-timeout",
      std::to_string(absl::ToInt64Milliseconds(options_.node_timeout))};
  if (!options_.password.empty()) {
    arguments.insert(arguments.end(), {"--masterauth", options_.password});
  }
  if (options_.tls) {
    const auto more = internal::redisTlsArgumentsAmongServers(*certificates_);
    arguments.insert(arguments.end(), more.begin(), more.end());
  }
  arguments.insert(arguments.end(), options_.redis_args.begin(), options_.redis_args.end());
  const int count = options_.masters * (1 + options_.replicas_per_master);
  for (int i = 0; i < count; ++i) {
    nodes_.emplace_back(new LocalRedis(*guard_, {.name = fmt::format("redis-{}", i + 1),
                                                 .password = options_.password,
                                                 .arguments = arguments,
                                                 .tls = options_.tls,
                                                 .cluster = true}));
    if (absl::Status status = nodes_.back()->initialise(); !status.ok()) return status;
    if (absl::Status status = nodes_.back()->startOnFreePort(false); !status.ok()) return status;
    const absl::StatusOr<std::string> id = nodes_.back()->command({"CLUSTER", "MYID"});
    if (!id.ok()) return id.status();
    ids_.push_back(*id);
  }
  return absl::OkStatus();
}

absl::Status LocalRedisCluster::assignSlots() {
  for (int i = 0; i < options_.masters; ++i) {
    const int first = kSlots * i / options_.masters;
    const int last = kSlots * (i + 1) / options_.masters - 1;
    LocalRedis& master = *nodes_[static_cast<std::size_t>(i)];
    absl::Status status =
        master.command({"CLUSTER", "ADDSLOTSRANGE", std::to_string(first), std::to_string(last)})
            .status();
    // Nodes that meet with the same epoch must first settle which of them gets another.
    status.Update(master.command({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)}).status());
    if (!status.ok()) return annotate(status, "assigning slots");
  }
  return absl::OkStatus();
}

absl::Status LocalRedisCluster::introduce() {
  for (std::size_t i = 1; i < nodes_.size(); ++i) {
    const absl::Status met =
        nodes_[0]
            ->command({"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[i]->ownPort()),
                       std::to_string(nodes_[i]->sparePort())})
            .status();
    if (!met.ok()) return annotate(met, "introducing a node");
  }
  const auto all_know_all = [this] {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!knowsAll(i)) return false;
    }
    return true;
  };
  return eventually(all_know_all, kReadyTimeout)
             ? absl::OkStatus()
             : absl::DeadlineExceededError("the nodes do not get to know each other");
}

absl::Status LocalRedisCluster::addReplicas() {
  for (std::size_t i = masters(); i < nodes_.size(); ++i) {
    const std::size_t master =
        (i - masters()) / static_cast<std::size_t>(options_.replicas_per_master);
    const absl::Status status = nodes_[i]->command({"CLUSTER", "REPLICATE", ids_[master]}).status();
    if (!status.ok()) return annotate(status, "making a replica");
  }
  return absl::OkStatus();
}

absl::Status LocalRedisCluster::awaitReady() {
  const auto all_ready = [this] {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!isReady(i)) return false;
    }
    return true;
  };
  if (eventually(all_ready, kReadyTimeout)) return absl::OkStatus();
  return absl::DeadlineExceededError("the cluster does not get ready");
}

bool LocalRedisCluster::knowsAll(std::size_t index) {
  const absl::StatusOr<std::vector<View>> views = viewsOf(*nodes_[index]);
  return views.ok() && views->size() == nodes_.size() &&
         std::all_of(views->begin(), views->end(), [](const View& view) {
           return !view.is(",handshake,") && !view.is(",noaddr,") && view.link == "connected";
         });
}

bool LocalRedisCluster::isReady(std::size_t index) {
  LocalRedis& node = *nodes_[index];
  const absl::StatusOr<std::vector<View>> views = viewsOf(node);
  if (!views.ok() || !replies(node, {"CLUSTER", "INFO"}, "cluster_state:ok")) return false;
  if (!replies(node, {"CLUSTER", "INFO"}, fmt::format("cluster_slots_ok:{}\r", kSlots)))
    return false;
  const auto replicas = std::count_if(views->begin(), views->end(),
                                      [](const View& view) { return view.is(",slave,"); });
  const bool is_replica = index >= masters();
  return replicas == options_.masters * options_.replicas_per_master &&
         (!is_replica || replies(node, {"INFO", "replication"}, "master_link_status:up"));
}

bool LocalRedisCluster::allAreOk() {
  return std::all_of(nodes_.begin(), nodes_.end(), [](const auto& node) {
    return !isUp(*node) || replies(*node, {"CLUSTER", "INFO"}, "cluster_state:ok");
  });
}

std::string LocalRedisCluster::url() const {
  std::string hosts;
  for (std::size_t i = 0; i < masters(); ++i) {
    hosts += fmt::format("{}127.0.0.1:{}", i == 0 ? "" : ",", nodes_[i]->port());
  }
  const std::string& password = options_.password;
  const std::string credentials = password.empty() ? "" : fmt::format(":{}@", password);
  return fmt::format("{}://{}{}", options_.tls ? "rediss+cluster" : "redis+cluster", credentials,
                     hosts);
}

absl::StatusOr<std::size_t> LocalRedisCluster::indexOf(const std::string& id) const {
  const auto found = std::find(ids_.begin(), ids_.end(), id);
  if (found == ids_.end()) return absl::InternalError("the cluster has a node that is not ours");
  return static_cast<std::size_t>(found - ids_.begin());
}

absl::StatusOr<int> LocalRedisCluster::slotOf(const std::string& key) {
  for (const auto& node : nodes_) {
    if (!isUp(*node)) continue;
    const absl::StatusOr<std::string> slot = node->command({"CLUSTER", "KEYSLOT", key});
    if (!slot.ok()) return slot.status();
    return std::stoi(*slot);
  }
  return absl::UnavailableError("no node runs");
}

absl::StatusOr<std::size_t> LocalRedisCluster::ownerOf(int slot) {
  std::string agreed;
  for (const auto& node : nodes_) {
    if (!isUp(*node)) continue;
    const absl::StatusOr<std::string> owner = ownerAccordingTo(*node, slot);
    if (!owner.ok()) return owner.status();
    if (agreed.empty()) agreed = *owner;
    if (agreed != *owner) return absl::UnavailableError("the nodes do not agree");
  }
  if (agreed.empty()) return absl::UnavailableError("no node runs");
  return indexOf(agreed);
}

absl::Status LocalRedisCluster::beginMove(int slot, std::size_t to) {
  const absl::StatusOr<std::size_t> from = ownerOf(slot);
  if (!from.ok()) return from.status();
  const std::string number = std::to_string(slot);
  // The receiver first, or a client that is sent on would be sent back.
  absl::Status status =
      nodes_[to]->command({"CLUSTER", "SETSLOT", number, "IMPORTING", ids_[*from]}).status();
  if (!status.ok()) return annotate(status, "importing a slot");
  status = nodes_[*from]->command({"CLUSTER", "SETSLOT", number, "MIGRATING", ids_[to]}).status();
  return annotate(status, "migrating a slot");
}

absl::StatusOr<int> LocalRedisCluster::migrateKeys(int slot, std::size_t to, int limit) {
  const absl::StatusOr<std::size_t> from = ownerOf(slot);
  if (!from.ok()) return from.status();
  int moved = 0;
  while (moved < limit) {
    const std::string count = std::to_string(std::min(limit - moved, kKeysAtOnce));
    const absl::StatusOr<std::vector<std::string>> keys =
        nodes_[*from]->elements({"CLUSTER", "GETKEYSINSLOT", std::to_string(slot), count});
    if (!keys.ok()) return keys.status();
    if (keys->empty()) break;
    std::vector<std::string> migrate = {
        "MIGRATE", "127.0.0.1", std::to_string(nodes_[to]->ownPort()), "", "0", "10000"};
    if (!options_.password.empty()) migrate.insert(migrate.end(), {"AUTH", options_.password});
    migrate.emplace_back("KEYS");
    migrate.insert(migrate.end(), keys->begin(), keys->end());
    const absl::Status status = nodes_[*from]->command(migrate).status();
    if (!status.ok()) return annotate(status, "migrating keys");
    moved += static_cast<int>(keys->size());
  }
  return moved;
}

absl::Status LocalRedisCluster::endMove(int slot, std::size_t to) {
  const absl::StatusOr<std::size_t> from = ownerOf(slot);
  if (!from.ok()) return from.status();
  const std::string number = std::to_string(slot);
  const auto left = nodes_[*from]->command({"CLUSTER", "COUNTKEYSINSLOT", number});
  if (!left.ok()) return left.status();
  if (*left != "0") return absl::FailedPreconditionError(fmt::format("{} keys are left", *left));
  // The receiver first, so that at every moment there is an owner; the others hear of it from the
  // two.
  for (const std::size_t node : {to, *from}) {
    const absl::Status status =
        nodes_[node]->command({"CLUSTER", "SETSLOT", number, "NODE", ids_[to]}).status();
    if (!status.ok()) return annotate(status, "giving a slot to another node");
  }
  return awaitOwnerOtherThan(slot, *from).status();
}

absl::Status LocalRedisCluster::moveSlot(int slot, std::size_t to) {
  if (absl::Status status = beginMove(slot, to); !status.ok()) return status;
  if (auto moved = migrateKeys(slot, to); !moved.ok()) return moved.status();
  return endMove(slot, to);
}

absl::StatusOr<std::size_t> LocalRedisCluster::replicaOf(std::size_t master) {
  const absl::StatusOr<std::vector<View>> views = viewsOf(*nodes_[master]);
  if (!views.ok()) return views.status();
  for (const View& view : *views) {
    if (!view.is(",slave,") || view.master != ids_[master]) continue;
    absl::StatusOr<std::size_t> index = indexOf(view.id);
    if (!index.ok() || isUp(*nodes_[*index])) return index;
  }
  return absl::FailedPreconditionError("no replica of this node runs");
}

absl::StatusOr<std::size_t> LocalRedisCluster::failOver(int slot, absl::Duration timeout) {
  const absl::StatusOr<std::size_t> owner = ownerOf(slot);
  if (!owner.ok()) return owner.status();
  const absl::StatusOr<std::size_t> replica = replicaOf(*owner);
  if (!replica.ok()) return replica.status();
  const absl::Status asked = nodes_[*replica]->command({"CLUSTER", "FAILOVER"}).status();
  if (!asked.ok()) return annotate(asked, "failing over");
  return awaitOwnerOtherThan(slot, *owner, timeout);
}

absl::StatusOr<std::size_t> LocalRedisCluster::awaitOwnerOtherThan(int slot, std::size_t node,
                                                                   absl::Duration timeout) {
  absl::StatusOr<std::size_t> now;
  const auto agreed = [&] {
    now = ownerOf(slot);
    return now.ok() && *now != node && allAreOk();
  };
  if (eventually(agreed, timeout)) return now;
  return absl::DeadlineExceededError(now.ok() ? "the slot stays where it is, or not all is well"
                                              : describe(now.status()));
}

}  // namespace strata::testing
