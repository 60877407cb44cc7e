#include "strata/cache/tools/cache_warming.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "strata/base/internal/user_calls.h"

namespace strata::internal {
namespace {

using Batch = std::vector<Id>;

// What the calling thread and its helpers share. A helper that gets to run when all is done finds
// nothing to do, and touches nothing of the caller's.
class Warming {
 public:
  Warming(WarmLoad load, std::size_t helpers, const Clock& clock)
      : load_(std::move(load)), helpers_(helpers), clock_(clock) {}

  // Whether a helper may have it; otherwise it is the caller's to do.
  bool offer(Batch& batch) {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + running_ >= helpers_) return false;
    waiting_.push_back(std::move(batch));
    return true;
  }

  void help() {
    Batch batch;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) return;
      batch = takeFirst();
      ++running_;
    }
    WarmReport counts = read(batch);
    const std::lock_guard lock(mutex_);
    add(std::move(counts));
    --running_;
    changed_.notify_all();
  }

  void load(const Batch& batch) {
    WarmReport counts = read(batch);
    const std::lock_guard lock(mutex_);
    add(std::move(counts));
  }

  // False: nothing waits for a helper any more.
  bool loadWaiting() {
    Batch batch;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) return false;
      batch = takeFirst();
    }
    load(batch);
    return true;
  }

  void awaitHelpers() {
    std::unique_lock lock(mutex_);
    while (running_ > 0) clock_.wait(lock, changed_, MonotonicTime::max());
  }

  // At the end: a helper that comes late has no part in it.
  WarmReport takeReport() {
    const std::lock_guard lock(mutex_);
    return std::move(report_);
  }

  WarmReport report() const {
    const std::lock_guard lock(mutex_);
    return report_;
  }

 private:
  WarmReport read(const Batch& batch) const {
    return callOut(
        "store", [&] { return load_(batch); },
        [&](const absl::Status& thrown) {
          WarmReport counts;
          counts.asked = counts.failed = batch.size();
          counts.first_failure = thrown;
          return counts;
        });
  }
  Batch takeFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    Batch batch = std::move(waiting_.front());
    waiting_.pop_front();
    return batch;
  }
  void add(WarmReport counts) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    report_.asked += counts.asked;
    report_.present += counts.present;
    report_.absent += counts.absent;
    report_.failed += counts.failed;
    report_.first_failure.Update(std::move(counts.first_failure));
  }

  const WarmLoad load_;
  const std::size_t helpers_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> waiting_ ABSL_GUARDED_BY(mutex_);
  std::size_t running_ ABSL_GUARDED_BY(mutex_) = 0;
  WarmReport report_ ABSL_GUARDED_BY(mutex_);
};

absl::Status check(const WarmOptions& options) {
  if (options.batch_size < 1 || options.batch_size > 10'000) {
    return absl::InvalidArgumentError("warm: batch_size must be between 1 and 10 000");
  }
  if (options.max_concurrent < 1 || options.max_concurrent > 64) {
    return absl::InvalidArgumentError("warm: max_concurrent must be between 1 and 64");
  }
  return absl::OkStatus();
}

absl::Status tell(const WarmOptions& options, const WarmReport& report) {
  if (options.progress == nullptr) return absl::OkStatus();
  return callOut("progress", [&] { options.progress(report); });
}

// Ok: the source has told all there are.
absl::Status goThrough(const IdSource& ids, const std::shared_ptr<Warming>& warming,
                       const WarmOptions& options, const Clock& clock) {
  while (true) {
    absl::StatusOr<std::vector<Id>> page = callOut("source of ids", ids);
    if (!page.ok()) return page.status();
    if (page->empty()) return absl::OkStatus();
    for (std::size_t first = 0; first < page->size(); first += options.batch_size) {
      if (options.deadline.hasPassed(clock)) {
        return absl::DeadlineExceededError("warm: the deadline passed");
      }
      const auto slice = absl::MakeConstSpan(*page).subspan(first, options.batch_size);
      Batch batch(slice.begin(), slice.end());
      if (warming->offer(batch)) {
        // Where the executor has no thread, the batch waits until the caller comes to it.
        (void)options.executor->trySchedule(absl::ZeroDuration(), [warming] { warming->help(); });
      } else {
        warming->load(batch);
      }
      if (absl::Status told = tell(options, warming->report()); !told.ok()) return told;
    }
  }
}

}  // namespace

WarmReport warmAll(const IdSource& ids, WarmLoad load, const WarmOptions& options,
                   const Clock& clock) {
  WarmReport report;
  report.status = check(options);
  if (!report.status.ok()) return report;
  const MonotonicTime started = clock.now();
  const auto warming =
      std::make_shared<Warming>(std::move(load), options.max_concurrent - 1, clock);
  const absl::Status gone_through = goThrough(ids, warming, options, clock);
  while (warming->loadWaiting()) {
  }
  warming->awaitHelpers();
  report = warming->takeReport();
  report.status = gone_through;
  report.took = clock.now() - started;
  report.status.Update(tell(options, report));
  return report;
}

IdSource slicesOf(absl::Span<const Id> ids, std::size_t size) {
  return [ids, size]() mutable -> absl::StatusOr<std::vector<Id>> {
    const auto slice = ids.subspan(0, std::max<std::size_t>(size, 1));
    ids.remove_prefix(slice.size());
    return std::vector<Id>(slice.begin(), slice.end());
  };
}

}  // namespace strata::internal
