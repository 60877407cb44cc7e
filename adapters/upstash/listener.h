#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/events/event_stream.h"
#include "adapters/net/stream.h"
#include "adapters/upstash/event_source.h"
#include "adapters/upstash/token.h"
#include "adapters/upstash/url.h"
#include "strata/base/secret.h"
#include "strata/base/secret_source.h"

namespace strata::internal {

// Listens to the event stream of a REST API on a connection and a thread of its own, for as long as
// it lives. Thread-safe.
class UpstashListener {
 public:
  struct Options {
    UpstashEndpoint endpoint;
    std::shared_ptr<const TlsContext> tls;         // null for a plain connection
    std::shared_ptr<Resolver> resolver = nullptr;  // null: the system's
    Secret token;
    SecretSource token_source = nullptr;
    // What all channels begin with.
    std::string prefix;
    std::chrono::nanoseconds connect_timeout{};
    // So long the service may take to confirm the subscription.
    std::chrono::nanoseconds request_timeout{};
  };

  // `stream` must outlive it. Throws std::system_error where no thread can be started.
  UpstashListener(Options options, EventStream& stream);
  // Waits for a call of the stream that is under way, and for a connection that is being made.
  ~UpstashListener();
  UpstashListener(const UpstashListener&) = delete;
  UpstashListener& operator=(const UpstashListener&) = delete;

  // At once: everything that begins with the prefix is heard anyway.
  void subscribe(const std::string& channel);
  void unsubscribe(const std::string& channel);
  bool isSubscribed(std::string_view channel) const;
  // Leaves the connection, as if it had been lost.
  void reconnect(const absl::Status& why);

 private:
  void run();
  void pauseBeforeReconnecting();
  // Connects, listens, and returns why that ended.
  absl::Status listenOnce();
  absl::Status listenWith(const Secret& token);
  absl::StatusOr<Stream> connect() const;
  // Subscribes, and waits for the confirmation.
  absl::Status begin(Stream& connection, EventSource& source, const Secret& token);
  absl::Status receive(Stream& connection, EventSource& source, IoTime until);
  void take(std::string_view data);
  std::string request(const Secret& token) const;
  bool isStopping() const;
  absl::Status takeLeave();

  const Options options_;
  const std::string pattern_;
  UpstashToken token_;
  EventStream& stream_;
  const int wake_fd_;

  mutable std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Ok: the connection is not to be left.
  absl::Status leave_ ABSL_GUARDED_BY(mutex_);
  std::set<std::string, std::less<>> channels_ ABSL_GUARDED_BY(mutex_);

  // The thread's own.
  bool is_whole_ = false;
  int failures_ = 0;
  std::minstd_rand random_;

  std::thread thread_;
};

}  // namespace strata::internal
