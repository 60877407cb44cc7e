#include "bench/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace strata::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// The median time of a call, in microseconds.
double medianLatency(const Call& call, int calls) {
  std::vector<double> times;
  times.reserve(static_cast<std::size_t>(calls));
  for (int i = 0; i < calls; ++i) {
    const auto start = SteadyClock::now();
    call();
    times.push_back(std::chrono::duration<double, std::micro>(SteadyClock::now() - start).count());
  }
  return median(std::move(times));
}

double callsPerSecond(const std::vector<Call>& calls, absl::Duration duration) {
  std::atomic<bool> stop{false};
  std::atomic<std::int64_t> done{0};
  std::barrier start(static_cast<std::ptrdiff_t>(calls.size()) + 1);
  std::vector<std::thread> threads;
  for (const Call& call : calls) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      std::int64_t own = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        call();
        ++own;
      }
      done += own;
    });
  }
  start.arrive_and_wait();
  const auto began = SteadyClock::now();
  std::this_thread::sleep_for(absl::ToChronoMilliseconds(duration));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  return static_cast<double>(done) /
         std::chrono::duration<double>(SteadyClock::now() - began).count();
}

}  // namespace

Row compareRuns(std::string name, Budget budget, std::string unit, int rounds,
                const std::function<double(bool is_ours)>& measure) {
  std::vector<double> ours;
  std::vector<double> baseline;
  std::vector<double> ratios;
  for (int round = 0; round < rounds; ++round) {
    const bool ours_first = round % 2 == 0;
    const double first = measure(ours_first);
    const double second = measure(!ours_first);
    ours.push_back(ours_first ? first : second);
    baseline.push_back(ours_first ? second : first);
    ratios.push_back(ours.back() / baseline.back());
  }
  return {.name = std::move(name),
          .ratio = median(ratios),
          .budget = budget,
          .ours = median(ours),
          .baseline = median(baseline),
          .unit = std::move(unit)};
}

Row compareLatency(std::string name, Budget budget, const Call& ours, const Call& baseline,
                   const LatencyOptions& options) {
  // What is done once (connections, prepared statements, scripts) is not measured.
  medianLatency(ours, options.calls_per_round);
  medianLatency(baseline, options.calls_per_round);
  return compareRuns(std::move(name), budget, "us", options.rounds, [&](bool is_ours) {
    return medianLatency(is_ours ? ours : baseline, options.calls_per_round);
  });
}

Row compareThroughput(std::string name, Budget budget, const MakeCall& ours,
                      const MakeCall& baseline, const ThroughputOptions& options) {
  std::vector<Call> our_calls;
  std::vector<Call> baseline_calls;
  for (int thread = 0; thread < options.threads; ++thread) {
    our_calls.push_back(ours(thread));
    baseline_calls.push_back(baseline(thread));
  }
  callsPerSecond(our_calls, options.round);
  callsPerSecond(baseline_calls, options.round);
  return compareRuns(std::move(name), budget, "calls/s", options.rounds, [&](bool is_ours) {
    return callsPerSecond(is_ours ? our_calls : baseline_calls, options.round);
  });
}

void fail(const std::string& what) {
  fmt::print(stderr, "bench: {}\n", what);
  std::exit(1);  // NOLINT(concurrency-mt-unsafe): nothing else runs that could be saved
}

}  // namespace strata::bench
