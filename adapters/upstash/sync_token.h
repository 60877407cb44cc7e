#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"

namespace strata::internal {

// How far the database had come at an answer: sent along, it keeps a replica that is further behind
// from answering. The service alone can compare two tokens, so of two answers that crossed the
// later one counts, except that a read's never takes the place of one that came while it was under
// way: that may be of a write, which the read may not have seen. Thread-safe.
class UpstashSyncToken {
 public:
  struct Seen {
    std::string token;
    std::uint64_t version = 0;
  };

  Seen current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  // `sent` is what went out with the request.
  void learn(std::string token, bool wrote, const Seen& sent) {
    if (token.empty()) return;
    const std::lock_guard lock(mutex_);
    if (!wrote && current_.version != sent.version) return;
    current_ = {std::move(token), current_.version + 1};
  }

 private:
  mutable std::mutex mutex_;
  Seen current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::internal
