// Whose words a status is: a rule's of Strata and its stores, or a server's behind them.
//
// A rule is about what the caller asked for ("the id is in use"), and its code and message are
// meant for the caller. A server's complaint (a table that is missing, a privilege, a constraint
// nobody expected) may have the same code, but nothing that the caller's own client could do helps,
// and its message names tables and columns. A service answers the first with a status of 4xx, the
// second with 5xx, and keeps the message in its log:
//
//   if (strata::isBackendError(status)) return internalError();
//
// Every error that PostgreSQL reports with a SQLSTATE is one; a store that makes a rule of such an error
// returns a status of its own. Failures of a connection are not marked: their codes (Unavailable,
// DeadlineExceeded) say already whose they are.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace strata {

bool isBackendError(const absl::Status& status);

// What the server called its error, such as the SQLSTATE "42P01"; "" of any other status.
std::string backendErrorCode(const absl::Status& status);

// `status` as the error of a server, which calls it `code`. Ok stays ok. The mark outlives `annotate`.
absl::Status backendError(absl::Status status, std::string_view code);

}  // namespace strata
