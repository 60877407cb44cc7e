#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "strata/base/metrics.h"

namespace strata::internal {

// Why a lookup went past the cache.
enum class Bypass : std::uint8_t {
  kLatest,
  kPending,
  kFilling,
  kForeign,
  kOld,
  kFull,
  kError,
  kBreakerOpen,
  kForeignCell
};
// Why a cell was not believed.
enum class Reject : std::uint8_t {
  kCorrupt,
  kOtherKey,
  kOtherType,
  kOtherLife,
  kOldEpoch,
  kUndecodable,
  kOtherFormat,
  kOtherIdentity
};
// What became of a fill.
enum class Filled : std::uint8_t { kStored, kLost, kLate, kTooLarge, kNothing, kError, kQueueFull };

// One counter per value of an enum.
template <typename E, std::size_t N>
class Counters {
 public:
  Counters(Metrics& metrics, const std::string& name, const std::string& store, const char* label,
           const std::array<const char*, N>& values) {
    for (std::size_t i = 0; i < N; ++i) {
      counters_[i] = &metrics.counter(name, {{"store", store}, {label, values[i]}});
    }
  }
  Counter& operator[](E value) const { return *counters_[static_cast<std::size_t>(value)]; }

 private:
  std::array<Counter*, N> counters_;
};

// What a CacheAside counts, under the name of its store. Thread-safe.
class CacheMetrics {
 public:
  CacheMetrics(Metrics& metrics, const std::string& store);

  // Counts it; the first of a kind is logged too.
  void noteReject(Reject reason, std::string_view detail = {});

  Counter& hits;
  Counter& absents;
  Counter& misses;
  // How many readers waited for another's fill in this process.
  Counter& waits;
  // None where nobody counts: a hit then reads the clock once.
  Histogram* const lookup_time;
  const Counters<Bypass, 9> bypasses;
  const Counters<Filled, 7> fills;

 private:
  const std::string store_;
  const Counters<Reject, 8> rejects_;
  std::array<std::atomic<bool>, 8> reject_logged_{};
};

}  // namespace strata::internal
