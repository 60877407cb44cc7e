// kMaxPageBytes: how much one page of records may hold, beside its limit in records.
#pragma once

#include <cstddef>

#include "absl/status/status.h"

namespace strata {

// Of the texts and JSON of a page, as PostgreSQL writes them (octet_length), on every backend. A
// page is the answer of one call that reads many records: getMany, lists, the newest messages. One
// that has a cursor ends early; any other call answers ResourceExhausted: ask for fewer records at a
// time. Calls that read one record are not bounded.
inline constexpr std::size_t kMaxPageBytes = std::size_t{64} << 20;

// Whether an error is that ResourceExhausted, by whatever it was annotated, and not one that passes.
bool isPageTooLarge(const absl::Status& status);

}  // namespace strata
