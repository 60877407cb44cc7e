// Statement and Bind: what code of this adapter, and the stores over it, hand to a connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "strata/records/described.h"
#include "strata/records/row_codec.h"

namespace strata::postgres {

// Whether a statement changes anything, and so what the loss of its connection means.
enum class Effect : bool { kReads, kWrites };

// Whether its answer is one of the pages that kMaxPageBytes bounds: then one that is larger is
// `internal::pageTooLarge`, and not kept while it comes.
enum class Bound : bool { kNone, kPage };

// One statement, with $1, $2 … for its parameters, which the server types by where they stand. It
// is prepared once per connection, unless that has used 256 others since; statements of the same
// text share that. Never put a value into the text.
class Statement {
 public:
  // `what` is for messages: "get from feature_flags".
  Statement(std::string sql, std::string what, Effect effect, Bound bound = Bound::kNone);

  const std::string& sql() const { return sql_; }
  const std::string& what() const { return what_; }
  bool writes() const { return effect_ == Effect::kWrites; }
  Bound bound() const { return bound_; }
  bool isPage() const { return bound_ == Bound::kPage; }
  // The same for every statement of the same text, and hardly ever for another.
  std::uint64_t key() const { return key_; }

 private:
  std::string sql_;
  std::string what_;
  Effect effect_;
  Bound bound_;
  std::uint64_t key_;
};

// A parameter as the text of its type; none is NULL.
using Bind = std::optional<std::string>;

// A value of any type that a record may hold, as a parameter.
template <typename T>
Bind bind(const T& value) {
  return toColumnText(typeInfo<T>(), &value);
}
inline Bind bind(std::string_view text) { return std::string(text); }
inline Bind bind(const char* text) { return std::string(text); }

}  // namespace strata::postgres
