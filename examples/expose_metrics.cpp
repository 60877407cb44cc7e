// What a service answers to GET /metrics.
#include <iostream>

#include "strata/adapters/prometheus/prometheus_metrics.h"
#include "strata/strata.h"

struct Greeting {
  std::string language;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Greeting, (), (language, text))

template <>
struct strata::Entity<Greeting> {
  static constexpr auto table = "greetings";
  static constexpr strata::KeySpace keys{"example", "greeting"};
  static std::string id(const Greeting& greeting) { return greeting.language; }
};

absl::Status run() {
  strata::Config config;
  config.cache_provider = strata::CacheProvider::kMemory;  // so that it runs without servers

  auto metrics = std::make_shared<strata::PrometheusMetrics>();
  auto backends = strata::connect(config, {.metrics = metrics});  // everything counts into it
  if (!backends.ok()) return backends.status();

  auto greetings = strata::createStore<Greeting>(*backends);
  if (!greetings.ok()) return greetings.status();
  auto version = (*greetings)->put({.language = "en", .text = "Hello."});
  if (!version.ok()) return version.status();
  for (int i = 0; i < 3; ++i) {
    if (auto greeting = (*greetings)->get("en"); !greeting.ok()) return greeting.status();
  }
  std::cout << metrics->text();  // the body of GET /metrics, text/plain; version=0.0.4
  return absl::OkStatus();
}

int main() {
  const absl::Status status = run();
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
