#include "strata/testing/servers/local_redis.h"

#include <fmt/core.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/time.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <utility>

#include "testing/servers/local_guard.h"
#include "testing/servers/server_process.h"
#include "testing/servers/spawn.h"

namespace strata::testing {
namespace {

using Connection = std::unique_ptr<redisContext, decltype(&redisFree)>;

constexpr timeval kTimeout{.tv_sec = 30, .tv_usec = 0};

struct FreeReply {
  void operator()(void* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

std::string textOf(const redisReply& reply) {
  if (reply.type == REDIS_REPLY_INTEGER) return std::to_string(reply.integer);
  if (reply.type == REDIS_REPLY_NIL) return "";
  if (reply.type != REDIS_REPLY_ARRAY) return {reply.str, static_cast<std::size_t>(reply.len)};
  std::string lines;
  for (std::size_t i = 0; i < reply.elements; ++i) {
    if (i > 0) lines += '\n';
    lines += textOf(*reply.element[i]);
  }
  return lines;
}

absl::StatusOr<Reply> send(redisContext* connection, const std::vector<std::string>& arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;
  for (const std::string& argument : arguments) {
    texts.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  Reply reply(static_cast<redisReply*>(
      redisCommandArgv(connection, static_cast<int>(texts.size()), texts.data(), lengths.data())));
  if (reply == nullptr) return absl::UnavailableError(connection->errstr);
  if (reply->type == REDIS_REPLY_ERROR) return absl::InternalError(textOf(*reply));
  return reply;
}

// Sends a command on a connection of its own.
absl::StatusOr<Reply> ask(const std::string& socket_path, const std::string& password,
                          const std::vector<std::string>& arguments) {
  const Connection connection(redisConnectUnixWithTimeout(socket_path.c_str(), kTimeout),
                              &redisFree);
  if (connection == nullptr || connection->err != 0) {
    return absl::UnavailableError("cannot connect to Redis");
  }
  redisSetTimeout(connection.get(), kTimeout);
  if (!password.empty()) {
    const absl::StatusOr<Reply> welcome = send(connection.get(), {"AUTH", password});
    if (!welcome.ok()) return welcome.status();
  }
  return send(connection.get(), arguments);
}

}  // namespace

LocalRedis::LocalRedis(internal::Guard& guard, Setup setup)
    : LocalServer(guard, setup.name),
      setup_(std::move(setup)),
      folder_(guard.folder() + "/" + setup_.name) {}

absl::Status LocalRedis::initialise() {
  if (internal::findProgram("redis-server").empty()) {
    return absl::FailedPreconditionError("no Redis here: install the package redis-server");
  }
  std::filesystem::create_directory(folder_);
  if (!setup_.configuration) return absl::OkStatus();
  std::ofstream file(configurationFile());
  file << *setup_.configuration << std::flush;
  return file.good() ? absl::OkStatus() : absl::InternalError("cannot write a redis.conf");
}

std::vector<std::string> LocalRedis::portArguments() const {
  const std::string port = std::to_string(ownPort());
  std::vector<std::string> arguments{"--port", port};
  if (setup_.tls) arguments = {"--port", "0", "--tls-port", port};
  if (!setup_.cluster) return arguments;
  arguments.insert(arguments.end(),
                   {"--cluster-enabled", "yes", "--cluster-port", std::to_string(sparePort())});
  if (setup_.tls) arguments.insert(arguments.end(), {"--tls-cluster", "yes"});
  return arguments;
}

std::vector<std::string> LocalRedis::commandLine() const {
  std::vector<std::string> command = {internal::findProgram("redis-server")};
  const auto add = [&command](const std::vector<std::string>& more) {
    command.insert(command.end(), more.begin(), more.end());
  };
  if (setup_.configuration) add({configurationFile()});
  add({"--bind", "127.0.0.1", "--dir", folder_, "--save", ""});
  add({"--unixsocket", socketPath(), "--unixsocketperm", "700"});
  add(portArguments());
  if (!setup_.password.empty()) add({"--requirepass", setup_.password});
  add(setup_.arguments);
  return command;
}

int LocalRedis::stopSignal() const { return SIGTERM; }

bool LocalRedis::answers() {
  const absl::StatusOr<std::string> reply = command({"PING"});
  return reply.ok() && *reply == "PONG";
}

std::string LocalRedis::url() const {
  const std::string& password = setup_.password;
  const std::string credentials = password.empty() ? "" : fmt::format(":{}@", password);
  std::string url = fmt::format("{}{}{}:{}", setup_.tls ? "rediss://" : "redis://", credentials,
                                setup_.tls ? "localhost" : "127.0.0.1", port());
  if (setup_.client_timeout > absl::ZeroDuration()) {
    const std::string timeout = absl::FormatDuration(setup_.client_timeout);
    url += fmt::format("?connect_timeout={0}&command_timeout={0}", timeout);
  }
  return url;
}

std::string LocalRedis::unixUrl() const { return "unix://" + socketPath(); }
std::string LocalRedis::socketPath() const { return folder_ + "/redis.sock"; }

absl::StatusOr<std::string> LocalRedis::command(const std::vector<std::string>& arguments) {
  const absl::StatusOr<Reply> reply = ask(socketPath(), setup_.password, arguments);
  if (!reply.ok()) return reply.status();
  return textOf(**reply);
}

absl::StatusOr<std::vector<std::string>> LocalRedis::elements(
    const std::vector<std::string>& arguments) {
  const absl::StatusOr<Reply> reply = ask(socketPath(), setup_.password, arguments);
  if (!reply.ok()) return reply.status();
  if ((*reply)->type != REDIS_REPLY_ARRAY) return absl::InternalError("Redis sent no array");
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < (*reply)->elements; ++i)
    texts.push_back(textOf(*(*reply)->element[i]));
  return texts;
}

absl::Status LocalRedis::save() { return command({"SAVE"}).status(); }

absl::Status LocalRedis::dropSnapshot() {
  std::error_code error;
  std::filesystem::remove(folder_ + "/dump.rdb", error);
  return error ? absl::InternalError(error.message()) : absl::OkStatus();
}

}  // namespace strata::testing
