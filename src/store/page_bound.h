#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/records/described.h"
#include "strata/store/page_bound.h"

namespace strata::internal {

// ResourceExhausted: the records asked for have more than kMaxPageBytes.
absl::Status pageTooLarge();

// What counts of a record: the bytes of its texts, names of enumerators and JSON.
std::size_t pageBytes(const TypeInfo& type, const void* record);

// `records`, unless they are too many bytes for a page: then `pageTooLarge`.
template <typename T>
absl::StatusOr<std::vector<T>> asPage(std::vector<T> records) {
  std::size_t bytes = 0;
  for (const T& record : records) bytes += pageBytes(typeInfo<T>(), &record);
  if (bytes > kMaxPageBytes) return pageTooLarge();
  return records;
}

// How many of `records`, from the first on, make a page: one at least, where there are any.
template <typename T>
std::size_t countOfPage(const std::vector<T>& records) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    bytes += pageBytes(typeInfo<T>(), &records[i]);
    if (bytes > kMaxPageBytes && i > 0) return i;
  }
  return records.size();
}

}  // namespace strata::internal
