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

}  // namespace

RedisConnection::Attempt RedisConnection::attempt(const RedisAddress& address,
                                                  const RedisIntroduction& introduction,
                                                  RedisSteps steps, IoTime until) {
  std::unique_ptr<RedisConnection> connection;
  const auto meet = [&](Stream stream, IoTime share) {
    connection.reset(new RedisConnection(std::move(stream)));
    return connection->introduce(address, introduction, steps, share);
  };
  absl::Status met = connectTo(address, introduction, until, meet);
  if (met.ok()) return {std::move(connection)};
  return {std::move(met), connection != nullptr && connection->was_cut_off_};
}

absl::StatusOr<RedisOpened> openFirstOf(const std::vector<RedisAddress>& addresses,
                                        const RedisIntroduction& introduction, IoTime until) {
  absl::Status failed = absl::UnavailableError("there is no address to connect to");
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const IoTime share = endOfShare(until, addresses.size() - i);
    auto connection = RedisConnection::open(addresses[i], introduction, share);
    if (connection.ok()) return RedisOpened{*std::move(connection), addresses[i]};
    // That one refuses us tells more than that another is not there.
    if (absl::IsUnavailable(failed) || absl::IsDeadlineExceeded(failed)) {
      failed = connection.status();
    }
  }
  return failed;
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
