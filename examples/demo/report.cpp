#include "examples/demo/report.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "strata/stores/policy/tenant_llm_policy.h"

namespace strata::demo {
namespace {

constexpr const char* kCalls = "strata_store_calls_total";
constexpr const char* kLatency = "strata_store_latency_seconds";

LayerFigures storeLayer(const InMemoryMetrics& metrics, const std::string& layer) {
  const auto count = [&](const char* result) {
    return metrics.count(kCalls, {{"layer", layer}, {"operation", "get"}, {"result", result}});
  };
  return {.hits = count("hit"),
          .misses = count("absent") + count("error"),
          .latency = metrics.summary(kLatency, {{"layer", layer}, {"operation", "get"}})};
}

LayerFigures cacheLayer(const InMemoryMetrics& metrics) {
  return {.hits = metrics.count("strata_cache_hits_total") +
                  metrics.count("strata_cache_negative_hits_total"),
          .misses = metrics.count("strata_cache_misses_total") +
                    metrics.count("strata_cache_bypasses_total"),
          .latency = metrics.summary("strata_cache_lookup_seconds")};
}

// "1 234 567"
std::string grouped(std::int64_t number) {
  const std::string digits = std::to_string(number);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ' ';
    text += digits[i];
  }
  return text;
}

double micros(absl::Duration duration) { return absl::ToDoubleMicroseconds(duration); }

std::string layerLine(const std::string& name, const LayerFigures& layer) {
  return fmt::format("  {:<10}{:>12}{:>12}{:>11.1f}{:>11.1f}{:>11.1f}\n", name, grouped(layer.hits),
                     grouped(layer.misses), micros(layer.latency.p50), micros(layer.latency.p95),
                     micros(layer.latency.p99));
}

}  // namespace

Figures collect(const ReplayResult& replay, std::int64_t skipped, const InMemoryMetrics& metrics,
                const Health& health) {
  Figures figures{.replay = replay, .skipped = skipped, .health = health};
  figures.layers["store"] = storeLayer(metrics, "store");
  figures.layers["database"] = storeLayer(metrics, "database");
  const LayerFigures cache = cacheLayer(metrics);
  if (cache.hits + cache.misses > 0) figures.layers["cache"] = cache;
  const LayerFigures& database = figures.layers["database"];
  figures.queries = database.hits + database.misses;
  return figures;
}

std::string toText(const Figures& figures) {
  const ReplayResult& replay = figures.replay;
  const double seconds = absl::ToDoubleSeconds(replay.elapsed);
  std::string text = fmt::format(
      "requests        {:>12}   in {:.2f} s, {} a second\n"
      "edits           {:>12}   acknowledged while the requests ran\n"
      "skipped lines   {:>12}\n"
      "queries         {:>12}   reads that reached the database\n"
      "queries saved   {:>12}\n"
      "stale answers   {:>12}   older than an edit acknowledged before the request\n"
      "wrong answers   {:>12}\n"
      "errors          {:>12}   {}\n\n",
      grouped(replay.requests), seconds,
      grouped(static_cast<std::int64_t>(static_cast<double>(replay.requests) / seconds)),
      grouped(replay.edits), grouped(figures.skipped), grouped(figures.queries),
      grouped(figures.queriesSaved()), grouped(replay.stale), grouped(replay.wrong),
      grouped(replay.errors), replay.first_error);
  text += fmt::format("  {:<10}{:>12}{:>12}{:>11}{:>11}{:>11}\n", "layer", "hits", "misses",
                      "p50 µs", "p95 µs", "p99 µs");
  for (const char* name : {"store", "cache", "database"}) {
    const auto layer = figures.layers.find(name);
    if (layer != figures.layers.end()) text += layerLine(name, layer->second);
  }
  return text + "\nhealth\n" + describe(figures.health) + "\n";
}

std::string toJson(const Figures& figures) {
  boost::json::object layers;
  boost::json::object latency;
  for (const auto& [name, layer] : figures.layers) {
    layers[name] = {{"hits", layer.hits}, {"misses", layer.misses}};
    latency[name] = {{"p50", micros(layer.latency.p50)},
                     {"p95", micros(layer.latency.p95)},
                     {"p99", micros(layer.latency.p99)}};
  }
  return boost::json::serialize(boost::json::object{
      {"requests", figures.replay.requests},
      {"skipped", figures.skipped},
      {"edits", figures.replay.edits},
      {"stale", figures.replay.stale},
      {"wrong", figures.replay.wrong},
      {"errors", figures.replay.errors},
      {"queries", figures.queries},
      {"queries_saved", figures.queriesSaved()},
      {"seconds", absl::ToDoubleSeconds(figures.replay.elapsed)},
      {"layers", std::move(layers)},
      {"latency_us", std::move(latency)},
      {"health", boost::json::parse(strata::toJson(figures.health))},
  });
}

std::string progressBar(std::int64_t done, std::int64_t total) {
  constexpr std::int64_t kWidth = 40;
  const auto filled = static_cast<std::size_t>(total == 0 ? kWidth : done * kWidth / total);
  return fmt::format("\r[{:<40}] {:>3} %  {} of {}", std::string(filled, '#'),
                     total == 0 ? 100 : done * 100 / total, grouped(done), grouped(total));
}

}  // namespace strata::demo
