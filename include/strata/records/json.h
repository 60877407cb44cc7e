// Json: a JSON value that a record carries and the library does not look into.
//
//   struct Message {
//     std::string content;
//     strata::Json metadata;                        // {} unless set
//     std::optional<strata::Json> resource_usage;   // none unless set
//   };
//   absl::StatusOr<strata::Json> metadata = strata::Json::parse(R"({"b": 1E2, "a": [null]})");
//   metadata->text() == R"({"a":[null],"b":100})";
//
// It keeps one text for all spellings of a value, so that equal values are equal texts whatever
// store they went through: PostgreSQL's jsonb reorders keys, drops duplicates and white space, and
// writes 1e300 with 301 digits. In this canonical text
//   - there is no white space, and no escape that JSON does not ask for;
//   - the keys of an object are in the order of their bytes; of duplicates the last one counts;
//   - a whole number that fits std::int64_t or std::uint64_t is an integer (1E2 → 100, -0.0 → 0);
//   - any other number is the shortest text of the double nearest to it.
//
// Not for data that the program itself reads: describe a struct for that (described.h).
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"

namespace strata {

namespace internal {
class JsonCapture;
}  // namespace internal

// Thread-compatible: const methods may be called concurrently.
class Json {
 public:
  // The empty object, {}.
  Json() = default;
  Json(const Json&) = default;
  Json& operator=(const Json&) = default;
  // What has been moved from is {}.
  Json(Json&& other) noexcept : text_(std::exchange(other.text_, "{}")) {}
  Json& operator=(Json&& other) noexcept {
    text_ = std::exchange(other.text_, "{}");
    return *this;
  }
  ~Json() = default;

  // InvalidArgument, which quotes nothing of `text`: it is not JSON (RFC 8259, in UTF-8), or no
  // store could give it back: it has more than 100 levels, a NUL in a string or key, or a number
  // beyond a double, or it is null. Null is the absence of a value, which is what an empty
  // std::optional<Json> is; within an array or object it may be.
  static absl::StatusOr<Json> parse(std::string_view text);

  // The canonical text.
  const std::string& text() const { return text_; }

  friend bool operator==(const Json&, const Json&) = default;

 private:
  friend class internal::JsonCapture;
  explicit Json(std::string canonical) : text_(std::move(canonical)) {}

  std::string text_ = "{}";
};

}  // namespace strata
