#include "strata/decorators/coalescing_store.h"

#include <utility>
#include <vector>

#include "src/decorators/distinct_ids.h"
#include "src/decorators/flights.h"

namespace strata {
namespace {

constexpr std::size_t kMostInBatch = 10'000;
constexpr std::size_t kMostBatches = 1'000;
constexpr absl::Duration kMostGathering = absl::Seconds(1);

}  // namespace

absl::Status validate(const CoalescingOptions& options) {
  if (options.max_batch < 1 || options.max_batch > kMostInBatch) {
    return absl::InvalidArgumentError("coalescing: max_batch must be 1 to 10 000");
  }
  if (options.max_concurrent_batches < 1 || options.max_concurrent_batches > kMostBatches) {
    return absl::InvalidArgumentError("coalescing: max_concurrent_batches must be 1 to 1 000");
  }
  if (options.max_gathering < absl::ZeroDuration() || options.max_gathering > kMostGathering) {
    return absl::InvalidArgumentError("coalescing: max_gathering must be between zero and 1 s");
  }
  return absl::OkStatus();
}

namespace internal {
namespace {

using AnySnapshots = Snapshots<AnyRecord>;

class CoalescingRecords final : public AnyStore {
 public:
  CoalescingRecords(std::unique_ptr<AnyStore> backing, std::unique_ptr<Flights> flights)
      : backing_(std::move(backing)), flights_(std::move(flights)) {}

  absl::StatusOr<AnySnapshot> get(const Id& id, const ReadOptions& options) override;
  AnySnapshots getMany(absl::Span<const Id> ids, const ReadOptions& options) override;
  // Straight through: a read that starts after a write returned cannot get an older answer, because
  // it joins nothing that was sent before.
  absl::StatusOr<Version> put(const AnyRecord& item, const WriteOptions& options) override {
    return backing_->put(item, options);
  }
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override {
    return backing_->remove(id, options);
  }
  Health healthCheck() override { return backing_->healthCheck(); }

 private:
  using Answer = Flights::Answer;

  void read(absl::Span<const Id> ids, const ReadOptions& options, absl::Span<Answer> answers);
  void load(absl::Span<const Id> ids, const ReadOptions& options, absl::Span<Answer> answers);
  static Answer toAnswer(const absl::StatusOr<AnySnapshot>& loaded) {
    if (!loaded.ok()) return {loaded.status(), nullptr, {}};
    return {absl::OkStatus(), std::shared_ptr<const AnyRecord>(*loaded), loaded->version()};
  }
  static absl::StatusOr<AnySnapshot> toSnapshot(Answer answer) {
    if (!answer.status.ok()) return std::move(answer.status);
    return asSnapshot(std::move(answer.value), answer.version);
  }

  const std::unique_ptr<AnyStore> backing_;
  const std::unique_ptr<Flights> flights_;
};

absl::StatusOr<AnySnapshot> CoalescingRecords::get(const Id& id, const ReadOptions& options) {
  if (options.isOfUnit()) return backing_->get(id, options);
  Answer answer;
  read({&id, 1}, options, {&answer, 1});
  return toSnapshot(std::move(answer));
}

AnySnapshots CoalescingRecords::getMany(absl::Span<const Id> ids, const ReadOptions& options) {
  if (options.isOfUnit()) return backing_->getMany(ids, options);
  const DistinctIds distinct(ids);
  std::vector<Answer> answers(distinct.ids().size());
  read(distinct.ids(), options, absl::MakeSpan(answers));
  AnySnapshots snapshots;
  snapshots.reserve(answers.size());
  for (Answer& answer : answers) snapshots.push_back(toSnapshot(std::move(answer)));
  return distinct.spread(std::move(snapshots));
}

void CoalescingRecords::read(absl::Span<const Id> ids, const ReadOptions& options,
                             absl::Span<Answer> answers) {
  flights_->read(ids, options, answers,
                 [this](absl::Span<const Id> asked, const ReadOptions& wanted,
                        absl::Span<Answer> found) { load(asked, wanted, found); });
}

void CoalescingRecords::load(absl::Span<const Id> ids, const ReadOptions& options,
                             absl::Span<Answer> answers) {
  if (ids.size() == 1) {
    answers[0] = toAnswer(backing_->get(ids[0], options));
    return;
  }
  const AnySnapshots loaded = backing_->getMany(ids, options);
  for (std::size_t i = 0; i < ids.size(); ++i) answers[i] = toAnswer(loaded[i]);
}

}  // namespace

absl::StatusOr<std::unique_ptr<AnyStore>> createCoalescingRecords(std::unique_ptr<AnyStore> backing,
                                                                  CoalescingOptions options,
                                                                  std::shared_ptr<Metrics> metrics,
                                                                  const Clock& clock) {
  auto flights = Flights::create(std::move(options), std::move(metrics), clock);
  if (!flights.ok()) return flights.status();
  return std::make_unique<CoalescingRecords>(std::move(backing), *std::move(flights));
}

}  // namespace internal
}  // namespace strata
