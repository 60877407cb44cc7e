// DecodedSnapshots: what cached cells were decoded to, so that a hit on a cell that was decoded
// before costs no second decoding.
//
// It is no second truth: the cache is asked all the same, and only the very cell that it answers,
// by its nonce, which no other fill ever has, is looked up here. What is deleted or filled anew has
// another nonce and is decoded anew.
//
// For records that take long to decode. A small one is decoded in less time than it is found.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "src/cache/cell.h"

namespace strata::internal {

// Thread-safe.
class DecodedSnapshots {
 public:
  // Keeps at most so many; zero: none. They share places by chance, and the latest stays.
  explicit DecodedSnapshots(std::size_t max_entries);

  bool keepsAny() const { return size_ > 0; }
  // Null: not kept. `cell` is a whole cell, or its beginning of Cell::kFencePrefixBytes.
  std::shared_ptr<const void> find(std::string_view cell) const;
  void keep(std::string_view cell, std::shared_ptr<const void> value);

 private:
  using Fence = std::array<char, Cell::kFencePrefixBytes>;
  struct Place {
    std::mutex mutex;
    Fence fence ABSL_GUARDED_BY(mutex){};
    std::shared_ptr<const void> value ABSL_GUARDED_BY(mutex);
  };
  Place& placeOf(std::string_view fence) const;

  const std::size_t size_;
  const std::unique_ptr<Place[]> places_;
};

}  // namespace strata::internal
