#include "tests/chaos/delays.h"

#include <random>

namespace strata::chaos {
namespace {

thread_local std::mt19937_64 random_numbers;
thread_local TimeSpent time_spent;

}  // namespace

void seedDelays(std::uint64_t seed) { random_numbers.seed(seed); }

void perhapsSleep(int percent) {
  if (static_cast<int>(random_numbers() % 100) >= percent) return;
  Clock::system().sleepFor(
      absl::Microseconds(200 + static_cast<std::int64_t>(random_numbers() % 2800)));
}

TimeSpent takeTimeSpent() { return std::exchange(time_spent, {}); }

Stopwatch::Stopwatch(std::int64_t TimeSpent::*part) : part_(part), begun_(Clock::system().now()) {}
Stopwatch::~Stopwatch() {
  time_spent.*part_ += absl::ToInt64Nanoseconds(Clock::system().now() - begun_);
}

}  // namespace strata::chaos
