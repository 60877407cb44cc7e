// What the conformance suite of stores writes: values at the edges of what a type can hold, values
// that no store may accept, and ids that are hard to keep apart. They are made from a type's
// description, so that they fit any record.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "strata/records/id.h"
#include "strata/records/internal/type_info.h"

namespace strata::testing {

enum class ValueCase : std::uint8_t {
  kEmpty,      // zero, no text, no elements, empty optionals
  kSmallest,   // the most negative numbers, the year 1, the first enumerator
  kLargest,    // the largest numbers, the year 9999, the last enumerator
  kFinest,     // denormal numbers, a microsecond before 1970, the integer past a double's precision
  kOtherText,  // non-ASCII text, quotes, control characters; as keys of maps too
  kSql,        // text that is SQL, or a placeholder of a driver
};
inline constexpr std::array kValueCases = {ValueCase::kEmpty,     ValueCase::kSmallest,
                                           ValueCase::kLargest,   ValueCase::kFinest,
                                           ValueCase::kOtherText, ValueCase::kSql};

enum class BadValue : std::uint8_t {
  kNotANumber,
  kInfinity,
  kNulInText,
  kNotUtf8,
  kTimeTooEarly,
  kTimeTooLate,
  kNotAnEnumerator,
};
inline constexpr std::array kBadValues = {
    BadValue::kNotANumber,   BadValue::kInfinity,    BadValue::kNulInText,      BadValue::kNotUtf8,
    BadValue::kTimeTooEarly, BadValue::kTimeTooLate, BadValue::kNotAnEnumerator};

std::string toString(ValueCase value_case);
std::string toString(BadValue bad);

// Makes `value` such a case, with everything in it; lists and maps get a few elements.
void fill(const TypeInfo& type, void* value, ValueCase value_case);
// Plants a bad value in `value`; false when nothing in it can be so bad.
bool spoil(const TypeInfo& type, void* value, BadValue bad);

// Texts that are hard as ids: separators, wildcards, escapes, quotes, SQL, spaces, other scripts,
// and one of 1 kB. All differ.
const std::vector<std::string>& nastyTexts();
// `nastyTexts` as ids, and composite ids, among them such as are equal when joined carelessly. All
// differ.
const std::vector<Id>& nastyIds();
// Composite ids of two segments, as hard.
const std::vector<Id>& nastyPairs();
// Ids that no store accepts: empty, an empty segment, a NUL byte, not UTF-8.
const std::vector<Id>& invalidIds();

}  // namespace strata::testing
