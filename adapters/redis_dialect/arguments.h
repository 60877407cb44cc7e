// Arguments that commands have in every adapter that speaks the commands of Redis.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace strata::internal {

// Keys of one command: enough to make it cheap, few enough that the server serves others in between.
inline constexpr std::size_t kMaxKeysPerCommand = 256;

// COUNT of SCAN: how many keys it looks at, and so about the most that it answers.
inline constexpr std::string_view kScanCount = "1000";

// MATCH of SCAN: the pattern that matches what begins with `prefix`, and nothing else.
std::string scanPatternOf(std::string_view prefix);

// PX of SET: whole milliseconds.
std::string millisText(absl::Duration ttl);

}  // namespace strata::internal
