#include "strata/decorators/fetch_all.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/container/inlined_vector.h"
#include "src/cache/cache_rounds.h"

namespace strata::internal {
namespace {

using Reads = absl::InlinedVector<StagedRead*, 8>;

// Loads that several threads share out among themselves. A thread that comes after the last of them
// was taken touches nothing of the caller's any more.
class Loads {
 public:
  Loads(Reads reads, const Clock& clock)
      : clock_(clock), reads_(std::move(reads)), open_(reads_.size()) {}

  // Makes the next one that nobody has taken; false: there is none.
  bool takeOne() {
    const std::size_t taken = next_.fetch_add(1);
    if (taken >= reads_.size()) return false;
    reads_[taken]->makeLoad();
    const std::lock_guard lock(mutex_);
    if (--open_ == 0) changed_.notify_all();
    return true;
  }

  void waitForAll() {
    std::unique_lock lock(mutex_);
    while (open_ > 0) clock_.wait(lock, changed_, MonotonicTime::max());
  }

 private:
  const Clock& clock_;
  const Reads reads_;
  std::atomic<std::size_t> next_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t open_ ABSL_GUARDED_BY(mutex_);
};

void loadAll(const Reads& reads, const FetchOptions& options) {
  if (reads.size() <= 1 || options.read.unit != nullptr) {
    for (StagedRead* read : reads) read->makeLoad();
    return;
  }
  const auto loads = std::make_shared<Loads>(reads, *options.clock);
  for (std::size_t i = 1; i < reads.size(); ++i) {
    if (!options.executor->trySchedule(absl::ZeroDuration(), [loads] { loads->takeOne(); })) break;
  }
  // Whatever the executor has not taken, or not begun by the time that its own is done, is the
  // caller's.
  while (loads->takeOne()) {
  }
  loads->waitForAll();
}

void lookUpAll(absl::Span<const std::shared_ptr<StagedRead>> reads, const ReadOptions& options) {
  LookupRound round;
  for (const auto& read : reads) read->addLookup(round);
  round.run(options);
}

void fillAll(const Reads& reads) {
  FillRound round;
  for (StagedRead* read : reads) read->addFill(round);
  round.run();
}

// Reads the clock only where somebody wants to know.
class Stopwatch {
 public:
  explicit Stopwatch(const FetchOptions& options)
      : clock_(options.report == nullptr ? nullptr : options.clock) {
    lap();
  }
  // Since the last lap.
  absl::Duration lap() {
    if (clock_ == nullptr) return absl::ZeroDuration();
    const MonotonicTime now = clock_->now();
    return now - std::exchange(last_, now);
  }

 private:
  const Clock* const clock_;
  MonotonicTime last_;
};

}  // namespace

void runTogether(absl::Span<const std::shared_ptr<StagedRead>> reads, const FetchOptions& options) {
  using Found = StagedRead::Found;
  FetchReport report;
  Stopwatch stopwatch(options);
  lookUpAll(reads, options.read);
  Reads missing;
  Reads filled_by_another;
  for (const auto& read : reads) {
    const Found found = read->takeFound();
    if (found == Found::kMissing) missing.push_back(read.get());
    if (found == Found::kFilledByAnother) filled_by_another.push_back(read.get());
    if (options.report != nullptr) report.found.push_back(found == Found::kAnswer);
    report.hits += found == Found::kAnswer ? 1 : 0;
  }
  report.misses = missing.size() + filled_by_another.size();
  report.lookup_time = stopwatch.lap();
  if (report.misses > 0) {
    loadAll(missing, options);
    report.load_time = stopwatch.lap();
    fillAll(missing);
    report.fill_time = stopwatch.lap();
    loadAll(filled_by_another, options);
    report.load_time += stopwatch.lap();
  }
  if (options.report != nullptr) *options.report = std::move(report);
}

}  // namespace strata::internal
