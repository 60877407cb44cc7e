#include "src/base/starved_wait.h"

#include <algorithm>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/cord.h"
#include "src/base/once_per_minute.h"
#include "strata/base/clock.h"
#include "strata/base/logging.h"

namespace strata::internal {
namespace {

// Two turns of a busy scheduler; a thread that has a processor wakes within a tenth of that.
constexpr std::chrono::milliseconds kLeastTolerated(10);

constexpr const char* kMark = "strata/starved";

thread_local StarvedWaitScope* innermost = nullptr;

// Of the whole process: the threads that wait belong to no one Metrics.
class StarvedWaits {
 public:
  void countIn(const std::shared_ptr<Metrics>& metrics) {
    const std::lock_guard lock(mutex_);
    std::erase_if(counted_in_, [](const auto& one) { return one.expired(); });
    const bool is_known = std::any_of(counted_in_.begin(), counted_in_.end(),
                                      [&](const auto& one) { return one.lock() == metrics; });
    if (!is_known) counted_in_.push_back(metrics);
  }

  void note(const char* what) {
    for (const std::shared_ptr<Metrics>& metrics : alive()) {
      metrics->counter("strata_starved_waits_total", {{"wait", what}}).increment();
    }
    if (log_(Clock::system())) {
      log(Severity::kWarning, "strata.starved_wait",
          {{"wait", what}, {"why", "this process got no processor in time"}});
    }
  }

 private:
  std::vector<std::shared_ptr<Metrics>> alive() {
    std::vector<std::shared_ptr<Metrics>> found;
    const std::lock_guard lock(mutex_);
    for (const std::weak_ptr<Metrics>& one : counted_in_) {
      if (auto metrics = one.lock()) found.push_back(std::move(metrics));
    }
    return found;
  }

  OncePerMinute log_;
  std::mutex mutex_;
  std::vector<std::weak_ptr<Metrics>> counted_in_ ABSL_GUARDED_BY(mutex_);
};

// Never destroyed: threads that outlive main still wait.
StarvedWaits& ofThisProcess() {
  static auto* const waits = new StarvedWaits();
  return *waits;
}

}  // namespace

std::chrono::nanoseconds toleratedDelay(std::chrono::nanoseconds timeout) {
  return std::max<std::chrono::nanoseconds>(kLeastTolerated, timeout / 2);
}

bool StarvedWait::repeats(const Plan& plan) {
  const auto tolerated = toleratedDelay(plan.timeout);
  const bool began_late = plan.began - (plan.until - plan.timeout) > tolerated;
  const bool ended_late = plan.now - plan.until > tolerated;
  is_starved_ = began_late || ended_late;
  if (!is_starved_) return false;
  noteStarvedWait(what_);
  return !std::exchange(was_repeated_, true);
}

absl::Status StarvedWait::judge(const absl::Status& status) const {
  return is_starved_ ? markStarved(status) : status;
}

StarvedWaitScope::StarvedWaitScope(const char* what, std::chrono::nanoseconds timeout,
                                   SteadyTime deadline)
    : wait_(what), timeout_(timeout), deadline_(deadline), outer_(std::exchange(innermost, this)) {}

StarvedWaitScope::~StarvedWaitScope() { innermost = outer_; }

StarvedWaitScope* StarvedWaitScope::current() { return innermost; }

bool StarvedWaitScope::repeats(SteadyTime until) {
  const StarvedWait::Plan plan{.until = until, .timeout = timeout_};
  if (!wait_.repeats(plan)) return false;
  renewed_ = std::min(plan.now + timeout_, deadline_);
  return renewed_ > plan.now;
}

bool isStarved(const absl::Status& status) { return status.GetPayload(kMark).has_value(); }

absl::Status markStarved(absl::Status status) {
  status.SetPayload(kMark, absl::Cord("1"));
  return status;
}

void noteStarvedWait(const char* what) { ofThisProcess().note(what); }

void countStarvedWaits(const std::shared_ptr<Metrics>& metrics) {
  if (metrics != Metrics::none()) ofThisProcess().countIn(metrics);
}

}  // namespace strata::internal
