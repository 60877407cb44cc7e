// Metrics: where components count what they do. The seam between Strata and a metrics system.
//
// A component asks for its counters once, when it is made, and then only adds to them; a call never
// looks a metric up. `Metrics::none()` counts nothing; `InMemoryMetrics` keeps everything in the
// process, for tests and reports.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace strata {

// Label names and values, in the order given. Values are of a small fixed set: never an id.
using Labels = std::vector<std::pair<std::string, std::string>>;

// Thread-safe.
class Counter {
 public:
  virtual ~Counter() = default;
  virtual void add(std::int64_t n) = 0;
  void increment() { add(1); }
};

// Something that goes up and down. Thread-safe.
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(std::int64_t value) = 0;
};

// Thread-safe.
class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void record(absl::Duration value) = 0;
};

// Thread-safe. What it returns lives as long as the Metrics itself, and the same name and labels
// give the same object. Metrics of a program's own must neither throw nor block, nor call anything of
// Strata, and neither must their counters, gauges and histograms: they are used with locks held.
class Metrics {
 public:
  virtual ~Metrics() = default;
  virtual Counter& counter(const std::string& name, const Labels& labels) = 0;
  virtual Gauge& gauge(const std::string& name, const Labels& labels) = 0;
  virtual Histogram& histogram(const std::string& name, const Labels& labels) = 0;

  // Counts nothing; lives for ever.
  static const std::shared_ptr<Metrics>& none();
};

// Keeps counts and latencies in the process.
class InMemoryMetrics final : public Metrics {
 public:
  struct Summary {
    std::int64_t count = 0;
    absl::Duration p50;
    absl::Duration p95;
    absl::Duration p99;
    absl::Duration max;
  };

  InMemoryMetrics();
  ~InMemoryMetrics() override;

  Counter& counter(const std::string& name, const Labels& labels) override;
  Gauge& gauge(const std::string& name, const Labels& labels) override;
  Histogram& histogram(const std::string& name, const Labels& labels) override;

  // What was counted under `name` by every metric that carries all of `labels`, added up.
  std::int64_t count(const std::string& name, const Labels& labels = {}) const;
  // The same for gauges.
  std::int64_t level(const std::string& name, const Labels& labels = {}) const;
  // The same for histograms. Percentiles are exact to 1/16 of their value.
  Summary summary(const std::string& name, const Labels& labels = {}) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata
