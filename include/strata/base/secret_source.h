// SecretSource: where a secret comes from that may change while the program runs, as a token of a
// cloud's identity service that lives for 15 minutes, or a password that is rotated in a file.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "strata/base/secret.h"

namespace strata {

// Returns the secret as it is now. Called for each login, from any thread, also by several at once;
// and once more when the server refuses what it returned, for it may have changed in between. An
// error is that of the login, and so is an exception (Internal, with its type). It may block, for as
// long as a login may take, and must not use what it is the secret of.
using SecretSource = std::function<absl::StatusOr<Secret>()>;

// A source that reads a file each time. One line break at its end is not part of the secret.
//
// FailedPrecondition, with the path: there is no such file, it cannot be read, or is no regular
// file; it is empty or larger than 64 KiB; it holds a NUL byte, or further line breaks at its end.
SecretSource secretFile(std::string path);

}  // namespace strata
