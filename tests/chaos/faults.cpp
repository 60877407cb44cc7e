#include "tests/chaos/faults.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "strata/base/clock.h"

namespace strata::chaos {
namespace {

// How long after a fault of the database its calls may still fail: connections that broke are
// noticed at their next use, and whatever waited for it has to be done first.
constexpr absl::Duration kAftermath = absl::Seconds(2);

}  // namespace

void FaultInjector::run(std::int64_t end) {
  while (nowNanos() < end && rig_.clientsLive()) {
    sleepUntil(nowNanos() + static_cast<std::int64_t>(20'000'000 + random_() % 200'000'000));
    const absl::Duration lasts =
        std::clamp(anyDuration(), absl::Milliseconds(50),
                   std::max(absl::Nanoseconds(end - nowNanos()), absl::Milliseconds(50)));
    const Fault first = next();
    if (random_() % 100 < 55) {
      breakOne(first, lasts);
      continue;
    }
    const Fault second = next();
    if (second.resource == first.resource) {
      breakOne(second, lasts);
    } else {
      breakTwo(first, second, lasts);
    }
  }
}

Fault FaultInjector::next() {
  if (deck_.empty()) {
    deck_ = shuffledFaults(rig_, random_);
    std::erase_if(deck_, [this](const Fault& fault) {
      return fault.name.find(filter_) == std::string::npos;
    });
    if (deck_.empty()) require(absl::NotFoundError("no fault is called like that"), "--faults");
  }
  Fault fault = std::move(deck_.back());
  deck_.pop_back();
  return fault;
}

// As often between 50 and 400 ms as between 400 ms and 3 s.
absl::Duration FaultInjector::anyDuration() {
  const double exponent = static_cast<double>(random_() % 1'000) / 1'000.0;
  return absl::Milliseconds(50) * std::pow(60.0, exponent);
}

void FaultInjector::breakOne(const Fault& fault, absl::Duration lasts) {
  const std::size_t index = begin(fault);
  sleepUntil(nowNanos() + absl::ToInt64Nanoseconds(lasts));
  end(fault, index);
}

// The second begins within the first and ends within it or after it.
void FaultInjector::breakTwo(const Fault& first, const Fault& second, absl::Duration lasts) {
  const bool nested = random_() % 2 == 0;
  const absl::Duration step = lasts / 3;
  const std::size_t outer = begin(first);
  sleepUntil(nowNanos() + absl::ToInt64Nanoseconds(step));
  const std::size_t inner = begin(second);
  sleepUntil(nowNanos() + absl::ToInt64Nanoseconds(step));
  nested ? end(second, inner) : end(first, outer);
  sleepUntil(nowNanos() + absl::ToInt64Nanoseconds(step));
  nested ? end(first, outer) : end(second, inner);
}

void FaultInjector::sleepUntil(std::int64_t time) const {
  const std::int64_t left = time - nowNanos();
  if (left > 0) Clock::system().sleepFor(absl::Nanoseconds(left));
}

std::size_t FaultInjector::begin(const Fault& fault) {
  log_.push_back({.name = fault.name,
                  .slot = fault.slot,
                  .begin = nowNanos(),
                  .end = FaultWindow::kNever,
                  .excuses = fault.excuses});
  fault.begin();
  return log_.size() - 1;
}

void FaultInjector::end(const Fault& fault, std::size_t index) {
  fault.end();
  const absl::Duration aftermath = fault.excuses ? kAftermath : absl::ZeroDuration();
  log_[index].end = nowNanos() + absl::ToInt64Nanoseconds(aftermath);
}

}  // namespace strata::chaos
