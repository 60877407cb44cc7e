// Snapshot<T>: what a store answers, an immutable value shared by everyone who holds it, or null.
//
//   absl::StatusOr<Snapshot<FeatureFlag>> flag = flags.get("checkout-v2");
//   if (!flag.ok()) return flag.status();     // the store could not be asked
//   if (*flag == nullptr) return defaultFlag; // there is none
//   use((*flag)->enabled);
//
// It is a `std::shared_ptr<const T>` (and converts to one) that also knows the version of the row
// it was read from. Copying one copies a pointer, never a T.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "strata/store/version.h"

namespace strata {

template <typename T>
class Snapshot {
 public:
  // Null: the store holds no such value.
  Snapshot() = default;
  Snapshot(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): `return nullptr;`
  Snapshot(std::shared_ptr<const T> value,  // NOLINT(google-explicit-constructor)
           Version version = {})
      : value_(std::move(value)), version_(version) {}

  const T& operator*() const { return *value_; }
  const T* operator->() const { return value_.get(); }
  const T* get() const { return value_.get(); }
  explicit operator bool() const { return value_ != nullptr; }
  // NOLINTNEXTLINE(google-explicit-constructor): a snapshot is usable wherever a shared_ptr is.
  operator std::shared_ptr<const T>() const& { return value_; }
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator std::shared_ptr<const T>() && { return std::move(value_); }

  // The version of the row; `Version{}` for null and for values that never were in a store.
  Version version() const { return value_ == nullptr ? Version{} : version_; }

  friend bool operator==(const Snapshot& snapshot, std::nullptr_t) { return !snapshot; }
  // Whether both are the same object, as with pointers; compare `*a == *b` for equal values.
  friend bool operator==(const Snapshot& a, const Snapshot& b) { return a.value_ == b.value_; }

 private:
  std::shared_ptr<const T> value_;
  Version version_;
};

// A snapshot of `value`, for tests, mocks and stores of one's own.
template <typename T>
Snapshot<T> makeSnapshot(T value, Version version = {}) {
  return Snapshot<T>(std::make_shared<const T>(std::move(value)), version);
}

}  // namespace strata
