// GuardedStore<T>: protects a database from its callers, and them from it.
//
//   auto bulkhead = Bulkhead::create({.max_concurrent = 16});
//   auto flags = GuardedStore<Flag>::create(std::move(database_store), *bulkhead,
//                                           {.store = "flags"});
//
// Every call has a deadline, reads are tried again when the database was not there, and no more
// calls go on at once than the bulkhead has places. See guard.h for the decisions and
// docs/guarding.md for the picture. It stands right above the store that does the I/O.
// A call that names a unit of work goes straight through: the unit has its place already, and half
// of a transaction cannot be tried again.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "strata/decorators/internal/guard.h"
#include "strata/store/store.h"

namespace strata {

template <typename T>
class GuardedStore final : public Store<T> {
 public:
  // Stores of one database share its bulkhead; null: there is none. InvalidArgument: an option is
  // out of its range. `clock` must outlive the store.
  static absl::StatusOr<std::unique_ptr<GuardedStore>> create(
      std::unique_ptr<Store<T>> below, std::shared_ptr<Bulkhead> bulkhead, GuardOptions options,
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system());

  // ResourceExhausted: the bulkhead is full, and nothing was sent. DeadlineExceeded: also when the
  // time ran out before anything was sent.
  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options = {}) override;
  // One place in the bulkhead for all. Only the ids that failed are asked for again.
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options = {}) override;
  absl::StatusOr<Version> put(const T& item, const WriteOptions& options = {}) override;
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options = {}) override;
  // Of the store below, without a place in the bulkhead: a full one is no failure.
  Health healthCheck() override { return below_->healthCheck(); }

 private:
  using Operation = Guard::Operation;

  GuardedStore(std::unique_ptr<Store<T>> below, std::unique_ptr<Guard> guard)
      : below_(std::move(below)), guard_(std::move(guard)) {}

  // What the last call of `ask(deadline)` answered, or why there was none.
  template <typename Answer, typename Ask>
  Answer guarded(Operation operation, Deadline deadline, Ask ask);
  // Asks again for those of `answers` that say Unavailable, if it is no first attempt. The error of
  // one that still does.
  absl::Status attemptMany(absl::Span<const Id> ids, const ReadOptions& options,
                           Snapshots<T>& answers);

  const std::unique_ptr<Store<T>> below_;
  const std::unique_ptr<Guard> guard_;
};

template <typename T>
absl::StatusOr<std::unique_ptr<GuardedStore<T>>> GuardedStore<T>::create(
    std::unique_ptr<Store<T>> below, std::shared_ptr<Bulkhead> bulkhead, GuardOptions options,
    std::shared_ptr<Metrics> metrics, const Clock& clock) {
  auto guard = Guard::create(std::move(bulkhead), std::move(options), std::move(metrics), clock);
  if (!guard.ok()) return guard.status();
  return std::unique_ptr<GuardedStore>(new GuardedStore(std::move(below), *std::move(guard)));
}

template <typename T>
template <typename Answer, typename Ask>
Answer GuardedStore<T>::guarded(Operation operation, Deadline deadline, Ask ask) {
  Answer answer = absl::UnknownError("");  // never seen; without a text it costs no memory
  absl::Status refused = guard_->run(operation, deadline, [&](Deadline until) {
    answer = ask(until);
    return answer.status();
  });
  if (!refused.ok()) return refused;
  return answer;
}

template <typename T>
absl::StatusOr<Snapshot<T>> GuardedStore<T>::get(const Id& id, const ReadOptions& options) {
  if (options.unit != nullptr) return below_->get(id, options);
  ReadOptions bounded = options;
  return guarded<absl::StatusOr<Snapshot<T>>>(Operation::kGet, options.deadline,
                                              [&](Deadline until) {
                                                bounded.deadline = until;
                                                return below_->get(id, bounded);
                                              });
}

template <typename T>
absl::StatusOr<Version> GuardedStore<T>::put(const T& item, const WriteOptions& options) {
  if (options.unit != nullptr) return below_->put(item, options);
  return guarded<absl::StatusOr<Version>>(Operation::kPut, options.deadline, [&](Deadline until) {
    return below_->put(item, {.deadline = until});
  });
}

template <typename T>
absl::StatusOr<Version> GuardedStore<T>::remove(const Id& id, const WriteOptions& options) {
  if (options.unit != nullptr) return below_->remove(id, options);
  return guarded<absl::StatusOr<Version>>(
      Operation::kRemove, options.deadline,
      [&](Deadline until) { return below_->remove(id, {.deadline = until}); });
}

template <typename T>
Snapshots<T> GuardedStore<T>::getMany(absl::Span<const Id> ids, const ReadOptions& options) {
  if (options.unit != nullptr) return below_->getMany(ids, options);
  Snapshots<T> answers;
  if (ids.empty()) return answers;
  ReadOptions bounded = options;
  const absl::Status refused =
      guard_->run(Operation::kGetMany, options.deadline, [&](Deadline until) {
        bounded.deadline = until;
        return attemptMany(ids, bounded, answers);
      });
  if (!refused.ok()) return Snapshots<T>(ids.size(), refused);
  return answers;
}

template <typename T>
absl::Status GuardedStore<T>::attemptMany(absl::Span<const Id> ids, const ReadOptions& options,
                                          Snapshots<T>& answers) {
  if (answers.empty()) {
    answers = below_->getMany(ids, options);
  } else {
    std::vector<std::size_t> failed;
    std::vector<Id> failed_ids;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!absl::IsUnavailable(answers[i].status())) continue;
      failed.push_back(i);
      failed_ids.push_back(ids[i]);
    }
    Snapshots<T> again = below_->getMany(failed_ids, options);
    for (std::size_t k = 0; k < failed.size(); ++k) answers[failed[k]] = std::move(again[k]);
  }
  for (const auto& answer : answers) {
    if (absl::IsUnavailable(answer.status())) return answer.status();
  }
  return absl::OkStatus();
}

}  // namespace strata
