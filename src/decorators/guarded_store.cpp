#include "strata/decorators/guarded_store.h"

#include <utility>
#include <vector>

#include "src/decorators/guard.h"

namespace strata {

absl::Status validate(const GuardOptions& options) {
  if (options.timeout < absl::ZeroDuration() || options.timeout > absl::Hours(1)) {
    return absl::InvalidArgumentError("guard: timeout must be between zero and an hour");
  }
  if (options.attempts < 1 || options.attempts > 10) {
    return absl::InvalidArgumentError("guard: attempts must be 1 to 10");
  }
  if (options.max_backoff < absl::ZeroDuration() || options.max_backoff > absl::Minutes(1)) {
    return absl::InvalidArgumentError("guard: max_backoff must be between zero and a minute");
  }
  if (options.first_backoff < absl::ZeroDuration() || options.first_backoff > options.max_backoff) {
    return absl::InvalidArgumentError("guard: first_backoff must be between zero and max_backoff");
  }
  return absl::OkStatus();
}

namespace internal {
namespace {

using AnySnapshots = Snapshots<AnyRecord>;

class GuardedRecords final : public AnyStore {
 public:
  GuardedRecords(std::unique_ptr<AnyStore> backing, std::unique_ptr<Guard> guard)
      : backing_(std::move(backing)), guard_(std::move(guard)) {}

  absl::StatusOr<AnySnapshot> get(const Id& id, const ReadOptions& options) override;
  // One place in the bulkhead for all. Only the ids that failed are asked for again.
  AnySnapshots getMany(absl::Span<const Id> ids, const ReadOptions& options) override;
  absl::StatusOr<Version> put(const AnyRecord& item, const WriteOptions& options) override;
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override;
  // Of the backing store, without a place in the bulkhead: a full one is no failure.
  Health healthCheck() override { return backing_->healthCheck(); }

 private:
  using Operation = Guard::Operation;

  // What the last call of `ask(deadline)` answered, or why there was none.
  template <typename Answer, typename Ask>
  Answer guarded(Operation operation, Deadline deadline, Ask ask);
  // Asks again for those of `answers` that say Unavailable, if it is no first attempt. The error of
  // one that still does.
  absl::Status attemptMany(absl::Span<const Id> ids, const ReadOptions& options,
                           AnySnapshots& answers);

  const std::unique_ptr<AnyStore> backing_;
  const std::unique_ptr<Guard> guard_;
};

template <typename Answer, typename Ask>
Answer GuardedRecords::guarded(Operation operation, Deadline deadline, Ask ask) {
  Answer answer = absl::UnknownError("");  // never seen; without a text it costs no memory
  absl::Status refused = guard_->run(operation, deadline, [&](Deadline until) {
    answer = ask(until);
    return answer.status();
  });
  if (!refused.ok()) return refused;
  return answer;
}

absl::StatusOr<AnySnapshot> GuardedRecords::get(const Id& id, const ReadOptions& options) {
  if (options.unit != nullptr) return backing_->get(id, options);
  ReadOptions bounded = options;
  return guarded<absl::StatusOr<AnySnapshot>>(Operation::kGet, options.deadline,
                                              [&](Deadline until) {
                                                bounded.deadline = until;
                                                return backing_->get(id, bounded);
                                              });
}

absl::StatusOr<Version> GuardedRecords::put(const AnyRecord& item, const WriteOptions& options) {
  if (options.unit != nullptr) return backing_->put(item, options);
  return guarded<absl::StatusOr<Version>>(Operation::kPut, options.deadline, [&](Deadline until) {
    return backing_->put(item, {.deadline = until});
  });
}

absl::StatusOr<Version> GuardedRecords::remove(const Id& id, const WriteOptions& options) {
  if (options.unit != nullptr) return backing_->remove(id, options);
  return guarded<absl::StatusOr<Version>>(
      Operation::kRemove, options.deadline,
      [&](Deadline until) { return backing_->remove(id, {.deadline = until}); });
}

AnySnapshots GuardedRecords::getMany(absl::Span<const Id> ids, const ReadOptions& options) {
  if (options.unit != nullptr) return backing_->getMany(ids, options);
  AnySnapshots answers;
  if (ids.empty()) return answers;
  ReadOptions bounded = options;
  const absl::Status refused =
      guard_->run(Operation::kGetMany, options.deadline, [&](Deadline until) {
        bounded.deadline = until;
        return attemptMany(ids, bounded, answers);
      });
  if (!refused.ok()) return AnySnapshots(ids.size(), refused);
  return answers;
}

absl::Status GuardedRecords::attemptMany(absl::Span<const Id> ids, const ReadOptions& options,
                                         AnySnapshots& answers) {
  if (answers.empty()) {
    answers = backing_->getMany(ids, options);
  } else {
    std::vector<std::size_t> failed;
    std::vector<Id> failed_ids;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (!absl::IsUnavailable(answers[i].status())) continue;
      failed.push_back(i);
      failed_ids.push_back(ids[i]);
    }
    AnySnapshots again = backing_->getMany(failed_ids, options);
    for (std::size_t k = 0; k < failed.size(); ++k) answers[failed[k]] = std::move(again[k]);
  }
  for (const auto& answer : answers) {
    if (absl::IsUnavailable(answer.status())) return answer.status();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<AnyStore>> createGuardedRecords(std::unique_ptr<AnyStore> backing,
                                                               std::shared_ptr<Bulkhead> bulkhead,
                                                               GuardOptions options,
                                                               std::shared_ptr<Metrics> metrics,
                                                               const Clock& clock) {
  auto guard = Guard::create(std::move(bulkhead), std::move(options), std::move(metrics), clock);
  if (!guard.ok()) return guard.status();
  return std::make_unique<GuardedRecords>(std::move(backing), *std::move(guard));
}

}  // namespace internal
}  // namespace strata
