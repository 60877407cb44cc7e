#include "src/cache/decoded_snapshots.h"

#include <algorithm>
#include <utility>

#include "strata/base/hash.h"

namespace strata::internal {
namespace {

std::string_view fenceOf(std::string_view cell) { return cell.substr(0, Cell::kFencePrefixBytes); }

}  // namespace

DecodedSnapshots::DecodedSnapshots(std::size_t max_entries)
    : size_(max_entries), places_(max_entries == 0 ? nullptr : new Place[max_entries]) {}

DecodedSnapshots::Place& DecodedSnapshots::placeOf(std::string_view fence) const {
  return places_[stableHash(fence) % size_];
}

std::shared_ptr<const void> DecodedSnapshots::find(std::string_view cell) const {
  if (size_ == 0 || cell.size() < Cell::kFencePrefixBytes) return nullptr;
  const std::string_view fence = fenceOf(cell);
  Place& place = placeOf(fence);
  const std::lock_guard lock(place.mutex);
  return std::ranges::equal(fence, place.fence) ? place.value : nullptr;
}

void DecodedSnapshots::keep(std::string_view cell, std::shared_ptr<const void> value) {
  if (size_ == 0 || cell.size() < Cell::kFencePrefixBytes) return;
  const std::string_view fence = fenceOf(cell);
  Place& place = placeOf(fence);
  {
    const std::lock_guard lock(place.mutex);
    std::ranges::copy(fence, place.fence.begin());
    place.value.swap(value);
  }
  // What was there is destroyed here, without the lock.
}

}  // namespace strata::internal
