// Version: how new a row is. Every write gives its row a version larger than any before it.
//
// A version is also the token of session consistency: `put` returns one, and any process that
// hands it to `get` as `ReadOptions::min_version` is never answered with anything older.
#pragma once

#include <compare>
#include <cstdint>

namespace strata {

class Version {
 public:
  // Older than every row: as a least version it asks for nothing.
  constexpr Version() = default;
  // From `value()` of a version, to carry one between processes (a header, a cookie).
  constexpr explicit Version(std::int64_t value) : value_(value) {}

  constexpr std::int64_t value() const { return value_; }
  friend constexpr auto operator<=>(Version, Version) = default;

 private:
  std::int64_t value_ = 0;
};

}  // namespace strata
