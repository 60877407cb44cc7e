#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stores/clarify/clarify_tables.h"
#include "stores/transactor.h"
#include "strata/decorators/invalidator.h"

namespace strata {

// The tables of the context platform for the five stores on them. Whatever a write changed of what
// contexts show, it deletes the cached copies of it.
class ClarifyDatabase {
 public:
  // One invalidator for each part, in the order of ClarifyTables::changed(); none at all where
  // nothing is cached by anybody.
  ClarifyDatabase(std::shared_ptr<Transactor<ClarifyTables>> transactor,
                  std::vector<Invalidator> invalidators)
      : transactor_(std::move(transactor)), invalidators_(std::move(invalidators)) {}

  // `work` takes the tables and answers an absl::StatusOr<R>.
  template <typename R, typename Work>
  absl::StatusOr<R> read(const StoreOperation& operation, const ReadOptions& options, Work work) {
    absl::StatusOr<R> answer = absl::UnknownError("");  // never seen
    absl::Status status = transactor_->read(operation, options, [&](ClarifyTables& tables) {
      answer = work(tables);
      return answer.status();
    });
    if (!status.ok()) return status;
    return answer;
  }

  // All that `work` writes is of one user.
  template <typename R, typename Work>
  absl::StatusOr<R> write(const StoreOperation& operation, const std::string& user_id,
                          const WriteOptions& options, Work work) {
    absl::StatusOr<R> answer = absl::UnknownError("");  // never seen
    std::vector<bool> changed;
    absl::Status status = transactor_->write(operation, options, [&](ClarifyTables& tables) {
      answer = work(tables);
      changed = tables.changed();
      return answer.status();
    });
    invalidate(changed, status, user_id, options.unit);
    if (!status.ok()) return status;
    return answer;
  }

  void invalidateAll(const std::string& user_id) {
    invalidate(std::vector<bool>(ClarifyTables::kParts, true), absl::OkStatus(), user_id, nullptr);
  }

  Timestamp now() const { return transactor_->clock().wallTime(); }
  Health healthCheck() { return transactor_->healthCheck(); }

 private:
  void invalidate(const std::vector<bool>& changed, const absl::Status& written,
                  const std::string& user_id, UnitOfWork* unit) {
    const Id id(user_id);
    for (std::size_t part = 0; part < std::min(changed.size(), invalidators_.size()); ++part) {
      if (changed[part]) invalidators_[part].after(written, {&id, 1}, unit);
    }
  }

  const std::shared_ptr<Transactor<ClarifyTables>> transactor_;
  std::vector<Invalidator> invalidators_;
};

}  // namespace strata
