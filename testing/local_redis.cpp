#include "strata/testing/local_redis.h"

#include <fmt/core.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/time.h>

#include <filesystem>
#include <memory>
#include <utility>

#include "testing/local_guard.h"
#include "testing/server_process.h"
#include "testing/spawn.h"

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

absl::StatusOr<std::string> send(redisContext* connection,
                                 const std::vector<std::string>& arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> lengths;
  for (const std::string& argument : arguments) {
    texts.push_back(argument.data());
    lengths.push_back(argument.size());
  }
  const Reply reply(static_cast<redisReply*>(
      redisCommandArgv(connection, static_cast<int>(texts.size()), texts.data(), lengths.data())));
  if (reply == nullptr) return absl::UnavailableError(connection->errstr);
  if (reply->type == REDIS_REPLY_ERROR) return absl::InternalError(textOf(*reply));
  return textOf(*reply);
}

}  // namespace

LocalRedis::LocalRedis(internal::Guard& guard, std::string password,
                       std::vector<std::string> arguments)
    : LocalServer(guard, "redis"),
      folder_(guard.folder() + "/redis"),
      password_(std::move(password)),
      arguments_(std::move(arguments)) {}

absl::Status LocalRedis::initialise() {
  if (internal::findProgram("redis-server").empty()) {
    return absl::FailedPreconditionError("no Redis here: install the package redis-server");
  }
  std::filesystem::create_directory(folder_);
  return absl::OkStatus();
}

std::vector<std::string> LocalRedis::commandLine() const {
  std::vector<std::string> command = {
      internal::findProgram("redis-server"),
      "--bind",
      "127.0.0.1",
      "--port",
      std::to_string(ownPort()),
      "--unixsocket",
      socketPath(),
      "--unixsocketperm",
      "700",
      "--dir",
      folder_,
      "--save",
      "",
  };
  if (!password_.empty()) command.insert(command.end(), {"--requirepass", password_});
  command.insert(command.end(), arguments_.begin(), arguments_.end());
  return command;
}

int LocalRedis::stopSignal() const { return SIGTERM; }

bool LocalRedis::answers() {
  const absl::StatusOr<std::string> reply = command({"PING"});
  return reply.ok() && *reply == "PONG";
}

std::string LocalRedis::url() const {
  const std::string credentials = password_.empty() ? "" : fmt::format(":{}@", password_);
  return fmt::format("redis://{}127.0.0.1:{}", credentials, port());
}

std::string LocalRedis::unixUrl() const { return "unix://" + socketPath(); }
std::string LocalRedis::socketPath() const { return folder_ + "/redis.sock"; }

absl::StatusOr<std::string> LocalRedis::command(const std::vector<std::string>& arguments) {
  const Connection connection(redisConnectUnixWithTimeout(socketPath().c_str(), kTimeout),
                              &redisFree);
  if (connection == nullptr || connection->err != 0) {
    return absl::UnavailableError("cannot connect to Redis");
  }
  redisSetTimeout(connection.get(), kTimeout);
  if (!password_.empty()) {
    absl::StatusOr<std::string> welcome = send(connection.get(), {"AUTH", password_});
    if (!welcome.ok()) return welcome.status();
  }
  return send(connection.get(), arguments);
}

absl::Status LocalRedis::save() { return command({"SAVE"}).status(); }

absl::Status LocalRedis::dropSnapshot() {
  std::error_code error;
  std::filesystem::remove(folder_ + "/dump.rdb", error);
  return error ? absl::InternalError(error.message()) : absl::OkStatus();
}

}  // namespace strata::testing
