#include "src/decorators/guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <random>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

using Admission = Bulkhead::Admission;

constexpr std::array<const char*, 4> kOperationNames{"get", "get_many", "put", "remove"};
constexpr std::array<const char*, 4> kAdmissionNames{"admitted", "queue_full", "waited_too_long",
                                                     "deadline"};

bool isWorthAnotherAttempt(Guard::Operation operation, const absl::Status& status) {
  const bool is_read =
      operation == Guard::Operation::kGet || operation == Guard::Operation::kGetMany;
  if (is_read) return absl::IsUnavailable(status);
  const bool may_pass = absl::IsUnavailable(status) || absl::IsResourceExhausted(status);
  return may_pass && !mayHaveHappened(status);
}

}  // namespace

struct Guard::Core {
  Core(std::shared_ptr<Bulkhead> bulkhead_in, GuardOptions options_in,
       std::shared_ptr<Metrics> metrics_in, const Clock& clock_in)
      : bulkhead(std::move(bulkhead_in)),
        options(std::move(options_in)),
        metrics(std::move(metrics_in)),
        clock(clock_in),
        random(options.seed ? *options.seed : std::random_device{}()) {
    for (std::size_t i = 0; i < retries.size(); ++i) {
      retries[i] = &metrics->counter("strata_retries_total",
                                     {{"store", options.store}, {"operation", kOperationNames[i]}});
    }
    for (std::size_t i = 1; i < refusals.size(); ++i) {
      refusals[i] = &metrics->counter("strata_bulkhead_refused_total",
                                      {{"store", options.store}, {"reason", kAdmissionNames[i]}});
    }
  }

  Deadline deadlineOf(Deadline callers) const;
  // Ok: `attempted` is how it went.
  absl::Status tryOnce(Deadline deadline, Attempt attempt, absl::Status& attempted);
  absl::Status refusal(Admission admission) const;
  // False: there is no time for it.
  bool pauseBefore(int attempt, Deadline deadline);
  absl::Duration jittered(absl::Duration longest);

  const std::shared_ptr<Bulkhead> bulkhead;
  const GuardOptions options;
  const std::shared_ptr<Metrics> metrics;
  const Clock& clock;
  Histogram& queued =
      metrics->histogram("strata_bulkhead_queue_seconds", {{"store", options.store}});
  std::array<Counter*, kOperationNames.size()> retries{};
  std::array<Counter*, kAdmissionNames.size()> refusals{};  // the first is of none

  std::mutex mutex;
  std::minstd_rand random ABSL_GUARDED_BY(mutex);
};

Deadline Guard::Core::deadlineOf(Deadline callers) const {
  if (!callers.isNever() || options.timeout == absl::ZeroDuration()) return callers;
  return Deadline::in(options.timeout, clock);
}

absl::Status Guard::Core::tryOnce(Deadline deadline, Attempt attempt, absl::Status& attempted) {
  if (deadline.hasPassed(clock)) {
    return absl::DeadlineExceededError(
        fmt::format("{}: the deadline had passed before the call", options.store));
  }
  if (bulkhead == nullptr) {
    attempted = attempt(deadline);
    return absl::OkStatus();
  }
  const Bulkhead::Place place = bulkhead->enter(deadline);
  queued.record(place.waited());
  if (place.admission() != Admission::kAdmitted) return refusal(place.admission());
  attempted = attempt(deadline);
  return absl::OkStatus();
}

absl::Status Guard::Core::refusal(Admission admission) const {
  refusals[static_cast<std::size_t>(admission)]->increment();
  const BulkheadOptions& limits = bulkhead->options();
  if (admission == Admission::kDeadlinePassed) {
    return absl::DeadlineExceededError(
        fmt::format("{}: the deadline passed while {} other calls were in progress", options.store,
                    bulkhead->places()));
  }
  const std::string waiting =
      admission == Admission::kQueueFull
          ? fmt::format("{} more wait", limits.max_queue)
          : fmt::format("none of them ended in {}", absl::FormatDuration(limits.max_wait));
  return absl::ResourceExhaustedError(fmt::format("{}: {} calls are in progress and {}",
                                                  options.store, bulkhead->places(), waiting));
}

bool Guard::Core::pauseBefore(int attempt, Deadline deadline) {
  const absl::Duration doubled = options.first_backoff * (1 << (attempt - 2));
  const absl::Duration pause = jittered(std::min(doubled, options.max_backoff));
  if (deadline.remaining(absl::InfiniteDuration(), clock) <= pause) return false;
  clock.sleepFor(pause);
  return true;
}

absl::Duration Guard::Core::jittered(absl::Duration longest) {
  std::uniform_real_distribution<double> part(0, 1);
  const std::lock_guard lock(mutex);
  return longest * part(random);
}

Guard::Guard(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Guard::~Guard() = default;

absl::StatusOr<std::unique_ptr<Guard>> Guard::create(std::shared_ptr<Bulkhead> bulkhead,
                                                     GuardOptions options,
                                                     std::shared_ptr<Metrics> metrics,
                                                     const Clock& clock) {
  if (absl::Status status = validate(options); !status.ok()) return status;
  return std::unique_ptr<Guard>(new Guard(
      std::make_unique<Core>(std::move(bulkhead), std::move(options), std::move(metrics), clock)));
}

absl::Status Guard::run(Operation operation, Deadline callers, Attempt attempt) {
  const Deadline deadline = core_->deadlineOf(callers);
  absl::Status attempted;
  absl::Status refused = core_->tryOnce(deadline, attempt, attempted);
  for (int next = 2; refused.ok() && next <= core_->options.attempts; ++next) {
    if (!isWorthAnotherAttempt(operation, attempted)) return refused;
    if (!core_->pauseBefore(next, deadline)) return refused;
    core_->retries[static_cast<std::size_t>(operation)]->increment();
    // Where there is no place for another attempt, the answer of the last one stands.
    if (!core_->tryOnce(deadline, attempt, attempted).ok()) break;
  }
  return refused;
}

}  // namespace strata::internal
