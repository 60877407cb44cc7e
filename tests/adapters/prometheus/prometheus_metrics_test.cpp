#include "strata/adapters/prometheus/prometheus_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "strata/decorators/caching_store.h"
#include "strata/decorators/metered_store.h"
#include "strata/memory/in_memory_store.h"
#include "strata/testing/conformance/conformance_record.h"
#include "strata/testing/fakes/fake_cache.h"

namespace strata {
namespace {

using ::testing::HasSubstr;

// The grammar of the exposition format 0.0.4, line by line, and what it demands between lines: a
// type before the first sample of a metric and all of its samples together, no sample twice, and
// of a histogram buckets that grow up to +Inf, which is its count.
void expectValid(const std::string& text) {
  static const std::regex kType(R"(# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram))");
  static const std::regex kHelp(R"(# HELP [a-zA-Z_:][a-zA-Z0-9_:]* ?.*)");
  static const std::regex kSample(
      R"re(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*",?)*\})? ([-+]?[0-9.e+-]+|\+Inf|NaN))re");
  std::map<std::string, std::string> types;
  std::set<std::string> samples;
  std::string family;
  double bucket = 0;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, kType)) {
      family = match[1];
      EXPECT_TRUE(types.emplace(family, match[2]).second) << "twice: " << line;
      continue;
    }
    if (std::regex_match(line, kHelp)) continue;
    ASSERT_TRUE(std::regex_match(line, match, kSample)) << line;
    const std::string name = match[1];
    EXPECT_TRUE(samples.insert(line.substr(0, line.rfind(' '))).second) << "twice: " << line;
    EXPECT_TRUE(name.starts_with(family)) << line;
    if (types[family] != "histogram") continue;
    const double value = std::stod(match[5]);
    if (name == family + "_bucket") {
      const bool is_first = line.find("le=\"5e-05\"") != std::string::npos;
      EXPECT_TRUE(is_first || value >= bucket) << line;
      bucket = value;
    } else if (name == family + "_count") {
      bucket = value;
    }
  }
  EXPECT_FALSE(types.empty());
}

TEST(PrometheusMetrics, TellsCountersGaugesAndHistograms) {
  PrometheusMetrics metrics;
  metrics.counter("strata_test_total", {{"store", "flags"}, {"result", "ok"}}).add(3);
  metrics.gauge("strata_test_level", {}).set(-7);
  metrics.histogram("strata_test_seconds", {{"store", "flags"}}).record(absl::Milliseconds(3));
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("# TYPE strata_test_total counter\n"));
  EXPECT_THAT(text, HasSubstr("strata_test_total{result=\"ok\",store=\"flags\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("strata_test_level -7\n"));
  EXPECT_THAT(text, HasSubstr("strata_test_seconds_bucket{store=\"flags\",le=\"0.0025\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("strata_test_seconds_bucket{store=\"flags\",le=\"0.005\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("strata_test_seconds_count{store=\"flags\"} 1\n"));
  expectValid(text);
}

TEST(PrometheusMetrics, TheSameNameAndLabelsAreTheSameMetric) {
  PrometheusMetrics metrics;
  Counter& counter = metrics.counter("strata_test_total", {{"store", "flags"}});
  EXPECT_EQ(&metrics.counter("strata_test_total", {{"store", "flags"}}), &counter);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 1000; ++k) {
        metrics.counter("strata_test_total", {{"store", "flags"}}).increment();
      }
    });
  }
  threads.clear();
  EXPECT_THAT(metrics.text(), HasSubstr("strata_test_total{store=\"flags\"} 8000\n"));
}

TEST(PrometheusMetrics, EscapesLabelValues) {
  PrometheusMetrics metrics;
  metrics.counter("strata_test_total", {{"store", "a\"b\\c\nd"}}).increment();
  EXPECT_THAT(metrics.text(), HasSubstr(R"({store="a\"b\\c\nd"} 1)"));
  expectValid(metrics.text());
}

// B-75
TEST(PrometheusMetrics, AStackTellsHitsMissesErrorsBreakerAndLatenciesOfItsStore) {
  using Record = testing::ConformanceRecord;
  auto metrics = std::make_shared<PrometheusMetrics>();
  auto cache = std::make_shared<testing::FakeCache>();
  auto store = *CachingStore<Record>::create(
      std::make_unique<MeteredStore<Record>>(
          *InMemoryStore<Record>::create(std::make_shared<InMemoryDatabase>()), metrics, "records",
          "database"),
      cache, {.store = "records", .app = "app"}, metrics);
  Record record;
  record.key = "a";
  ASSERT_TRUE(store->put(record).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(store->get("a").ok());
  cache->setDown(true);
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(store->get("a").ok());
  const std::string text = metrics->text();
  expectValid(text);
  for (
      const char* line :
      {"strata_cache_hits_total{store=\"records\"} 2",
       "strata_cache_misses_total{store=\"records\"} 1",
       "strata_cache_fills_total{result=\"stored\",store=\"records\"} 1",
       "strata_cache_bypasses_total{reason=\"error\",store=\"records\"} 3",
       "strata_cache_bypasses_total{reason=\"breaker_open\",store=\"records\"} 1",
       "strata_breaker_state{breaker=\"cache\"} 1",
       "strata_breaker_transitions_total{breaker=\"cache\",to=\"open\"} 1",
       "strata_pending_deletes{cache=\"cache\"} 0",
       R"(strata_store_latency_seconds_count{layer="database",operation="get",store="records"} 5)"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace strata
