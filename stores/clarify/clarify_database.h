#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/cache/invalidator.h"
#include "stores/base/cached_database.h"
#include "stores/clarify/clarify_tables.h"
#include "strata/base/failure_tier.h"

namespace strata::internal {

// The tables of the context platform for the five stores on them. Whatever a write changed of what
// contexts show, it deletes the cached copies of it.
class ClarifyDatabase : public CachedDatabase<ClarifyTables> {
 public:
  // One invalidator for each part, in the order of ClarifyTables::changed(); none at all where
  // nothing is cached by anybody.
  ClarifyDatabase(std::shared_ptr<Transactor<ClarifyTables>> transactor,
                  std::vector<Invalidator> invalidators, FailureTier cache_failure_tier)
      : CachedDatabase(std::move(transactor)),
        invalidators_(std::move(invalidators)),
        cache_failure_tier_(cache_failure_tier) {}

  // All that `work` writes is of one user.
  template <typename R, typename Work>
  absl::StatusOr<R> write(const StoreOperation& operation, const std::string& user_id,
                          const WriteOptions& options, Work work) {
    return writeThen<R>(operation, options, std::move(work),
                        [&](const std::vector<bool>& changed, const absl::Status& written) {
                          invalidate(changed, written, user_id, options.unit);
                        });
  }

  // Deletes every cached copy of a user's, in one round trip. What the cache did not delete is
  // pending, and its error is the answer in the critical tier alone.
  absl::Status invalidateAll(const std::string& user_id) {
    absl::Status deleted = Invalidator::afterAll(absl::OkStatus(), invalidators_, Id(user_id));
    return cache_failure_tier_ == FailureTier::kCritical ? deleted : absl::OkStatus();
  }

 private:
  void invalidate(const std::vector<bool>& changed, const absl::Status& written,
                  const std::string& user_id, UnitOfWork* unit) {
    std::vector<Invalidator> of_changed;
    for (std::size_t part = 0; part < std::min(changed.size(), invalidators_.size()); ++part) {
      if (changed[part]) of_changed.push_back(invalidators_[part]);
    }
    // What is not deleted is pending, and the write has happened: no error of the caller's.
    Invalidator::afterAll(written, of_changed, Id(user_id), unit).IgnoreError();
  }

  const std::vector<Invalidator> invalidators_;
  const FailureTier cache_failure_tier_;
};

}  // namespace strata::internal
