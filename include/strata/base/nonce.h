// Nonce: a number used once, which makes one attempt to fill a cache key different from every other.
#pragma once

#include <array>

namespace strata {

// 64 random bits of the process and a counter: unique in every process and its forks.
using Nonce = std::array<char, 16>;

// Thread-safe. Throws std::runtime_error where the system gives no random numbers.
Nonce makeNonce();

}  // namespace strata
