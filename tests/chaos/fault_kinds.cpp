#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "tests/chaos/faults.h"

namespace strata::chaos {
namespace {

using testing::LocalPostgres;
using testing::LocalRedis;
using testing::TcpProxy;
using Way = TcpProxy::Way;
using How = TcpProxy::How;
using Mode = TcpProxy::Mode;

const auto kNothing = [] {};

class Kinds {
 public:
  Kinds(Rig& rig, std::mt19937_64& random) : rig_(rig), random_(random) {}

  std::vector<Fault> all() {
    addRedisLinks();
    addRedisServer();
    addRedisContents();
    addDatabase();
    addClients();
    return std::move(faults_);
  }

 private:
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least +
           static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(most - least + 1));
  }
  std::size_t anySlot() { return random_() % rig_.control().processes; }

  using Break = std::function<void(TcpProxy&)>;
  void addRedisLink(const char* name, Break break_it) {
    const std::size_t slot = anySlot();
    TcpProxy& link = rig_.redisLink(slot);
    faults_.push_back({.name = name,
                       .resource = fmt::format("redis link {}", slot),
                       .slot = static_cast<int>(slot),
                       .begin = [break_it = std::move(break_it), &link] { break_it(link); },
                       .end = [&link] { link.heal(); }});
  }

  void addRedisLinks() {
    const absl::Duration delay = absl::Milliseconds(between(5, 120));
    const Way way = random_() % 2 == 0 ? Way::kToServer : Way::kToClient;
    const auto bytes = static_cast<std::size_t>(between(0, 200));
    addRedisLink("redis_link_delay", [=](TcpProxy& link) { link.setDelay(way, delay); });
    addRedisLink("redis_link_silent_to_server",
                 [](TcpProxy& link) { link.setSilent(Way::kToServer, true); });
    addRedisLink("redis_link_silent_to_client",
                 [](TcpProxy& link) { link.setSilent(Way::kToClient, true); });
    addRedisLink("redis_link_hang", [](TcpProxy& link) { link.setMode(Mode::kSilent); });
    addRedisLink("redis_link_refuse", [](TcpProxy& link) { link.setMode(Mode::kRefuse); });
    addRedisLink("redis_link_reset", [](TcpProxy& link) { link.closeConnections(How::kReset); });
    addRedisLink("redis_link_fin", [](TcpProxy& link) { link.closeConnections(How::kFin); });
    addRedisLink("redis_link_cut_mid_reply",
                 [=](TcpProxy& link) { link.cutAfter(Way::kToClient, bytes, How::kReset); });
    addRedisLink("redis_link_cut_mid_request",
                 [=](TcpProxy& link) { link.cutAfter(Way::kToServer, bytes, How::kReset); });
    addRedisLink("redis_link_trickle", [=](TcpProxy& link) { link.setTrickle(way, true); });
  }

  void addRedis(const char* name, std::function<void()> begin, std::function<void()> end) {
    faults_.push_back(
        {.name = name, .resource = "redis", .begin = std::move(begin), .end = std::move(end)});
  }

  void addRedisServer() {
    LocalRedis& redis = rig_.redis();
    addRedis(
        "redis_freeze", [&redis] { require(redis.freeze(), "freezing Redis"); },
        [&redis] { require(redis.resume(), "resuming Redis"); });
    addRedis(
        "redis_restart_empty", [&redis] { require(redis.kill(), "killing Redis"); },
        [&redis] {
          require(redis.dropSnapshot(), "the snapshot");
          require(redis.start(), "starting Redis");
        });
    // What was deleted since is back at once, and has not expired yet.
    const auto restart_old = [&redis] {
      require(redis.kill(), "killing Redis");
      require(redis.start(), "starting Redis");
    };
    const auto save = [&redis] { require(redis.save(), "saving Redis"); };
    addRedis("redis_restart_old_snapshot", save, restart_old);
    addRedis("redis_restart_old_snapshot_again", save, restart_old);
  }

