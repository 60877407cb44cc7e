// SQLSTATE → absl::Status: the one place that says what an error of PostgreSQL means to a caller.
#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace strata::postgres {

// What a five-character SQLSTATE means. An unknown one is Internal.
struct SqlStateMeaning {
  absl::StatusCode code;
  // For people: "unique violation". Never empty.
  std::string_view condition;
  // Whether the server's primary message can be shown: it names objects, never values.
  bool message_is_safe;
};
SqlStateMeaning meaningOf(std::string_view sqlstate);

// The server ended the connection with this error, so whatever ran on it may have been committed
// without an answer.
bool endsConnection(std::string_view sqlstate);

// `what` says what was attempted and on which table. `primary` is the server's primary message,
// which is left out where it could quote a value; its DETAIL must never be handed in.
absl::Status toStatus(std::string_view what, std::string_view sqlstate, std::string_view primary);

}  // namespace strata::postgres
