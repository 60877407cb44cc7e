#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace strata::internal {

// What the stores of the context platform say alike.
absl::Status noSuchUser();                  // NotFound
absl::Status noneOfUser(const char* what);  // NotFound: "the user has no such dream"
absl::Status usedByUser(const char* what);  // AlreadyExists: "the user has a dream of this id"

// InvalidArgument, naming `what`: not a text of 1 to 200 bytes, in UTF-8 without NUL bytes.
absl::Status checkUserId(std::string_view user_id, const char* what = "user_id");
// InvalidArgument, naming `what`: more than `most` code points. `text` is UTF-8.
absl::Status checkLength(std::string_view text, std::size_t most, const char* what);

// One record of a user, in canonical form.
struct RecordOfUser {
  std::string user_id;
  std::string id;
};
absl::StatusOr<RecordOfUser> recordOfUser(std::string_view user_id, std::string_view id,
                                          const char* what);

}  // namespace strata::internal
