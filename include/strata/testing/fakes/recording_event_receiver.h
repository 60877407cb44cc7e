// RecordingEventReceiver: what an EventTransport tells, written down for a test.
//
//   RecordingEventReceiver receiver;
//   ASSERT_OK(transport->start(receiver, deadline));
//   EXPECT_TRUE(receiver.hears("channel", "payload"));
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "strata/events/event_transport.h"
#include "strata/testing/eventually.h"
#include "strata/testing/status_matchers.h"

namespace strata::testing {

// Thread-safe.
class RecordingEventReceiver final : public EventReceiver {
 public:
  using Payloads = std::vector<std::string>;

  void onMessage(std::string_view channel, std::string_view payload) override {
    const std::lock_guard lock(mutex_);
    heard_[std::string(channel)].emplace_back(payload);
  }
  void onGap(const absl::Status& why) override {
    EXPECT_FALSE(why.ok());
    ++gaps_;
  }
  void onLost(std::string_view channel, const absl::Status& why) override {
    EXPECT_FALSE(why.ok());
    const std::lock_guard lock(mutex_);
    lost_[std::string(channel)].emplace_back(why.message());
  }

  Payloads heard(const std::string& channel) const {
    const std::lock_guard lock(mutex_);
    return at(heard_, channel);
  }
  // Why each was lost.
  Payloads lost(const std::string& channel) const {
    const std::lock_guard lock(mutex_);
    return at(lost_, channel);
  }
  int gaps() const { return gaps_; }
  [[nodiscard]] bool hears(const std::string& channel, const std::string& payload) const {
    return eventually([&] {
      const std::lock_guard lock(mutex_);
      const auto found = heard_.find(channel);
      return found != heard_.end() &&
             std::find(found->second.begin(), found->second.end(), payload) != found->second.end();
    });
  }
  [[nodiscard]] bool hears(const std::string& channel, std::size_t count) const {
    return eventually(
        [&] {
          const std::lock_guard lock(mutex_);
          const auto found = heard_.find(channel);
          return found != heard_.end() && found->second.size() >= count;
        },
        absl::Seconds(60));
  }

 private:
  using ByChannel = std::map<std::string, Payloads>;

  static Payloads at(const ByChannel& all, const std::string& channel) {
    const auto found = all.find(channel);
    return found == all.end() ? Payloads{} : found->second;
  }

  mutable std::mutex mutex_;
  ByChannel heard_ ABSL_GUARDED_BY(mutex_);
  ByChannel lost_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int> gaps_ = 0;
};

}  // namespace strata::testing
