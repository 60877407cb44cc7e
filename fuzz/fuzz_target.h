// What a fuzz target defines, and what its checks use.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

// Must return 0 for any bytes, and must not crash.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace strata::fuzz {

// Ends the process, which the fuzzer reports with the input.
inline void expect(bool holds) {
  if (!holds) std::abort();
}

}  // namespace strata::fuzz
