#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "strata/events/event_transport.h"

namespace strata::internal {

// What goes to a server at once: no further message once either is reached.
struct PieceLimits {
  std::size_t messages;
  std::size_t bytes;  // of payloads
};

// Ok, or InvalidArgument, whose message begins with the backend.
inline absl::Status checkSize(const EventMessage& message, std::string_view backend) {
  constexpr std::size_t kLargestPayload = 16 * 1024 * 1024;
  if (message.payload.size() <= kLargestPayload) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{}: a payload above 16 MiB", backend));
}

// How many of the first messages make a piece: at least one, unless there is none.
inline std::size_t pieceOf(absl::Span<const EventMessage> messages, const PieceLimits& limits) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < messages.size() && count < limits.messages && bytes < limits.bytes) {
    bytes += messages[count++].payload.size();
  }
  return count;
}

// Sends one piece after the other, until one fails.
inline absl::Status sendInPieces(
    absl::Span<const EventMessage> messages, const PieceLimits& limits,
    absl::FunctionRef<absl::Status(absl::Span<const EventMessage> piece)> send) {
  absl::Status sent;
  while (sent.ok() && !messages.empty()) {
    const std::size_t count = pieceOf(messages, limits);
    sent = send(messages.first(count));
    messages.remove_prefix(count);
  }
  return sent;
}

}  // namespace strata::internal
