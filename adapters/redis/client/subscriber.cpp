#include "adapters/redis/client/subscriber.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "adapters/redis_dialect/errors.h"
#include "src/base/backoff.h"
#include "src/base/unshared_status.h"

namespace strata::internal {
namespace {

using std::chrono::steady_clock;

void add(RedisCommands& commands, std::string_view name, const std::vector<std::string>& channels) {
  if (channels.empty()) return;
  std::vector<std::string_view> words{name};
  words.insert(words.end(), channels.begin(), channels.end());
  commands.add(words);
}

absl::Status noPong() { return absl::DeadlineExceededError("the server answers no PING"); }

}  // namespace

RedisSubscriber::RedisSubscriber(RedisSubscriberOptions options,
                                 const std::set<std::string>& channels, RedisListener& listener)
    : options_(std::move(options)),
      introduction_{.login = &options_.login,
                    .tls = options_.tls.get(),
                    .resolver = options_.resolver.get(),
                    .patience = options_.heartbeat,
                    .of_cluster = options_.of_cluster,
                    .refusals = &refusals_},
      listener_(listener),
      wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      channels_(channels),
      random_(std::random_device{}()) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    close(wake_fd_);
    throw;
  }
}

RedisSubscriber::~RedisSubscriber() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    eventfd_write(wake_fd_, 1);
    stop_.notify_all();
  }
  thread_.join();
  close(wake_fd_);
}

void RedisSubscriber::subscribe(const std::string& channel) {
  if (channels_.want(channel)) eventfd_write(wake_fd_, 1);
}

void RedisSubscriber::unsubscribe(const std::string& channel) {
  if (channels_.unwant(channel)) eventfd_write(wake_fd_, 1);
}

void RedisSubscriber::reconnect(const absl::Status& why) {
  const std::lock_guard lock(mutex_);
  leave_ = unshared(why);
  eventfd_write(wake_fd_, 1);
}

absl::Status RedisSubscriber::takeLeave() {
  const std::lock_guard lock(mutex_);
  return std::exchange(leave_, absl::OkStatus());
}

std::optional<IoTime> RedisSubscriber::confirmed() const {
  const std::lock_guard lock(mutex_);
  return confirmed_;
}

bool RedisSubscriber::isStopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

// ---- The thread ----

void RedisSubscriber::run() {
  while (!isStopping()) {
    loseStream(listenOnce());
    pauseBeforeReconnecting();
  }
}

void RedisSubscriber::pauseBeforeReconnecting() {
  std::unique_lock lock(mutex_);
  stop_.wait_for(lock, backoffAfter(++failures_, random_), [this] { return stopping_; });
}

void RedisSubscriber::loseStream(const absl::Status& why) {
  {
    const std::lock_guard lock(mutex_);
    confirmed_.reset();
  }
  channels_.lost(why);
  if (std::exchange(is_whole_, false)) {
    listener_.onLost(why);
  } else {
    listener_.onFailed(why);
  }
}

absl::StatusOr<RedisOpened> RedisSubscriber::connect() {
  const StarvedWaitScope scope("redis_connect", options_.connect_timeout, IoTime::max());
  const IoTime until = steady_clock::now() + options_.connect_timeout;
  const absl::StatusOr<std::vector<RedisAddress>> addresses = options_.find(until);
  if (!addresses.ok()) return addresses.status();
  return openFirstOf(*addresses, introduction_, until);
}

absl::Status RedisSubscriber::listenOnce() {
  absl::StatusOr<RedisOpened> opened = connect();
  if (!opened.ok()) return opened.status();
  RedisConnection& connection = *opened->connection;
  address_ = std::move(opened->address);
  server_ = connection.server().incarnation;
  channels_.connected();
  pong_is_due_ = false;
  pinged_at_ = heard_at_ = asked_at_ = {};
  wait_.answered();
  connection.interruptBy(wake_fd_);
  takeLeave().IgnoreError();  // meant for the connection before
  return listen(connection);
}

absl::Status RedisSubscriber::listen(RedisConnection& connection) {
  while (!isStopping()) {
    if (absl::Status leave = takeLeave(); !leave.ok()) return leave;
    // Taken first: whoever subscribes later must not find it confirmed by a PING that is older.
    const IoTime now = steady_clock::now();
    absl::Status sent = subscribeToWhatIsNew(connection, now + options_.heartbeat);
    if (!sent.ok()) return sent;
    if (absl::Status alive = pingWhenDue(connection, now); !alive.ok()) return alive;
    if (absl::Status received = receiveSome(connection); !received.ok()) return received;
  }
  return absl::CancelledError("the subscriber was stopped");
}

