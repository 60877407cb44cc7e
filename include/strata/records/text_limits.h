// TextLimits<T>: how long the texts of a record may be.
//
//   template <>
//   struct TextLimits<Message> {
//     static constexpr std::array<TextLimit, 2> all{{{"content", 1 << 20}, {"trace_id", 1'000}}};
//   };
//
// Stores of the domain refuse longer ones before they write anything, whatever they stand on, and a
// CHECK constraint of the table has the same number. Not for fields that have a form of their own,
// such as UUIDs.
#pragma once

#include <cstddef>
#include <string_view>

namespace strata {

struct TextLimit {
  std::string_view field;
  // Of a text: its bytes in UTF-8, octet_length(field). Of anything that is stored as jsonb: the
  // bytes that PostgreSQL writes it with, octet_length(field::text), which has a space behind each
  // ':' and ',' and numbers without exponents.
  std::size_t bytes;
};

// `all`, an array of TextLimit.
template <typename T>
struct TextLimits;

// Of names, titles and ids that others give: room for 250 code points of any script, while a wrong
// argument, such as a whole document, is refused.
inline constexpr std::size_t kMaxName = 1'000;

}  // namespace strata
