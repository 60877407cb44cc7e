#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stores/base/transactor.h"

namespace strata::internal {

// The tables of several stores, of whose records a cache has copies. A derived class says which of
// them go after a write.
template <typename Tables>
class CachedDatabase {
 public:
  // `work` takes the tables and answers an absl::StatusOr<R>.
  template <typename R, typename Work>
  absl::StatusOr<R> read(const StoreOperation& operation, const ReadOptions& options, Work work) {
    return transactor_->template read<R>(operation, options, std::move(work));
  }

  Timestamp now() const { return transactor_->now(); }
  Health healthCheck() { return transactor_->healthCheck(); }

 protected:
  explicit CachedDatabase(std::shared_ptr<Transactor<Tables>> transactor)
      : transactor_(std::move(transactor)) {}
  ~CachedDatabase() = default;

  // `invalidate` hears what the tables changed and how the write ended, also where it failed,
  // before it is answered.
  template <typename R, typename Work, typename Invalidate>
  absl::StatusOr<R> writeThen(const StoreOperation& operation, const WriteOptions& options,
                              Work work, Invalidate invalidate) {
    std::decay_t<decltype(std::declval<Tables&>().changed())> changed;
    auto answer = transactor_->template write<R>(operation, options, [&](Tables& tables) {
      absl::StatusOr<R> done = work(tables);
      changed = tables.changed();
      return done;
    });
    invalidate(changed, answer.status());
    return answer;
  }

 private:
  const std::shared_ptr<Transactor<Tables>> transactor_;
};

}  // namespace strata::internal
