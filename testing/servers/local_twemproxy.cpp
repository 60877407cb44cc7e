#include "strata/testing/servers/local_twemproxy.h"

#include <fmt/core.h>
#include <hiredis/hiredis.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <memory>

#include "testing/servers/local_guard.h"
#include "testing/servers/spawn.h"

namespace strata::testing {
namespace {

constexpr const char* kName = "twemproxy";

}  // namespace

LocalTwemproxy::LocalTwemproxy(internal::Guard& guard, std::uint16_t redis_port)
    : LocalServer(guard, kName), folder_(guard.folder()), redis_port_(redis_port) {}

absl::Status LocalTwemproxy::initialise() {
  if (!internal::findProgram("nutcracker").empty()) return absl::OkStatus();
  return absl::FailedPreconditionError("no twemproxy here: install the package nutcracker");
}

std::vector<std::string> LocalTwemproxy::commandLine() const {
  const std::string file = fmt::format("{}/{}", folder_, kName);
  // Written only now, for it holds the port, which no argument can tell.
  std::ofstream(file + ".yml") << fmt::format(
      "pool:\n"
      "  listen: 127.0.0.1:{}\n"
      "  hash: fnv1a_64\n"
      "  redis: true\n"
      "  servers:\n"
      "   - 127.0.0.1:{}:1\n",
      ownPort(), redis_port_);
  return {internal::findProgram("nutcracker"),
          "-c",
          file + ".yml",
          "-o",
          file + ".log",
          "-p",
          file + ".pid",
          "-a",
          "127.0.0.1",
          "-s",
          std::to_string(sparePort())};
}

int LocalTwemproxy::stopSignal() const { return SIGTERM; }

bool LocalTwemproxy::answers() {
  const std::unique_ptr<redisContext, decltype(&redisFree)> connection(
      redisConnectWithTimeout("127.0.0.1", ownPort(), timeval{.tv_sec = 30, .tv_usec = 0}),
      &redisFree);
  if (connection == nullptr || connection->err != 0) return false;
  void* const reply = redisCommand(connection.get(), "PING");
  if (reply != nullptr) freeReplyObject(reply);
  return reply != nullptr;
}

std::string LocalTwemproxy::url() const { return fmt::format("redis://127.0.0.1:{}", port()); }

}  // namespace strata::testing
