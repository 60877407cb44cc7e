#include "strata/testing/servers/local_sentinel.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "strata/base/status.h"
#include "strata/testing/eventually.h"
#include "testing/servers/local_guard.h"
#include "testing/servers/redis_tls.h"

namespace strata::testing {
namespace {

constexpr absl::Duration kReadyTimeout = absl::Seconds(60);

constexpr const char* kName = LocalSentinel::kMasterName.data();

bool isUp(const LocalRedis& server) { return server.pid() != 0 && !server.frozen(); }

bool replies(LocalRedis& server, const std::vector<std::string>& command, const std::string& line) {
  const absl::StatusOr<std::string> reply = server.command(command);
  return reply.ok() && reply->find(line) != std::string::npos;
}

bool saysItIsMaster(LocalRedis& server) {
  return replies(server, {"INFO", "replication"}, "role:master");
}

bool follows(LocalRedis& replica, std::uint16_t master_port) {
  return replies(replica, {"INFO", "replication"},
                 fmt::format("master_port:{}\r\n", master_port)) &&
         replies(replica, {"INFO", "replication"}, "master_link_status:up");
}

// One of the pairs that a sentinel tells about the master; empty if it cannot.
std::string fieldOf(LocalRedis& sentinel, const std::string& field) {
  const auto pairs = sentinel.elements({"SENTINEL", "MASTER", kName});
  for (std::size_t i = 0; pairs.ok() && i + 1 < pairs->size(); i += 2) {
    if ((*pairs)[i] == field) return (*pairs)[i + 1];
  }
  return "";
}

// With the defaults they look at a server every ten seconds and tell each other every two, and
// after a pause (of this machine, most likely) they do nothing for half a minute.
absl::Status hurry(LocalRedis& sentinel) {
  return sentinel
      .command({"SENTINEL", "DEBUG", "INFO-PERIOD", "500", "PUBLISH-PERIOD", "250", "TILT-TRIGGER",
                "20000"})
      .status();
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalSentinel>> LocalSentinel::start(LocalSentinelOptions options) {
  absl::StatusOr<std::unique_ptr<internal::Guard>> guard = internal::Guard::start();
  if (!guard.ok()) return guard.status();
  std::unique_ptr<LocalSentinel> all(new LocalSentinel(*std::move(guard), std::move(options)));
  if (absl::Status status = all->startServers(); !status.ok()) return status;
  if (absl::Status status = all->startSentinels(); !status.ok()) return status;
  if (absl::Status status = all->awaitReady(); !status.ok()) return status;
  return all;
}

LocalSentinel::LocalSentinel(std::unique_ptr<internal::Guard> guard, LocalSentinelOptions options)
    : options_(std::move(options)), guard_(std::move(guard)) {}

LocalSentinel::~LocalSentinel() = default;

absl::Status LocalSentinel::startServers() {
  if (options_.tls) {
    auto made = TestCertificates::create(guard_->folder() + "/certificates");
    if (!made.ok()) return made.status();
    certificates_ = *std::move(made);
  }
  // Without the delay a master waits five seconds for more replicas to come.
  std::vector<std::string> arguments = {"--repl-diskless-sync-delay", "0"};
  if (!options_.password.empty()) {
    arguments.insert(arguments.end(), {"--masterauth", options_.password});
  }
  if (options_.tls) {
    const auto more = internal::redisTlsArgumentsAmongServers(*certificates_);
    arguments.insert(arguments.end(), more.begin(), more.end());
  }
  arguments.insert(arguments.end(), options_.redis_args.begin(), options_.redis_args.end());
  for (int i = 0; i <= options_.replicas; ++i) {
    // In its file, where the sentinels keep who follows whom over a restart.
    std::string configuration =
        i == 0 ? "" : fmt::format("replicaof 127.0.0.1 {}\n", servers_[0]->port());
    servers_.emplace_back(new LocalRedis(*guard_, {.name = fmt::format("redis-{}", i + 1),
                                                   .password = options_.password,
                                                   .arguments = arguments,
                                                   .configuration = std::move(configuration),
                                                   .tls = options_.tls}));
    if (absl::Status status = servers_.back()->initialise(); !status.ok()) return status;
    if (absl::Status status = servers_.back()->startOnFreePort(false); !status.ok()) return status;
  }
  // The sentinels hear of replicas from the master, so it must know them by then.
  const bool ready = eventually([this] { return replicasFollow(*servers_[0]); }, kReadyTimeout);
  return ready ? absl::OkStatus() : absl::DeadlineExceededError("the replicas do not follow");
}

std::string LocalSentinel::sentinelConfiguration() const {
  std::string text = fmt::format(
      "sentinel resolve-hostnames no\n"
      "sentinel monitor {0} 127.0.0.1 {1} {2}\n"
      "sentinel down-after-milliseconds {0} {3}\n"
      "sentinel failover-timeout {0} 2000\n",
      kName, servers_[0]->port(), options_.sentinels / 2 + 1,
      absl::ToInt64Milliseconds(options_.down_after));
  if (!options_.password.empty()) {
    text += fmt::format("sentinel auth-pass {} \"{}\"\n", kName, options_.password);
  }
  return text;
}

absl::Status LocalSentinel::startSentinels() {
  std::vector<std::string> arguments{"--sentinel"};
  if (options_.tls) {
    const auto more = internal::redisTlsArgumentsAmongServers(*certificates_);
    arguments.insert(arguments.end(), more.begin(), more.end());
  }
  for (int i = 0; i < options_.sentinels; ++i) {
    sentinels_.emplace_back(new LocalRedis(*guard_, {.name = fmt::format("sentinel-{}", i + 1),
                                                     .arguments = arguments,
                                                     .configuration = sentinelConfiguration(),
                                                     .tls = options_.tls}));
    LocalRedis& sentinel = *sentinels_.back();
    if (absl::Status status = sentinel.initialise(); !status.ok()) return status;
    if (absl::Status status = sentinel.startOnFreePort(false); !status.ok()) return status;
    if (absl::Status status = hurry(sentinel); !status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status LocalSentinel::awaitReady() {
  const auto ready = [this] {
    return master().ok() && std::all_of(sentinels_.begin(), sentinels_.end(),
                                        [this](auto& each) { return sentinelIsReady(*each); });
  };
  if (eventually(ready, kReadyTimeout)) return absl::OkStatus();
  return absl::DeadlineExceededError("the sentinels do not find each other");
}

bool LocalSentinel::sentinelIsReady(LocalRedis& sentinel) const {
  return fieldOf(sentinel, "flags") == "master" &&
         fieldOf(sentinel, "num-slaves") == std::to_string(options_.replicas) &&
         fieldOf(sentinel, "num-other-sentinels") == std::to_string(options_.sentinels - 1);
}

bool LocalSentinel::replicasFollow(const LocalRedis& master) const {
  return std::all_of(servers_.begin(), servers_.end(), [&](const auto& server) {
    return server.get() == &master || !isUp(*server) || follows(*server, master.port());
  });
}

std::string LocalSentinel::url() const {
  std::string hosts;
  for (const auto& sentinel : sentinels_) {
    hosts += fmt::format("{}127.0.0.1:{}", hosts.empty() ? "" : ",", sentinel->port());
  }
  const std::string& password = options_.password;
  const std::string credentials = password.empty() ? "" : fmt::format(":{}@", password);
  return fmt::format("{}://{}{}/{}", options_.tls ? "rediss+sentinel" : "redis+sentinel",
                     credentials, hosts, kName);
}

absl::StatusOr<LocalRedis*> LocalSentinel::master() {
  std::string agreed;
  for (const auto& sentinel : sentinels_) {
    if (!isUp(*sentinel)) continue;
    const auto address = sentinel->elements({"SENTINEL", "GET-MASTER-ADDR-BY-NAME", kName});
    if (!address.ok()) return annotate(address.status(), "asking a sentinel for the master");
    if (agreed.empty()) agreed = address->back();
    if (agreed != address->back()) return absl::UnavailableError("the sentinels do not agree");
  }
  for (const auto& server : servers_) {
    if (std::to_string(server->port()) != agreed) continue;
    if (isUp(*server) && saysItIsMaster(*server)) return server.get();
  }
  return absl::UnavailableError("there is no master at this moment");
}

absl::StatusOr<LocalRedis*> LocalSentinel::failOver(absl::Duration timeout) {
  const absl::StatusOr<LocalRedis*> old = master();
  if (!old.ok()) return old.status();
  absl::Status asked = absl::UnavailableError("no sentinel runs");
  // It refuses while another failover is not quite done, or no replica was looked at lately.
  const auto ask = [&] {
    const auto up = std::find_if(sentinels_.begin(), sentinels_.end(),
                                 [](const auto& sentinel) { return isUp(*sentinel); });
    if (up != sentinels_.end()) asked = (*up)->command({"SENTINEL", "FAILOVER", kName}).status();
    return asked.ok();
  };
  if (!eventually(ask, timeout)) return absl::DeadlineExceededError(asked.message());
  return awaitMasterOtherThan((*old)->port(), timeout);
}

absl::StatusOr<LocalRedis*> LocalSentinel::awaitMasterOtherThan(std::uint16_t port,
                                                                absl::Duration timeout) {
  absl::StatusOr<LocalRedis*> now;
  const auto agreed = [&] {
    now = master();
    return now.ok() && (*now)->port() != port && replicasFollow(**now);
  };
  if (eventually(agreed, timeout)) return now;
  return absl::DeadlineExceededError(
      now.ok() ? "the sentinels keep the master, or its replicas do not follow it"
               : describe(now.status()));
}

}  // namespace strata::testing