absl::Status RedisSubscriber::receiveSome(RedisConnection& connection) {
  const IoTime until = pong_is_due_ ? std::max(asked_at_, heard_at_) + options_.heartbeat
                                    : pinged_at_ + options_.heartbeat / 3;
  const IoTime began = steady_clock::now();
  absl::Status received = connection.receive(until);
  if (absl::IsDeadlineExceeded(received)) return judgeSilence(began, until);
  if (!received.ok()) return received;
  noteHeard(until);
  while (true) {
    absl::StatusOr<std::optional<RedisReply>> reply = connection.nextReply();
    if (!reply.ok()) return reply.status();
    if (!*reply) break;
    if (absl::Status handled = handle(**reply); !handled.ok()) return handled;
  }
  connection.wipe();
  return absl::OkStatus();
}

absl::Status RedisSubscriber::judgeSilence(IoTime began, IoTime until) {
  const IoTime now = steady_clock::now();
  if (!pong_is_due_ || now < until) return absl::OkStatus();
  const bool again =
      wait_.repeats({.until = until, .timeout = options_.heartbeat, .began = began, .now = now});
  if (!again) return noPong();
  asked_at_ = now;
  return absl::OkStatus();
}

void RedisSubscriber::noteHeard(IoTime until) {
  heard_at_ = steady_clock::now();
  wait_.answered();
  // All that came meanwhile is before the answer.
  if (heard_at_ - until > toleratedDelay(options_.heartbeat)) asked_at_ = heard_at_;
}

absl::Status RedisSubscriber::subscribeToWhatIsNew(RedisConnection& connection, IoTime until) {
  eventfd_t ignored = 0;
  eventfd_read(wake_fd_, &ignored);
  const ListenedChannels::Changes changes = channels_.takeChanges();
  if (changes.listen.empty() && changes.unlisten.empty()) return absl::OkStatus();
  RedisCommands commands;
  add(commands, "SUBSCRIBE", changes.listen);
  add(commands, "UNSUBSCRIBE", changes.unlisten);
  return connection.send(commands.bytes(), until);
}

absl::Status RedisSubscriber::pingWhenDue(RedisConnection& connection, IoTime now) {
  // A server takes PING only without subscriptions or in the subscriber's form, which is the same.
  if (pong_is_due_) {
    // The answer may be behind much else that comes; but not for ever, for nothing may reach a
    // server that is heard. Whether it is silent, receiveSome tells.
    constexpr int kLongest = 10;
    return heard_at_ - asked_at_ < kLongest * options_.heartbeat ? absl::OkStatus() : noPong();
  }
  if (now - pinged_at_ < options_.heartbeat / 3) return absl::OkStatus();
  if (options_.prove && is_whole_) {
    if (absl::Status proven = options_.prove(address_, server_); !proven.ok()) return proven;
  }
  RedisCommands ping;
  ping.add({"PING"});
  pinged_at_ = now;
  asked_at_ = steady_clock::now();  // to prove it takes time, too
  pong_is_due_ = true;
  return connection.send(ping.bytes(), now + options_.heartbeat);
}

absl::Status RedisSubscriber::handle(const RedisReply& reply) {
  if (reply.isError()) return redisErrorStatus(reply.text());
  const std::string_view kind = reply.size() == 0 ? reply.text() : reply.at(0).text();
  if (kind == "message" && reply.size() == 3) {
    listener_.onMessage(reply.at(1).text(), reply.at(2).text());
  } else if (kind == "subscribe" && reply.size() == 3) {
    channels_.confirm(std::string(reply.at(1).text()));
  } else if (kind == "pong" || kind == "PONG") {
    pong_is_due_ = false;
    if (!channels_.allAreConfirmed()) return absl::OkStatus();
    if (!std::exchange(is_whole_, true)) {
      failures_ = 0;
      listener_.onSubscribed(server_, std::exchange(had_stream_, true));
    }
    const std::lock_guard lock(mutex_);
    confirmed_ = pinged_at_;
  } else if (kind != "unsubscribe") {
    return absl::UnavailableError("the server said something that a subscriber is not told");
  }
  return absl::OkStatus();
}

}  // namespace strata::internal
