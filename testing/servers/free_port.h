#pragma once

#include <cstdint>

namespace strata::testing::internal {

// A TCP port of 127.0.0.1 on which nobody listens at this moment. It is below the range from which
// the kernel takes ports for outgoing connections, so that none of those can take it while a server
// is down. Another program may still take it before the caller does.
std::uint16_t freePort();

// Binds a socket to a port of 127.0.0.1; false when somebody has it.
bool bindTo(int socket, std::uint16_t port);

}  // namespace strata::testing::internal
