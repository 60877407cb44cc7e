#include "adapters/redis/redis_subscriber.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "adapters/redis/redis_backoff.h"
#include "adapters/redis/redis_errors.h"

namespace strata::internal {
namespace {

using std::chrono::steady_clock;

std::set<std::string> without(const std::set<std::string>& all,
                              const std::set<std::string>& those) {
  std::set<std::string> rest;
  std::set_difference(all.begin(), all.end(), those.begin(), those.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

void add(RedisCommands& commands, std::string_view name, const std::set<std::string>& channels) {
  if (channels.empty()) return;
  std::vector<std::string_view> words{name};
  words.insert(words.end(), channels.begin(), channels.end());
  commands.add(words);
}

}  // namespace

RedisSubscriber::RedisSubscriber(RedisSubscriberOptions options, std::set<std::string> channels,
                                 RedisListener& listener)
    : options_(std::move(options)),
      introduction_{
          .login = &options_.login, .tls = options_.tls.get(), .patience = options_.heartbeat},
      listener_(listener),
      wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      wanted_(std::move(channels)),
      random_(std::random_device{}()),
      thread_([this] { run(); }) {}

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
  const std::lock_guard lock(mutex_);
  if (wanted_.insert(channel).second) eventfd_write(wake_fd_, 1);
}

void RedisSubscriber::unsubscribe(const std::string& channel) {
  const std::lock_guard lock(mutex_);
  if (wanted_.erase(channel) > 0) eventfd_write(wake_fd_, 1);
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
  if (std::exchange(is_whole_, false)) listener_.onLost(why);
}

absl::Status RedisSubscriber::listenOnce() {
  const IoTime until = steady_clock::now() + options_.connect_timeout;
  const absl::StatusOr<std::vector<RedisAddress>> addresses = options_.find(until);
  if (!addresses.ok()) return addresses.status();
  absl::Status failed = absl::UnavailableError("there is no address to connect to");
  for (std::size_t i = 0; i < addresses->size(); ++i) {
    // Each gets an equal part of what time is left.
    const IoTime now = steady_clock::now();
    const IoTime share = now + (until - now) / static_cast<long>(addresses->size() - i);
    auto connection = RedisConnection::open((*addresses)[i], introduction_, share);
    failed = connection.status();
    if (!connection.ok()) continue;
    server_ = (*connection)->server().incarnation;
    subscribed_.clear();
    unconfirmed_ = 0;
    pong_is_due_ = false;
    pinged_at_ = {};
    (*connection)->interruptBy(wake_fd_);
    return listen(**connection);
  }
  return failed;
}

absl::Status RedisSubscriber::listen(RedisConnection& connection) {
  while (!isStopping()) {
    // Taken first: whoever subscribes later must not find it confirmed by a PING that is older.
    const IoTime now = steady_clock::now();
    absl::Status sent = subscribeToWhatIsNew(connection, now + options_.heartbeat);
    if (!sent.ok()) return sent;
    if (absl::Status alive = pingWhenDue(connection, now); !alive.ok()) return alive;
    const auto patience = pong_is_due_ ? options_.heartbeat : options_.heartbeat / 3;
    absl::Status received = connection.receive(pinged_at_ + patience);
    if (!received.ok() && !absl::IsDeadlineExceeded(received)) return received;
    while (true) {
      absl::StatusOr<std::optional<RedisReply>> reply = connection.nextReply();
      if (!reply.ok()) return reply.status();
      if (!*reply) break;
      if (absl::Status handled = handle(**reply); !handled.ok()) return handled;
    }
    connection.wipe();
  }
  return absl::CancelledError("the subscriber was stopped");
}

absl::Status RedisSubscriber::subscribeToWhatIsNew(RedisConnection& connection, IoTime until) {
  eventfd_t ignored = 0;
  eventfd_read(wake_fd_, &ignored);
  std::set<std::string> wanted;
  {
    const std::lock_guard lock(mutex_);
    wanted = wanted_;
  }
  const std::set<std::string> more = without(wanted, subscribed_);
  const std::set<std::string> less = without(subscribed_, wanted);
  if (more.empty() && less.empty()) return absl::OkStatus();
  RedisCommands commands;
  add(commands, "SUBSCRIBE", more);
  add(commands, "UNSUBSCRIBE", less);
  unconfirmed_ += more.size();
  subscribed_ = std::move(wanted);
  return connection.send(commands.bytes(), until);
}

absl::Status RedisSubscriber::pingWhenDue(RedisConnection& connection, IoTime now) {
  // A server takes PING only without subscriptions or in the subscriber's form, which is the same.
  if (pong_is_due_) {
    if (now - pinged_at_ < options_.heartbeat) return absl::OkStatus();
    return absl::DeadlineExceededError("the server answers no PING");
  }
  if (now - pinged_at_ < options_.heartbeat / 3) return absl::OkStatus();
  RedisCommands ping;
  ping.add({"PING"});
  pinged_at_ = now;
  pong_is_due_ = true;
  return connection.send(ping.bytes(), now + options_.heartbeat);
}

absl::Status RedisSubscriber::handle(const RedisReply& reply) {
  if (reply.isError()) return redisErrorStatus(reply.text());
  const std::string_view kind = reply.size() == 0 ? reply.text() : reply.at(0).text();
  if (kind == "message" && reply.size() == 3) {
    listener_.onMessage(reply.at(1).text(), reply.at(2).text());
  } else if (kind == "subscribe") {
    if (unconfirmed_ > 0) --unconfirmed_;
  } else if (kind == "pong" || kind == "PONG") {
    pong_is_due_ = false;
    if (unconfirmed_ > 0) return absl::OkStatus();
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
