#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace strata::internal {

// Which keys were there when they were last asked for or removed: for a guess, which costs time and
// nothing else where it is wrong. Of fixed size, 64 KiB: keys push each other out, and of those that
// never were there one in 255 passes for one. Thread-safe.
class SeenKeys {
 public:
  // Of a key. Different in each process.
  static std::size_t hashOf(std::string_view key) {
    return absl::Hash<absl::string_view>()({key.data(), key.size()});
  }

  bool has(std::size_t hash) const {
    return placeOf(hash).load(std::memory_order_relaxed) == tagOf(hash);
  }
  void note(std::size_t hash, bool is_there) {
    if (has(hash) == is_there) return;
    placeOf(hash).store(is_there ? tagOf(hash) : kNone, std::memory_order_relaxed);
  }

 private:
  using Tag = std::uint8_t;
  using Place = std::atomic<Tag>;
  static constexpr std::size_t kPlaces = 1 << 16;
  static constexpr Tag kNone = 0;

  static Tag tagOf(std::size_t hash) { return static_cast<Tag>(1 + (hash >> 32) % 255); }
  Place& placeOf(std::size_t hash) { return tags_[hash % kPlaces]; }
  const Place& placeOf(std::size_t hash) const { return tags_[hash % kPlaces]; }

  std::vector<Place> tags_ = std::vector<Place>(kPlaces);
};

}  // namespace strata::internal