  // A command to begin with and one to end with.
  void addCommands(const char* name, std::vector<std::string> first,
                   std::vector<std::string> last) {
    const auto run = [&redis = rig_.redis()](std::vector<std::string> command) {
      return [&redis, command = std::move(command)] {
        if (!command.empty()) require(redis.command(command).status(), "a command of Redis");
      };
    };
    addRedis(name, run(std::move(first)), run(std::move(last)));
  }

  void addRedisContents() {
    addCommands("redis_flushall", {"FLUSHALL"}, {});
    addCommands("redis_script_flush", {"SCRIPT", "FLUSH"}, {});
    addCommands("redis_client_kill", {"CLIENT", "KILL", "TYPE", "normal"}, {});
    addCommands("redis_out_of_memory",
                {"CONFIG", "SET", "maxmemory-policy", "noeviction", "maxmemory", "1"},
                {"CONFIG", "SET", "maxmemory", "0"});
    addCommands("redis_evicts",
                {"CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "1300kb"},
                {"CONFIG", "SET", "maxmemory", "0"});
  }

  void addDatabase() {
    LocalPostgres& postgres = rig_.postgres();
    faults_.push_back(
        {.name = "postgres_terminate",
         .resource = "postgres",
         .excuses = true,
         .begin =
             [&postgres] {
               require(
                   postgres
                       .query(
                           "SET client_min_messages = error; SELECT pg_terminate_backend(pid) FROM "
                           "pg_stat_activity WHERE pid <> pg_backend_pid() "
                           "AND backend_type = 'client backend'")
                       .status(),
                   "pg_terminate_backend");
             },
         .end = kNothing});
    faults_.push_back({.name = "postgres_restart",
                       .resource = "postgres",
                       .excuses = true,
                       .begin = [&postgres] { require(postgres.kill(), "killing PostgreSQL"); },
                       .end = [&postgres] { require(postgres.start(), "starting PostgreSQL"); }});
    const absl::Duration delay = absl::Milliseconds(between(5, 200));
    const auto bytes = static_cast<std::size_t>(between(0, 400));
    addDatabaseLink("database_link_delay",
                    [delay](TcpProxy& link) { link.setDelay(Way::kToServer, delay); });
    // The commit happens, and nobody hears of it.
    addDatabaseLink("database_link_cut_mid_reply",
                    [bytes](TcpProxy& link) { link.cutAfter(Way::kToClient, bytes, How::kReset); });
  }

  void addDatabaseLink(const char* name, Break break_it) {
    const std::size_t slot = anySlot();
    TcpProxy& link = rig_.databaseLink(slot);
    faults_.push_back({.name = name,
                       .resource = fmt::format("database link {}", slot),
                       .slot = static_cast<int>(slot),
                       .excuses = true,
                       .begin = [break_it = std::move(break_it), &link] { break_it(link); },
                       .end = [&link] { link.heal(); }});
  }

  void addClients() {
    const std::size_t killed = anySlot();
    faults_.push_back({.name = "client_kill",
                       .resource = fmt::format("client {}", killed),
                       .slot = static_cast<int>(killed),
                       .excuses = true,
                       .begin = [this_rig = &rig_, killed] { this_rig->killClient(killed); },
                       .end = [this_rig = &rig_, killed] { this_rig->startClient(killed); }});
    const std::size_t stopped = anySlot();
    Zygote& zygote = rig_.zygote();
    faults_.push_back({.name = "client_stop",
                       .resource = fmt::format("client {}", stopped),
                       .slot = static_cast<int>(stopped),
                       .excuses = true,
                       .begin = [&zygote, stopped] { zygote.signal(stopped, SIGSTOP); },
                       .end = [&zygote, stopped] { zygote.signal(stopped, SIGCONT); }});
  }

  Rig& rig_;
  std::mt19937_64& random_;
  std::vector<Fault> faults_;
};

}  // namespace

std::vector<Fault> shuffledFaults(Rig& rig, std::mt19937_64& random) {
  std::vector<Fault> faults = Kinds(rig, random).all();
  std::shuffle(faults.begin(), faults.end(), random);
  return faults;
}

}  // namespace strata::chaos
