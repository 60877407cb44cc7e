// CommitGate: the rows of a unit of work become visible together, though they are written one by one.
//
// A reader that has seen one of them answers only when all are there, so what it reads next has the
// others too. It costs readers one load while no unit commits.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

#include "absl/base/thread_annotations.h"

namespace strata::internal {

// Thread-safe.
class CommitGate {
 public:
  // Calls `write`, which makes the rows visible. One commit at a time.
  template <typename Write>
  void publish(Write write) {
    const std::lock_guard lock(mutex_);
    is_open_.store(false, std::memory_order_release);
    write();
    is_open_.store(true, std::memory_order_release);
  }

  // Whether no commit is under way of which some rows may be visible already. What was read before
  // this with the lock of a row's shard is then of no commit, or of whole ones.
  bool isOpen() const { return is_open_.load(std::memory_order_acquire); }
  // Calls `read` while no commit is under way.
  template <typename Read>
  void betweenCommits(Read read) const {
    const std::lock_guard lock(mutex_);
    read();
  }
  // Waits for the end of the one that is under way.
  void pass() const {
    if (!isOpen()) const std::lock_guard lock(mutex_);
  }

 private:
  mutable std::mutex mutex_;
  std::atomic<bool> is_open_{true};
};

}  // namespace strata::internal
