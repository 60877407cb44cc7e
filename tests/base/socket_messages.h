// Small messages between a test and its child processes, over a socket pair.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace strata::testing {

// `message` is trivially copyable.
template <typename T>
void send(int socket, const T& message) {
  EXPECT_EQ(::send(socket, &message, sizeof message, MSG_NOSIGNAL),
            static_cast<ssize_t>(sizeof message));
}

// Waits for a whole one.
template <typename T>
T receive(int socket) {
  T message{};
  EXPECT_EQ(::recv(socket, &message, sizeof message, MSG_WAITALL),
            static_cast<ssize_t>(sizeof message));
  return message;
}

}  // namespace strata::testing
