#include "stores/clarify/clarify_rules.h"

#include <fmt/format.h>

#include <utility>

#include "stores/base/uuid.h"
#include "stores/clarify/context_text.h"
#include "strata/records/id.h"
#include "strata/stores/clarify/user_profile_store.h"

namespace strata::internal {

absl::Status noSuchUser() { return absl::NotFoundError("there is no such user"); }

absl::Status noneOfUser(const char* what) {
  return absl::NotFoundError(fmt::format("the user has no such {}", what));
}

absl::Status usedByUser(const char* what) {
  return absl::AlreadyExistsError(fmt::format("the user has a {} of this id", what));
}

absl::Status checkUserId(std::string_view user_id, const char* what) {
  if (!user_id.empty() && user_id.size() <= kMaxUserId && Id(user_id).check().ok()) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("{} must be 1 to {} bytes of UTF-8 without NUL bytes", what, kMaxUserId));
}

absl::Status checkLength(std::string_view text, std::size_t most, const char* what) {
  if (codePoints(text) <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} has more than {} code points", what, most));
}

absl::StatusOr<RecordOfUser> recordOfUser(std::string_view user_id, std::string_view id,
                                          const char* what) {
  if (absl::Status status = checkUserId(user_id); !status.ok()) return status;
  auto canonical = canonicalUuid(id, what);
  if (!canonical.ok()) return canonical.status();
  return RecordOfUser{.user_id = std::string(user_id), .id = *std::move(canonical)};
}

}  // namespace strata::internal
