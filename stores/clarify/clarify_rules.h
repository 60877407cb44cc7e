#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stores/clarify/clarify_tables.h"
#include "stores/ids.h"
#include "stores/uuid.h"

namespace strata {

// What the stores of the context platform say alike.
absl::Status noSuchUser();                  // NotFound
absl::Status noneOfUser(const char* what);  // NotFound: "the user has no such dream"
absl::Status usedByUser(const char* what);  // AlreadyExists: "the user has a dream of this id"

// InvalidArgument, naming `what`: not a text of 1 to 200 bytes, in UTF-8 without NUL bytes.
absl::Status checkUserId(std::string_view user_id, const char* what = "user_id");
// InvalidArgument, naming `what`: more than `most` code points. `text` is UTF-8.
absl::Status checkLength(std::string_view text, std::size_t most, const char* what);
// InvalidArgument: not 1 to 1000.
absl::Status checkListLimit(std::int64_t limit);

// One record of a user, in canonical form.
struct RecordOfUser {
  std::string user_id;
  std::string id;
};
absl::StatusOr<RecordOfUser> recordOfUser(std::string_view user_id, std::string_view id,
                                          const char* what);

// Stores a new record: its user is there and has none of its id. Where `count` names a counter of
// the user it is counted up, and the user stamped. All that may be refused is refused before
// anything is written, so that a unit of work goes on.
template <typename T>
absl::Status insertNew(ClarifyTables& tables, ClarifyRows<T>& rows, const T& record,
                       const char* what, std::int64_t UserProfile::*count = nullptr) {
  auto user = tables.lockUser(record.user_id);
  if (!user.ok()) return user.status();
  if (!*user) return noSuchUser();
  const auto existing = rows.find(record.user_id, record.id);
  if (!existing.ok()) return existing.status();
  if (*existing) return usedByUser(what);
  absl::Status status = rows.insert(record.user_id, {record});
  if (!status.ok() || count == nullptr) return status;
  ++((**user).*count);
  (*user)->updated_at = std::max((*user)->updated_at, record.created_at);
  return tables.updateUser(**user);
}

// The record as it was, for a change of it.
template <typename T>
absl::StatusOr<T> lockOfUser(ClarifyRows<T>& rows, const RecordOfUser& which, const char* what) {
  auto found = rows.lock(which.user_id, which.id);
  if (!found.ok()) return found.status();
  if (!*found) return noneOfUser(what);
  return **std::move(found);
}

template <typename T>
absl::StatusOr<T> findOfUser(ClarifyRows<T>& rows, const RecordOfUser& which, const char* what) {
  auto found = rows.find(which.user_id, which.id);
  if (!found.ok()) return found.status();
  if (!*found) return noneOfUser(what);
  return **std::move(found);
}

// True, or NotFound.
template <typename T>
absl::StatusOr<bool> removeOfUser(ClarifyRows<T>& rows, const RecordOfUser& which,
                                  const char* what) {
  auto removed = rows.remove(which.user_id, which.id);
  if (removed.ok() && !*removed) return noneOfUser(what);
  return removed;
}

}  // namespace strata
