// CoalescingStore<T>: concurrent reads share calls of the store below.
//
//   auto flags = CoalescingStore<Flag>::create(std::move(database_store), {.store = "flags"});
//
// Callers of one id get one read and the same snapshot; callers of different ids get one getMany.
// Every answer was read after its caller asked, so nothing is less fresh than without it. A lone
// caller is passed through. See flights.h for the decisions and docs/coalescing.md for the picture.
//
// It stands below a cache, so that a hit never waits, and above what protects the database, so that
// a crowd takes one place there. Not for: a store that answers in less time than a thread needs to
// wait for another (the in-memory one).
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "strata/decorators/internal/distinct_ids.h"
#include "strata/decorators/internal/flights.h"
#include "strata/store/store.h"

namespace strata {

template <typename T>
class CoalescingStore final : public Store<T> {
 public:
  // InvalidArgument: an option is out of its range. `clock` must outlive the store.
  static absl::StatusOr<std::unique_ptr<CoalescingStore>> create(
      std::unique_ptr<Store<T>> below, CoalescingOptions options,
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system());

  // Errors are those of the store below, for all callers that shared the read. A read that names a
  // unit of work is shared with nobody.
  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options = {}) override;
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options = {}) override;

  // Straight through: no read that starts after a write was answered can get an older answer,
  // because it joins nothing that has been sent before.
  absl::StatusOr<Version> put(const T& item, const WriteOptions& options = {}) override {
    return below_->put(item, options);
  }
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options = {}) override {
    return below_->remove(id, options);
  }
  Health healthCheck() override { return below_->healthCheck(); }

 private:
  using Answer = Flights::Answer;

  CoalescingStore(std::unique_ptr<Store<T>> below, std::unique_ptr<Flights> flights)
      : below_(std::move(below)), flights_(std::move(flights)) {}

  void read(absl::Span<const Id> ids, const ReadOptions& options, absl::Span<Answer> answers);
  void load(absl::Span<const Id> ids, const ReadOptions& options, absl::Span<Answer> answers);

  static Answer toAnswer(const absl::StatusOr<Snapshot<T>>& loaded) {
    if (!loaded.ok()) return {loaded.status(), nullptr, {}};
    return {absl::OkStatus(), std::shared_ptr<const T>(*loaded), loaded->version()};
  }
  static absl::StatusOr<Snapshot<T>> toSnapshot(Answer answer) {
    if (!answer.status.ok()) return std::move(answer.status);
    return Snapshot<T>(std::static_pointer_cast<const T>(std::move(answer.value)), answer.version);
  }

  const std::unique_ptr<Store<T>> below_;
  const std::unique_ptr<Flights> flights_;
};

template <typename T>
absl::StatusOr<std::unique_ptr<CoalescingStore<T>>> CoalescingStore<T>::create(
    std::unique_ptr<Store<T>> below, CoalescingOptions options, std::shared_ptr<Metrics> metrics,
    const Clock& clock) {
  auto flights = Flights::create(std::move(options), std::move(metrics), clock);
  if (!flights.ok()) return flights.status();
  return std::unique_ptr<CoalescingStore>(
      new CoalescingStore(std::move(below), *std::move(flights)));
}

template <typename T>
absl::StatusOr<Snapshot<T>> CoalescingStore<T>::get(const Id& id, const ReadOptions& options) {
  if (options.unit != nullptr) return below_->get(id, options);
  Answer answer;
  read({&id, 1}, options, {&answer, 1});
  return toSnapshot(std::move(answer));
}

template <typename T>
Snapshots<T> CoalescingStore<T>::getMany(absl::Span<const Id> ids, const ReadOptions& options) {
  if (options.unit != nullptr) return below_->getMany(ids, options);
  const DistinctIds distinct(ids);
  std::vector<Answer> answers(distinct.ids().size());
  read(distinct.ids(), options, absl::MakeSpan(answers));
  Snapshots<T> snapshots;
  snapshots.reserve(answers.size());
  for (Answer& answer : answers) snapshots.push_back(toSnapshot(std::move(answer)));
  return distinct.spread(std::move(snapshots));
}

template <typename T>
void CoalescingStore<T>::read(absl::Span<const Id> ids, const ReadOptions& options,
                              absl::Span<Answer> answers) {
  flights_->read(ids, options, answers,
                 [this](absl::Span<const Id> asked, const ReadOptions& wanted,
                        absl::Span<Answer> found) { load(asked, wanted, found); });
}

template <typename T>
void CoalescingStore<T>::load(absl::Span<const Id> ids, const ReadOptions& options,
                              absl::Span<Answer> answers) {
  if (ids.size() == 1) {
    answers[0] = toAnswer(below_->get(ids[0], options));
    return;
  }
  const Snapshots<T> loaded = below_->getMany(ids, options);
  for (std::size_t i = 0; i < ids.size(); ++i) answers[i] = toAnswer(loaded[i]);
}

}  // namespace strata
