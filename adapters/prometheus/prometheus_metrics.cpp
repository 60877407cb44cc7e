#include "strata/adapters/prometheus/prometheus_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>
#include <utility>

#include "absl/base/thread_annotations.h"

namespace strata {
namespace {

class PrometheusCounter final : public Counter {
 public:
  explicit PrometheusCounter(prometheus::Counter& counter) : counter_(counter) {}
  void add(std::int64_t n) override { counter_.Increment(static_cast<double>(n)); }

 private:
  prometheus::Counter& counter_;
};

class PrometheusGauge final : public Gauge {
 public:
  explicit PrometheusGauge(prometheus::Gauge& gauge) : gauge_(gauge) {}
  void set(std::int64_t value) override { gauge_.Set(static_cast<double>(value)); }

 private:
  prometheus::Gauge& gauge_;
};

class PrometheusHistogram final : public Histogram {
 public:
  explicit PrometheusHistogram(prometheus::Histogram& histogram) : histogram_(histogram) {}
  void record(absl::Duration value) override { histogram_.Observe(absl::ToDoubleSeconds(value)); }

 private:
  prometheus::Histogram& histogram_;
};

// Close where a hit lies (tens of microseconds), wide where a failure does.
const prometheus::Histogram::BucketBoundaries& buckets() {
  static const prometheus::Histogram::BucketBoundaries kSeconds{
      0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
      0.05,    0.1,    0.25,    0.5,    1,     2.5,    5,     10};
  return kSeconds;
}

using Key = std::pair<std::string, Labels>;
template <typename Metric>
using ByKey = std::map<Key, std::unique_ptr<Metric>>;

std::map<std::string, std::string> toMap(const Labels& labels) {
  return {labels.begin(), labels.end()};
}

// The one under that name with those labels, made by `make` where there is none yet.
template <typename Metric, typename Make>
Metric& findOrMake(ByKey<Metric>& metrics, const std::string& name, const Labels& labels,
                   Make make) {
  std::unique_ptr<Metric>& metric = metrics[{name, labels}];
  if (metric == nullptr) metric = make();
  return *metric;
}

}  // namespace

struct PrometheusMetrics::Impl {
  prometheus::Registry registry;
  std::mutex mutex;
  ByKey<PrometheusCounter> counters ABSL_GUARDED_BY(mutex);
  ByKey<PrometheusGauge> gauges ABSL_GUARDED_BY(mutex);
  ByKey<PrometheusHistogram> histograms ABSL_GUARDED_BY(mutex);
};

PrometheusMetrics::PrometheusMetrics() : impl_(std::make_unique<Impl>()) {}
PrometheusMetrics::~PrometheusMetrics() = default;

Counter& PrometheusMetrics::counter(const std::string& name, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  return findOrMake(impl_->counters, name, labels, [&] {
    auto& family = prometheus::BuildCounter().Name(name).Register(impl_->registry);
    return std::make_unique<PrometheusCounter>(family.Add(toMap(labels)));
  });
}

Gauge& PrometheusMetrics::gauge(const std::string& name, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  return findOrMake(impl_->gauges, name, labels, [&] {
    auto& family = prometheus::BuildGauge().Name(name).Register(impl_->registry);
    return std::make_unique<PrometheusGauge>(family.Add(toMap(labels)));
  });
}

Histogram& PrometheusMetrics::histogram(const std::string& name, const Labels& labels) {
  const std::lock_guard lock(impl_->mutex);
  return findOrMake(impl_->histograms, name, labels, [&] {
    auto& family = prometheus::BuildHistogram().Name(name).Register(impl_->registry);
    return std::make_unique<PrometheusHistogram>(family.Add(toMap(labels), buckets()));
  });
}

std::string PrometheusMetrics::text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace strata
