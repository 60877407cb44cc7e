// How a connection is introduced: the password, the database, and who the server is.
#include <string>
#include <utility>
#include <vector>

#include "adapters/redis/client/connection.h"
#include "adapters/redis_dialect/errors.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

absl::Status statusOf(const absl::StatusOr<RedisReply>& reply) {
  if (!reply.ok()) return reply.status();
  return reply->isError() ? redisErrorStatus(reply->text()) : absl::OkStatus();
}

// Whether the command itself is refused (an ACL forbids it, it has another name, a proxy does not
// know it), and not us or the server's state.
bool isRefused(std::string_view error) {
  const RedisError known = classifyRedisError(error);
  return !known.retire && known.code != absl::StatusCode::kUnavailable;
}

bool wasCutOff(const RedisReplies& replies) {
  return !replies.empty() && !replies.back().ok() && absl::IsUnavailable(replies.back().status());
}

absl::StatusOr<RedisServerInfo> infoIn(const RedisReplies& replies) {
  const auto& server = replies[replies.size() - 2];
  const auto& replication = replies[replies.size() - 1];
  for (const auto* reply : {&server, &replication}) {
    if (absl::Status answered = statusOf(*reply); answered.ok()) continue;
    if (!reply->ok() || !isRefused((*reply)->text())) return statusOf(*reply);
    const bool by_acl = (*reply)->text().starts_with("NOPERM");
    return RedisServerInfo{.silence = by_acl ? "an ACL forbids it" : "the answer is an error"};
  }
  RedisServerInfo info = parseServerInfo(server->text(), replication->text());
  if (info.incarnation == Incarnation{}) info.silence = "the answer does not name the server";
  return info;
}

absl::StatusOr<RedisServerInfo> mustBeMaster(absl::StatusOr<RedisServerInfo> info) {
  if (info.ok() && info->is_replica) return absl::UnavailableError("the server is a replica");
  return info;
}

void addPassword(const RedisLogin& login, RedisCommands& commands) {
  if (login.password.empty()) return;
  std::vector<std::string_view> auth{"AUTH"};
  if (!login.user.empty()) auth.push_back(login.user);
  auth.push_back(login.password.reveal());
  commands.add(auth);
}

absl::Status closedAtSelect() {
  return absl::FailedPreconditionError(
      "the server closes the connection at SELECT: it has only database 0, and the URL names "
      "another");
}

}  // namespace

void addWhoAreYou(RedisCommands& commands) {
  commands.add({"INFO", "server"});
  commands.add({"INFO", "replication"});
}

absl::StatusOr<RedisServerInfo> whoItIs(const RedisReplies& replies) {
  return mustBeMaster(infoIn(replies));
}

absl::Status nodeOfCluster(const RedisAddress& address, bool tls) {
  return absl::FailedPreconditionError(
      "the server is a node of a cluster, and has only some of the keys: the URL must begin with " +
      std::string(tls ? "rediss+cluster://" : "redis+cluster://") + address.describe());
}

absl::Status RedisConnection::introduce(const RedisAddress& address,
                                        const RedisIntroduction& introduction, RedisSteps steps,
                                        IoTime until) {
  const RedisLogin& login = *introduction.login;
  RedisCommands commands;
  addPassword(login, commands);
  const std::string database = std::to_string(login.database);
  const std::size_t ours_before_select = commands.count();
  if (login.database != 0 && steps.select) commands.add({"SELECT", database});
  const std::size_t ours = commands.count();
  if (introduction.must_be_master && steps.info) addWhoAreYou(commands);
  // A connection that is about to be closed is not taken for one that is accepted.
  if (introduction.must_be_master && !steps.info) commands.add({"PING"});

  const RedisReplies replies = exchange(commands, until);
  commands.wipe();
  was_cut_off_ = wasCutOff(replies);
  // In order: what comes after a refused password is refused for that reason.
  for (std::size_t i = 0; i < ours; ++i) {
    absl::Status accepted = statusOf(replies[i]);
    if (!accepted.ok()) return i < ours_before_select ? accepted : annotate(accepted, "SELECT");
  }
  if (introduction.must_be_master) {
    absl::Status met =
        steps.info ? meetMaster(address, introduction, replies) : meetSilently(replies);
    if (!met.ok()) return met;
  }
  if (hasLeftovers()) return absl::UnavailableError("the server answered more than it was asked");
  return absl::OkStatus();
}

absl::Status RedisConnection::meetMaster(const RedisAddress& address,
                                         const RedisIntroduction& introduction,
                                         const RedisReplies& replies) {
  const absl::StatusOr<RedisServerInfo> info = infoIn(replies);
  // Said first: of a cluster's replicas, too, it is the URL that is wrong.
  if (info.ok() && info->is_of_cluster && !introduction.of_cluster) {
    return nodeOfCluster(address, introduction.tls != nullptr);
  }
  const absl::StatusOr<RedisServerInfo> master = mustBeMaster(info);
  if (master.ok()) server_ = *master;
  return master.status();
}

absl::Status RedisConnection::meetSilently(const RedisReplies& replies) {
  const auto& pong = replies.back();
  server_ = {.silence = "the connection is closed at it"};
  return pong.ok() && isRefused(pong->text()) ? absl::OkStatus() : statusOf(pong);
}

// ---- Servers that close the connection at a command ----

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::openOnce(
    const RedisAddress& address, const RedisIntroduction& introduction, IoTime until) {
  const bool avoids_info =
      introduction.refusals != nullptr && introduction.refusals->closesAtInfo();
  Attempt first = attempt(address, introduction, {.info = !avoids_info}, until);
  if (!first.was_cut_off || !introduction.must_be_master) return std::move(first.connection);
  if (!avoids_info) {
    Attempt plain = attempt(address, introduction, {.info = false}, until);
    if (!plain.was_cut_off) {
      return confirmed(std::move(plain), address, introduction, {.info = true}, until);
    }
  }
  if (introduction.login->database == 0) return std::move(first.connection);
  Attempt plainest = attempt(address, introduction, {.select = false, .info = false}, until);
  if (plainest.was_cut_off) return std::move(first.connection);
  return confirmed(std::move(plainest), address, introduction, {.info = false}, until);
}

// A server that was just starting or stopping closes connections, too. So what it closed at before
// is tried once more: a server that takes the connection without it, and right after that closes
// another one with it, refuses that command.
absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::confirmed(
    Attempt without, const RedisAddress& address, const RedisIntroduction& introduction,
    RedisSteps with, IoTime until) {
  if (!without.connection.ok()) return std::move(without.connection);
  Attempt again = attempt(address, introduction, with, until);
  if (!again.was_cut_off) return std::move(again.connection);
  if (!with.info) return closedAtSelect();
  if (introduction.refusals != nullptr) introduction.refusals->noteClosesAtInfo();
  return std::move(without.connection);
}

}  // namespace strata::internal
