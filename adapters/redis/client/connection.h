#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "adapters/net/stream.h"
#include "adapters/redis/client/refusals.h"
#include "adapters/redis/client/server_info.h"
#include "adapters/redis/client/url.h"
#include "adapters/redis/wire/command.h"
#include "adapters/redis/wire/reply.h"

namespace strata::internal {

// Most pipelines are of one command.
using RedisReplies = absl::InlinedVector<absl::StatusOr<RedisReply>, 1>;

// How to meet a server. What it points to must outlive the connections.
struct RedisIntroduction {
  const RedisLogin* login = nullptr;
  const TlsContext* tls = nullptr;
  Resolver* resolver = nullptr;  // null: the system's
  // How long `receivePatiently` waits.
  std::chrono::nanoseconds patience{};
  // A sentinel, or a node that is only asked for the map of its cluster, need not be a master.
  bool must_be_master = true;
  // Whether the nodes of a cluster are meant. Otherwise one is refused.
  bool of_cluster = false;
  // What is known of the server, and learnt. Null: nothing is kept.
  RedisRefusals* refusals = nullptr;
};

// What an introduction says beyond the password.
struct RedisSteps {
  bool select = true;
  bool info = true;
};

// A connection that is authenticated, has chosen its database and knows whom it leads to. For one
// thread at a time, but for shutdown() and hasArrived().
//
// Replies are told apart by their order alone. So after anything that could leave a reply behind (a
// timeout, an error of the socket, bytes that are no reply) it must never be used again: the next
// command would be answered with somebody else's value.
class RedisConnection {
 public:
  // Logs in with the newest password, a second time if it has changed since the first.
  // Unavailable: also when it leads to a replica. PermissionDenied, FailedPrecondition: as the
  // server answered to our password and our database, and TLS to its certificate; it is a node of a
  // cluster, and none is meant.
  //
  // A server that closes the connection at INFO is asked without; one that closes it at SELECT is
  // FailedPrecondition. To tell either from one that is just restarting takes up to four
  // connections.
  static absl::StatusOr<std::unique_ptr<RedisConnection>> open(
      const RedisAddress& address, const RedisIntroduction& introduction, IoTime until);

  // DeadlineExceeded: the rest is kept, and goes out with the next `flush` or `send`.
  absl::Status send(std::string_view bytes, IoTime until) { return stream_.send(bytes, until); }
  absl::Status flush(IoTime until) { return stream_.flush(until); }
  bool hasUnsent() const { return stream_.hasUnsent(); }
  // Waits for bytes, `until` then or patiently, and makes them replies.
  absl::Status receive(IoTime until);
  absl::Status receivePatiently();
  // The next reply of those; none while it is incomplete. Unavailable: what came is no reply.
  absl::StatusOr<std::optional<RedisReply>> nextReply() { return reader_.next(); }
  bool hasLeftovers() const { return reader_.hasLeftovers(); }
  // Overwrites what was received and made replies of.
  void wipe() { reader_.wipe(); }

  // Sends commands and waits for the reply to each, which may be an error of the server; or tells
  // why there is none. With nobody else's commands under way only.
  RedisReplies exchange(const RedisCommands& commands, IoTime until);

  // What the server said when the connection was opened.
  const RedisServerInfo& server() const { return server_; }
  // Thread-safe. Whether unread bytes, or an end of the connection, have arrived. One system call.
  bool hasArrived() const { return stream_.hasArrived(); }
  // Whether it can be used now. Costs a system call.
  bool isQuiet() { return stream_.isQuiet(); }
  void shutdown() { stream_.shutdown(); }
  // From now on `receive` also ends, with DeadlineExceeded, while that file can be read.
  void interruptBy(int file) { stream_.interruptBy(file); }

 private:
  explicit RedisConnection(Stream stream) : stream_(std::move(stream)) {}

  struct Attempt {
    absl::StatusOr<std::unique_ptr<RedisConnection>> connection;
    // The server closed it instead of answering.
    bool was_cut_off = false;
  };

  // With the password of `introduction`.
  static absl::StatusOr<std::unique_ptr<RedisConnection>> openOnce(
      const RedisAddress& address, const RedisIntroduction& introduction, IoTime until);
  static Attempt attempt(const RedisAddress& address, const RedisIntroduction& introduction,
                         RedisSteps steps, IoTime until);
  static absl::StatusOr<std::unique_ptr<RedisConnection>> confirmed(
      Attempt without, const RedisAddress& address, const RedisIntroduction& introduction,
      RedisSteps with, IoTime until);
  absl::Status introduce(const RedisAddress& address, const RedisIntroduction& introduction,
                         RedisSteps steps, IoTime until);
  absl::Status meetMaster(const RedisAddress& address, const RedisIntroduction& introduction,
                          const RedisReplies& replies);
  absl::Status meetSilently(const RedisReplies& replies);
  absl::Status readReply(RedisReplies& replies, IoTime until);

  Stream stream_;
  RedisReplyReader reader_;
  RedisServerInfo server_;
  bool was_cut_off_ = false;
};

struct RedisOpened {
  std::unique_ptr<RedisConnection> connection;
  RedisAddress address;
};

// A connection to the first of these addresses to which one can be opened. Each gets an equal part
// of the time that is left. Errors: the first refusal, otherwise those of the last, or Unavailable
// where there is none.
absl::StatusOr<RedisOpened> openFirstOf(const std::vector<RedisAddress>& addresses,
                                        const RedisIntroduction& introduction, IoTime until);

// The commands by which a server says who it is, and what it said in the last two of `replies`: ok
// only for a master. Where INFO is refused, everything is unknown.
void addWhoAreYou(RedisCommands& commands);
absl::StatusOr<RedisServerInfo> whoItIs(const RedisReplies& replies);

// FailedPrecondition: a node of a cluster, which only a URL for clusters may name; tells which.
absl::Status nodeOfCluster(const RedisAddress& address, bool tls);

}  // namespace strata::internal
