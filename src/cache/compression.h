#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace strata::internal {

// One zstd frame that tells its size, at the level that costs least.
std::string compress(std::string_view bytes);

// DataLoss: not such a frame, or one of more than `limit` bytes.
absl::StatusOr<std::string> decompress(std::string_view frame, std::size_t limit);

}  // namespace strata::internal
