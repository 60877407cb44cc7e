#include "adapters/redis/redis_connection.h"

#include <array>
#include <string>
#include <utility>

#include "adapters/redis/redis_errors.h"

namespace strata::internal {
namespace {

absl::Status statusOf(const absl::StatusOr<RedisReply>& reply) {
  if (!reply.ok()) return reply.status();
  return reply->isError() ? redisErrorStatus(reply->text()) : absl::OkStatus();
}

void addInfo(RedisCommands& commands) {
  commands.add({"INFO", "server"});
  commands.add({"INFO", "replication"});
}

// From the last two replies. An ACL that forbids INFO leaves everything unknown.
absl::StatusOr<RedisServerInfo> readInfo(const RedisReplies& replies) {
  const auto& server = replies[replies.size() - 2];
  const auto& replication = replies[replies.size() - 1];
  for (const auto* reply : {&server, &replication}) {
    const absl::Status answered = statusOf(*reply);
    if (reply->ok() && (*reply)->text().starts_with("NOPERM")) return RedisServerInfo{};
    if (!answered.ok()) return answered;
  }
  const RedisServerInfo info = parseServerInfo(server->text(), replication->text());
  if (info.is_replica) return absl::UnavailableError("the server is a replica");
  return info;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::open(
    const RedisEndpoint& endpoint, IoTime until) {
  absl::StatusOr<RedisSocket> socket = RedisSocket::connect(endpoint, until);
  if (!socket.ok()) return socket.status();
  std::unique_ptr<RedisConnection> connection(new RedisConnection(*std::move(socket)));
  if (absl::Status met = connection->introduce(endpoint, until); !met.ok()) return met;
  return connection;
}

absl::Status RedisConnection::introduce(const RedisEndpoint& endpoint, IoTime until) {
  RedisCommands commands;
  if (!endpoint.password.empty()) {
    std::vector<std::string_view> auth{"AUTH"};
    if (!endpoint.user.empty()) auth.push_back(endpoint.user);
    auth.push_back(endpoint.password.reveal());
    commands.add(auth);
  }
  const std::string database = std::to_string(endpoint.database);
  if (endpoint.database != 0) commands.add({"SELECT", database});
  const std::size_t ours = commands.count();
  addInfo(commands);

  const RedisReplies replies = exchange(commands, until);
  // In order: what comes after a refused password is refused for that reason.
  for (std::size_t i = 0; i < ours; ++i) {
    if (absl::Status accepted = statusOf(replies[i]); !accepted.ok()) return accepted;
  }
  absl::StatusOr<RedisServerInfo> info = readInfo(replies);
  if (!info.ok()) return info.status();
  server_ = *info;
  if (retired_) return absl::UnavailableError("the server answered more than it was asked");
  return absl::OkStatus();
}

absl::StatusOr<RedisReplies> RedisConnection::exchangeWithMaster(RedisCommands commands,
                                                                 IoTime until) {
  const std::size_t asked = commands.count();
  addInfo(commands);
  RedisReplies replies = exchange(commands, until);
  const absl::StatusOr<RedisServerInfo> info = readInfo(replies);
  if (!info.ok() || info->incarnation != server_.incarnation) {
    retire();
    return info.ok() ? absl::UnavailableError("the server lives another life by now")
                     : info.status();
  }
  while (replies.size() > asked) replies.pop_back();
  return replies;
}

RedisReplies RedisConnection::exchange(const RedisCommands& commands, IoTime until) {
  RedisReplies replies;
  replies.reserve(commands.count());
  absl::Status status = absl::UnavailableError("the connection broke before");
  if (!retired_) status = socket_.sendAll(commands.bytes(), until);
  // A server that closes the connection may have said why before.
  const bool may_have_answered = !retired_ && !absl::IsDeadlineExceeded(status);
  absl::Status read;
  while (may_have_answered && read.ok() && replies.size() < commands.count()) {
    read = readReply(replies, until);
  }
  if (status.ok()) status = read;
  if (!status.ok() || reader_.hasLeftovers()) retire();
  while (replies.size() < commands.count()) replies.emplace_back(status);
  return replies;
}

absl::Status RedisConnection::readReply(RedisReplies& replies, IoTime until) {
  absl::StatusOr<std::optional<RedisReply>> reply = reader_.next();
  if (!reply.ok()) return reply.status();
  if (*reply) {
    replies.emplace_back(*std::move(*reply));
    return absl::OkStatus();
  }
  std::array<char, 16 * 1024> buffer;
  const absl::StatusOr<std::size_t> received = socket_.receive(buffer.data(), buffer.size(), until);
  if (!received.ok()) return received.status();
  reader_.feed({buffer.data(), *received});
  return absl::OkStatus();
}

}  // namespace strata::internal
