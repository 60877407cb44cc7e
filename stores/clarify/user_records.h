#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stores/base/arguments.h"
#include "stores/base/uuid.h"
#include "stores/clarify/clarify_database.h"
#include "stores/clarify/clarify_rules.h"

namespace strata::internal {

// The records of one kind that users have, each with an id: what the stores of them do alike.
//
// Thread-safe. Errors are those of the stores' interfaces.
template <typename T>
class UserRecords {
 public:
  using Kind = ClarifyKind<T>;

  // `database` must outlive it.
  explicit UserRecords(ClarifyDatabase& database) : database_(database) {}

  // Gives a record that is to be created its id, a new one where it has none, in canonical form.
  static absl::Status identify(T& record) {
    const auto which = recordOfUser(
        record.user_id, record.id.empty() ? newUuid(record.created_at) : record.id, "id");
    if (!which.ok()) return which.status();
    record.id = which->id;
    return absl::OkStatus();
  }

  // Stores a new record, whose user is there and has none of its id. Where `count` names a counter
  // of the user it is counted up, and the user stamped.
  absl::StatusOr<T> insert(const StoreOperation& operation, const T& record,
                           const WriteOptions& options,
                           std::int64_t UserProfile::*count = nullptr) const {
    return database_.write<T>(operation, record.user_id, options,
                              [&](ClarifyTables& tables) -> absl::StatusOr<T> {
                                absl::Status status = insertInto(tables, record, count);
                                if (!status.ok()) return status;
                                return record;
                              });
  }

  absl::StatusOr<T> get(const StoreOperation& operation, std::string_view user_id,
                        std::string_view id, const ReadOptions& options) const {
    const auto which = recordOfUser(user_id, id, Kind::id_name);
    if (!which.ok()) return which.status();
    return database_.read<T>(operation, options, [&](ClarifyTables& tables) {
      return found(Kind::rows(tables).find(which->user_id, which->id));
    });
  }

  absl::StatusOr<std::vector<T>> list(const StoreOperation& operation, std::string_view user_id,
                                      const std::optional<typename Kind::Status>& status,
                                      std::int64_t limit, const ReadOptions& options) const {
    absl::Status valid = checkUserId(user_id);
    if (valid.ok()) valid = checkListLimit(limit);
    if (!valid.ok()) return valid;
    return database_.read<std::vector<T>>(operation, options, [&](ClarifyTables& tables) {
      return Kind::rows(tables).list(std::string(user_id), status, limit);
    });
  }

  // Changes the one of that id; answers what it is then. Nothing is written where nothing changes.
  absl::StatusOr<T> change(const StoreOperation& operation, std::string_view user_id,
                           std::string_view id, const WriteOptions& options,
                           absl::FunctionRef<absl::Status(T&)> change) const {
    return write<T>(operation, user_id, id, options,
                    [&](auto& rows, const RecordOfUser& which) -> absl::StatusOr<T> {
                      const auto before = found(rows.lock(which.user_id, which.id));
                      if (!before.ok()) return before.status();
                      T record = *before;
                      absl::Status status = change(record);
                      if (status.ok() && record != *before) status = rows.update(record);
                      if (!status.ok()) return status;
                      return record;
                    });
  }

  absl::Status remove(const StoreOperation& operation, std::string_view user_id,
                      std::string_view id, const WriteOptions& options) const {
    return write<bool>(operation, user_id, id, options,
                       [](auto& rows, const RecordOfUser& which) -> absl::StatusOr<bool> {
                         auto removed = rows.remove(which.user_id, which.id);
                         if (removed.ok() && !*removed) return noneOfUser(Kind::name);
                         return removed;
                       })
        .status();
  }

  // `work` takes the rows and the record's user and id, and answers an absl::StatusOr<R>.
  template <typename R, typename Work>
  absl::StatusOr<R> write(const StoreOperation& operation, std::string_view user_id,
                          std::string_view id, const WriteOptions& options, Work work) const {
    const auto which = recordOfUser(user_id, id, Kind::id_name);
    if (!which.ok()) return which.status();
    return database_.write<R>(operation, which->user_id, options, [&](ClarifyTables& tables) {
      return work(Kind::rows(tables), *which);
    });
  }

  // What was found; NotFound where there is nothing.
  static absl::StatusOr<T> found(absl::StatusOr<std::optional<T>> record) {
    if (!record.ok()) return record.status();
    if (!record->has_value()) return noneOfUser(Kind::name);
    return **std::move(record);
  }

 private:
  // All that may be refused is refused before anything is written, so that a unit of work goes on.
  static absl::Status insertInto(ClarifyTables& tables, const T& record,
                                 std::int64_t UserProfile::*count) {
    auto user = tables.lockUser(record.user_id);
    if (!user.ok()) return user.status();
    if (!*user) return noSuchUser();
    const auto existing = Kind::rows(tables).find(record.user_id, record.id);
    if (!existing.ok()) return existing.status();
    if (*existing) return usedByUser(Kind::name);
    absl::Status status = Kind::rows(tables).insert(record.user_id, {record});
    if (!status.ok() || count == nullptr) return status;
    ++((**user).*count);
    (*user)->updated_at = std::max((*user)->updated_at, record.created_at);
    return tables.updateUser(**user);
  }

  ClarifyDatabase& database_;
};

}  // namespace strata::internal
