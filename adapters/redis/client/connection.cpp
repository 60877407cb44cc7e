#include "adapters/redis/client/connection.h"

#include <string.h>

#include <array>
#include <string>
#include <utility>

#include "adapters/redis_dialect/errors.h"

namespace strata::internal {
namespace {

// No more: hiredis moves what is left of its buffer to the front every thousand bytes.
constexpr std::size_t kReceiveSize = 16 * 1024;

// Connects, and meets the first server there that will do. Closing resets the connection, so that
// what is still on its way is discarded. The server executes what it has received already all the
// same.
absl::Status connectTo(const RedisAddress& address, const RedisIntroduction& introduction,
                       IoTime until, Stream::Meet meet) {
  const StreamOptions options{.tls = introduction.tls,
                              .resolver = introduction.resolver,
                              .patience = introduction.patience,
                              .discard_on_close = true};
  if (!address.host.empty()) {
    return Stream::openAndMeet(address.host, address.port, options, until, meet);
  }
  absl::StatusOr<Stream> stream = Stream::openUnix(address.socket_path, options, until);
  return stream.ok() ? meet(*std::move(stream), until) : stream.status();
}

absl::Status statusOf(const absl::StatusOr<RedisReply>& reply) {
  if (!reply.ok()) return reply.status();
  return reply->isError() ? redisErrorStatus(reply->text()) : absl::OkStatus();
}

}  // namespace

void addWhoAreYou(RedisCommands& commands) {
  commands.add({"INFO", "server"});
  commands.add({"INFO", "replication"});
}

absl::StatusOr<RedisServerInfo> whoItIs(const RedisReplies& replies) {
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

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::openOnce(
    const RedisAddress& address, const RedisIntroduction& introduction, IoTime until) {
  std::unique_ptr<RedisConnection> connection;
  const auto meet = [&](Stream stream, IoTime share) {
    connection.reset(new RedisConnection(std::move(stream)));
    return connection->introduce(introduction, share);
  };
  if (absl::Status met = connectTo(address, introduction, until, meet); !met.ok()) return met;
  return connection;
}

absl::StatusOr<RedisOpened> openFirstOf(const std::vector<RedisAddress>& addresses,
                                        const RedisIntroduction& introduction, IoTime until) {
  absl::Status failed = absl::UnavailableError("there is no address to connect to");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const IoTime share = endOfShare(until, addresses.size() - i);
    auto connection = RedisConnection::open(addresses[i], introduction, share);
    if (connection.ok()) return RedisOpened{*std::move(connection), addresses[i]};
    failed = connection.status();
  }
  return failed;
}

absl::Status RedisConnection::introduce(const RedisIntroduction& introduction, IoTime until) {
  const RedisLogin& login = *introduction.login;
  RedisCommands commands;
  if (!login.password.empty()) {
    std::vector<std::string_view> auth{"AUTH"};
    if (!login.user.empty()) auth.push_back(login.user);
    auth.push_back(login.password.reveal());
    commands.add(auth);
  }
  const std::string database = std::to_string(login.database);
  if (login.database != 0) commands.add({"SELECT", database});
  const std::size_t ours = commands.count();
  if (introduction.must_be_master) addWhoAreYou(commands);

  const RedisReplies replies = exchange(commands, until);
  commands.wipe();
  // In order: what comes after a refused password is refused for that reason.
  for (std::size_t i = 0; i < ours; ++i) {
    if (absl::Status accepted = statusOf(replies[i]); !accepted.ok()) return accepted;
  }
  if (introduction.must_be_master) {
    absl::StatusOr<RedisServerInfo> info = whoItIs(replies);
    if (!info.ok()) return info.status();
    server_ = *info;
  }
  if (hasLeftovers()) return absl::UnavailableError("the server answered more than it was asked");
  return absl::OkStatus();
}

RedisReplies RedisConnection::exchange(const RedisCommands& commands, IoTime until) {
  RedisReplies replies;
  replies.reserve(commands.count());
  absl::Status status = send(commands.bytes(), until);
  // A server that closes the connection may have said why before.
  const bool may_have_answered = !absl::IsDeadlineExceeded(status);
  absl::Status read;
  while (may_have_answered && read.ok() && replies.size() < commands.count()) {
    read = readReply(replies, until);
  }
  // By TLS, for instance: a server that refuses our certificate closes while we are sending.
  if (status.ok() || absl::IsPermissionDenied(read)) status = read;
  while (replies.size() < commands.count()) replies.emplace_back(status);
  return replies;
}

absl::Status RedisConnection::readReply(RedisReplies& replies, IoTime until) {
  absl::StatusOr<std::optional<RedisReply>> reply = nextReply();
  if (!reply.ok()) return reply.status();
  if (!*reply) return receive(until);
  replies.emplace_back(*std::move(*reply));
  return absl::OkStatus();
}

absl::Status RedisConnection::receive(IoTime until) {
  std::array<char, kReceiveSize> buffer;
  const absl::StatusOr<std::size_t> received = stream_.receive(buffer.data(), buffer.size(), until);
  if (!received.ok()) return received.status();
  reader_.feed({buffer.data(), *received});
  explicit_bzero(buffer.data(), *received);
  return absl::OkStatus();
}

absl::Status RedisConnection::receivePatiently() {
  std::array<char, kReceiveSize> buffer;
  const absl::StatusOr<std::size_t> received =
      stream_.receivePatiently(buffer.data(), buffer.size());
  if (!received.ok()) return received.status();
  reader_.feed({buffer.data(), *received});
  explicit_bzero(buffer.data(), *received);
  return absl::OkStatus();
}

}  // namespace strata::internal
