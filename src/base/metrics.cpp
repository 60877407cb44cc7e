#include "strata/base/metrics.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <map>
#include <mutex>

namespace strata {
namespace {

class NullMetrics final : public Metrics {
 public:
  Counter& counter(const std::string&, const Labels&) override { return counter_; }
  Gauge& gauge(const std::string&, const Labels&) override { return gauge_; }
  Histogram& histogram(const std::string&, const Labels&) override { return histogram_; }

 private:
  struct NullCounter final : Counter {
    void add(std::int64_t) override {}
  };
  struct NullGauge final : Gauge {
    void set(std::int64_t) override {}
  };
  struct NullHistogram final : Histogram {
    void record(absl::Duration) override {}
  };
  NullCounter counter_;
  NullGauge gauge_;
  NullHistogram histogram_;
};

class AtomicCounter final : public Counter {
 public:
  void add(std::int64_t n) override { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

class AtomicGauge final : public Gauge {
 public:
  void set(std::int64_t value) override { value_.store(value, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

// Buckets as in an HDR histogram: each power of two of nanoseconds is cut into 16 equal parts, so a
// bucket is never wider than 1/16 of the values in it.
constexpr int kPartBits = 4;
constexpr std::size_t kParts = 1 << kPartBits;
constexpr std::size_t kBuckets = (64 - kPartBits + 1) * kParts;
using Buckets = std::array<std::int64_t, kBuckets>;

std::size_t bucketOf(std::uint64_t nanos) {
  if (nanos < kParts) return nanos;
  const int shift = std::bit_width(nanos) - 1 - kPartBits;
  return static_cast<std::size_t>(shift + 1) * kParts + ((nanos >> shift) - kParts);
}

// The largest value that falls into the bucket.
std::uint64_t upperBound(std::size_t bucket) {
  if (bucket < kParts) return bucket;
  const std::size_t shift = bucket / kParts - 1;
  return ((kParts + bucket % kParts + 1) << shift) - 1;
}

class AtomicHistogram final : public Histogram {
 public:
  void record(absl::Duration value) override {
    const std::int64_t nanos = std::max<std::int64_t>(0, absl::ToInt64Nanoseconds(value));
    buckets_[bucketOf(static_cast<std::uint64_t>(nanos))].fetch_add(1, std::memory_order_relaxed);
  }
  void addTo(Buckets& sum) const {
    for (std::size_t i = 0; i < kBuckets; ++i) {
      sum[i] += buckets_[i].load(std::memory_order_relaxed);
    }
  }

 private:
  std::array<std::atomic<std::int64_t>, kBuckets> buckets_{};
};

absl::Duration percentile(const Buckets& buckets, std::int64_t count, double fraction) {
  auto left = static_cast<std::int64_t>(fraction * static_cast<double>(count));
  for (std::size_t i = 0; i < kBuckets; ++i) {
    left -= buckets[i];
    if (left < 0 || (buckets[i] > 0 && left == 0 && fraction >= 1)) {
      return absl::Nanoseconds(upperBound(i));
    }
  }
  return absl::ZeroDuration();
}

using Key = std::pair<std::string, Labels>;

bool carries(const Labels& labels, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    return std::find(labels.begin(), labels.end(), label) != labels.end();
  });
}

template <typename Metric>
Metric& findOrMake(std::map<Key, std::unique_ptr<Metric>>& metrics, const std::string& name,
                   const Labels& labels) {
  std::unique_ptr<Metric>& metric = metrics[{name, labels}];
  if (metric == nullptr) metric = std::make_unique<Metric>();
  return *metric;
}

template <typename Metric>
std::int64_t sumOf(const std::map<Key, std::unique_ptr<Metric>>& metrics, const std::string& name,
                   const Labels& labels) {
  std::int64_t sum = 0;
  for (const auto& [key, metric] : metrics) {
    if (key.first == name && carries(key.second, labels)) sum += metric->value();
  }
  return sum;
}

}  // namespace

const std::shared_ptr<Metrics>& Metrics::none() {
  // Never destroyed: threads that outlive main still count into it.
  static const auto* const none = new std::shared_ptr<Metrics>(std::make_shared<NullMetrics>());
  return *none;
}

struct InMemoryMetrics::Impl {
  mutable std::mutex mutex;
  std::map<Key, std::unique_ptr<AtomicCounter>> counters;
  std::map<Key, std::unique_ptr<AtomicGauge>> gauges;
  std::map<Key, std::unique_ptr<AtomicHistogram>> histograms;
};

InMemoryMetrics::InMemoryMetrics() : impl_(std::make_unique<Impl>()) {}
InMemoryMetrics::~InMemoryMetrics() = default;

Counter& InMemoryMetrics::counter(const std::string& name, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  return findOrMake(impl_->counters, name, labels);
}

Gauge& InMemoryMetrics::gauge(const std::string& name, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  return findOrMake(impl_->gauges, name, labels);
}

Histogram& InMemoryMetrics::histogram(const std::string& name, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  return findOrMake(impl_->histograms, name, labels);
}

std::int64_t InMemoryMetrics::count(const std::string& name, const Labels& labels) const {
  const std::lock_guard lock(impl_->mutex);
  return sumOf(impl_->counters, name, labels);
}

std::int64_t InMemoryMetrics::level(const std::string& name, const Labels& labels) const {
  const std::lock_guard lock(impl_->mutex);
  return sumOf(impl_->gauges, name, labels);
}

InMemoryMetrics::Summary InMemoryMetrics::summary(const std::string& name,
                                                  const Labels& labels) const {
  Buckets sum{};
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [key, histogram] : impl_->histograms) {
      if (key.first == name && carries(key.second, labels)) histogram->addTo(sum);
    }
  }
  Summary summary;
  for (std::int64_t count : sum) summary.count += count;
  summary.p50 = percentile(sum, summary.count, 0.50);
  summary.p95 = percentile(sum, summary.count, 0.95);
  summary.p99 = percentile(sum, summary.count, 0.99);
  summary.max = percentile(sum, summary.count, 1);
  return summary;
}

}  // namespace strata
