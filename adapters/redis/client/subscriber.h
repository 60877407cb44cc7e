#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "adapters/events/listened_channels.h"
#include "adapters/redis/client/connection.h"
#include "adapters/redis/client/node.h"
#include "src/base/starved_wait.h"
#include "strata/base/deadline.h"
#include "strata/cache/cache.h"

namespace strata::internal {

// What a subscriber tells, always from its own thread, one call at a time.
class RedisListener {
 public:
  virtual ~RedisListener() = default;
  // From here on nothing is missed. `after_gap`: what was published since the last call of onLost
  // was. Called when every channel's subscription is confirmed.
  virtual void onSubscribed(Incarnation server, bool after_gap) = 0;
  virtual void onMessage(std::string_view channel, std::string_view payload) = 0;
  // The stream ended; it is taken up again with backoff.
  virtual void onLost(const absl::Status& why) = 0;
  // An attempt to connect came to nothing; the next follows with backoff.
  virtual void onFailed(const absl::Status& /*why*/) {}
};

struct RedisSubscriberOptions {
  RedisFinder find;
  RedisLogin login;
  std::shared_ptr<const TlsContext> tls;         // null: none
  std::shared_ptr<Resolver> resolver = nullptr;  // null: the system's
  std::chrono::nanoseconds connect_timeout{};
  bool of_cluster = false;
  // A PING goes out three times as often; a server that says nothing for so long after one is left.
  std::chrono::nanoseconds heartbeat = std::chrono::seconds(1);
  // Asked with every PING, on the subscriber's thread: whether that server is still the one to
  // listen to, or why it is to be left. Null: it is.
  std::function<absl::Status(const RedisAddress& at, Incarnation server)> prove = nullptr;
};

// Listens to channels of a Redis on a connection and a thread of its own, for as long as it lives.
// Thread-safe.
class RedisSubscriber {
 public:
  // `listener` must outlive it. Throws std::system_error where no thread can be started.
  RedisSubscriber(RedisSubscriberOptions options, const std::set<std::string>& channels,
                  RedisListener& listener);
  // Waits for a call of the listener that is under way.
  ~RedisSubscriber();
  RedisSubscriber(const RedisSubscriber&) = delete;
  RedisSubscriber& operator=(const RedisSubscriber&) = delete;

  // Takes effect within a round trip, without a gap for the other channels. What is published on a
  // new channel arrives once `confirmed()` is later than this call, or `waitUntilSubscribed` is ok.
  void subscribe(const std::string& channel);
  void unsubscribe(const std::string& channel);
  // Leaves the connection, as if it had been lost.
  void reconnect(const absl::Status& why);
  // Unavailable: the stream is lost. DeadlineExceeded: not confirmed yet.
  absl::Status waitUntilSubscribed(const std::string& channel, Deadline deadline,
                                   const Clock& clock) const {
    return channels_.await(channel, deadline, clock);
  }

  // When the last PING that was answered had been sent: whatever was published before that has been
  // told. None while the stream is lost.
  std::optional<IoTime> confirmed() const;

 private:
  void run();
  // Connects, listens, and returns why that ended.
  absl::Status listenOnce();
  absl::Status listen(RedisConnection& connection);
  absl::Status subscribeToWhatIsNew(RedisConnection& connection, IoTime until);
  absl::Status pingWhenDue(RedisConnection& connection, IoTime now);
  absl::Status receiveSome(RedisConnection& connection);
  absl::StatusOr<RedisOpened> connect();
  // Nothing came: why the server is to be left, if it is.
  absl::Status judgeSilence(IoTime began, IoTime until);
  // Something came by then that was to come by `until`.
  void noteHeard(IoTime until);
  absl::Status handle(const RedisReply& reply);
  void loseStream(const absl::Status& why);
  void pauseBeforeReconnecting();
  bool isStopping() const;
  absl::Status takeLeave();

  const RedisSubscriberOptions options_;
  RedisRefusals refusals_;
  const RedisIntroduction introduction_;
  RedisListener& listener_;
  const int wake_fd_;
  ListenedChannels channels_;

  mutable std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<IoTime> confirmed_ ABSL_GUARDED_BY(mutex_);
  // Ok: the connection is not to be left.
  absl::Status leave_ ABSL_GUARDED_BY(mutex_);

  // The thread's own.
  bool is_whole_ = false;
  bool had_stream_ = false;
  RedisAddress address_;
  Incarnation server_;
  IoTime pinged_at_{};
  IoTime heard_at_{};
  // When the server's time to answer the PING began: when that was sent, or this thread was found
  // starved since.
  IoTime asked_at_{};
  StarvedWait wait_{"redis_heartbeat"};
  bool pong_is_due_ = false;
  int failures_ = 0;
  std::minstd_rand random_;

  std::thread thread_;
};

}  // namespace strata::internal
