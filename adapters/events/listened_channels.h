#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"

namespace strata::internal {

// The channels that somebody wants to be listened to, and those that are, on a connection that may
// be lost and made anew. Keeps the channels that are wanted and those that the server of this
// connection was told to listen to, no others. Thread-safe.
class ListenedChannels {
 public:
  explicit ListenedChannels(const std::set<std::string>& wanted = {});

  // ---- By anybody ----
  // True: the thread that listens has something to do that it had not before.
  bool want(const std::string& channel);
  bool unwant(const std::string& channel);
  // Waits until the channel is listened to. Unavailable: the channel is not wanted, or there is no
  // connection; says why it was lost. DeadlineExceeded.
  absl::Status await(const std::string& channel, Deadline deadline, const Clock& clock) const;

  bool wants(std::string_view channel) const;
  // How many channels it keeps.
  std::size_t size() const;

  // ---- By the thread that listens ----
  struct Changes {
    std::vector<std::string> listen;
    std::vector<std::string> unlisten;
  };
  // There is a connection, on which nothing is listened to yet. `lost` comes before the next one.
  void connected();
  void lost(const absl::Status& why);
  // What the server has to be told.
  Changes takeChanges();
  // The server has begun to listen to the channel, as it was told; once for every time it was told.
  void confirm(const std::string& channel);
  bool allAreConfirmed() const;

 private:
  struct Channel {
    bool is_wanted = false;
    // The server was told to, and not to stop since.
    bool is_told = false;
    std::size_t unconfirmed = 0;

    bool isForgettable() const { return !is_wanted && !is_told && unconfirmed == 0; }
  };

  mutable std::mutex mutex_;
  mutable std::condition_variable confirmed_;
  std::map<std::string, Channel, std::less<>> channels_ ABSL_GUARDED_BY(mutex_);
  // Where wanted and told may differ: some of `channels_`.
  std::set<std::string> changed_ ABSL_GUARDED_BY(mutex_);
  std::size_t unconfirmed_ ABSL_GUARDED_BY(mutex_) = 0;
  bool is_connected_ ABSL_GUARDED_BY(mutex_) = false;
  std::string why_lost_ ABSL_GUARDED_BY(mutex_) = "not connected yet";
};

}  // namespace strata::internal
