// PrometheusMetrics: what Strata counts, as Prometheus text.
//
//   auto metrics = std::make_shared<PrometheusMetrics>();
//   auto backends = connect(config, {.metrics = metrics});
//   …
//   response.body = metrics->text();        // GET /metrics, text/plain; version=0.0.4
//
// docs/metrics.md lists every metric. Labels are of small fixed sets, so the text stays small.
#pragma once

#include <memory>
#include <string>

#include "strata/base/metrics.h"

namespace strata {

// Thread-safe. A name keeps the kind and the label names that it was first used with.
class PrometheusMetrics final : public Metrics {
 public:
  PrometheusMetrics();
  ~PrometheusMetrics() override;

  Counter& counter(const std::string& name, const Labels& labels) override;
  Gauge& gauge(const std::string& name, const Labels& labels) override;
  // In seconds, in buckets from 50 us to 10 s.
  Histogram& histogram(const std::string& name, const Labels& labels) override;

  // Everything counted so far, in the exposition format 0.0.4.
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace strata
