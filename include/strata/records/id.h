// Id: what names one value of a store. One text, or several for a composite id.
//
//   store.get("checkout-v2");
//   store.get({region, name});        // a composite id of two segments
//
// Every id has one canonical text: its segments joined by ':', with ':', '%', '*', white space and
// control bytes inside a segment percent-encoded. No two different ids share a canonical text, so
// it is what cache keys and in-memory tables are made of.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace strata {

class Id {
 public:
  // Implicit, so that a plain text is an id wherever one is asked for.
  // NOLINTBEGIN(google-explicit-constructor)
  Id(std::string_view text) : Id(std::initializer_list<std::string_view>{text}) {}
  Id(const std::string& text) : Id(std::string_view(text)) {}
  Id(const char* text) : Id(std::string_view(text)) {}
  // NOLINTEND(google-explicit-constructor)
  Id(std::initializer_list<std::string_view> segments);

  // The id whose canonical text is `text` (as `canonical()` gave it). A text that is not canonical
  // gives an id that `check()` refuses.
  static Id fromCanonical(std::string_view text);

  const std::string& canonical() const { return canonical_; }
  // The segments, decoded.
  std::vector<std::string> segments() const;

  // Ok, or InvalidArgument that says why no store accepts this id: it has no segment, an empty
  // one, one with a NUL byte, or one that is not UTF-8. Every store checks before any I/O.
  absl::Status check() const;

  friend bool operator==(const Id& a, const Id& b) { return a.canonical_ == b.canonical_; }
  template <typename H>
  friend H AbslHashValue(H state, const Id& id) {
    return H::combine(std::move(state), id.canonical_);
  }

 private:
  enum class Flaw : std::uint8_t { kNone, kEmpty, kNul, kNotUtf8, kNotCanonical };

  Id() = default;
  void append(std::string_view segment);

  std::string canonical_;
  Flaw flaw_ = Flaw::kNone;
};

// `segment` as it stands in a canonical id and in a cache key.
std::string encodeSegment(std::string_view segment);

}  // namespace strata
