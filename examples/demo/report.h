// The demo's figures, for people and for programs.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "examples/demo/replay.h"
#include "strata/base/health.h"
#include "strata/base/metrics.h"

namespace strata::demo {

struct LayerFigures {
  std::int64_t hits = 0;
  std::int64_t misses = 0;
  InMemoryMetrics::Summary latency;
};

struct Figures {
  ReplayResult replay;
  std::int64_t skipped = 0;  // lines of the input
  std::int64_t queries = 0;  // reads that reached the database
  // By name, the outermost first: "store" is what the caller sees.
  std::map<std::string, LayerFigures> layers;
  Health health;

  std::int64_t queriesSaved() const { return replay.requests - queries; }
  bool isClean() const { return replay.stale == 0 && replay.wrong == 0 && replay.errors == 0; }
};

Figures collect(const ReplayResult& replay, std::int64_t skipped, const InMemoryMetrics& metrics,
                const Health& health);

std::string toText(const Figures& figures);
std::string toJson(const Figures& figures);

// "[#####     ]  50 %  1 000 of 2 000", to be printed over itself.
std::string progressBar(std::int64_t done, std::int64_t total);

}  // namespace strata::demo
