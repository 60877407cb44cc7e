// AddressBounds: how much one address may hold of the service at a time.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"

namespace copilot {

// Thread-safe. A Share gives back what it holds when it is destroyed; it must not outlive the bounds.
class AddressBounds {
 public:
  class Share {
   public:
    Share(AddressBounds& bounds, std::string key, std::size_t amount)
        : bounds_(bounds), key_(std::move(key)), amount_(amount) {}
    ~Share() { bounds_.giveBack(key_, amount_); }
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

   private:
    AddressBounds& bounds_;
    const std::string key_;
    const std::size_t amount_;
  };

  explicit AddressBounds(std::size_t most) : most_(most) {}

  // Null: `key`, a limitKey, would hold more than is allowed.
  std::unique_ptr<Share> take(const std::string& key, std::size_t amount);

 private:
  void giveBack(const std::string& key, std::size_t amount);

  const std::size_t most_;
  std::mutex mutex_;
  // Of those that hold something.
  std::map<std::string, std::size_t> held_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace copilot
