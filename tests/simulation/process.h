// A process of a simulation: a stack of stores over its own links, and whoever calls it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "strata/base/metrics.h"
#include "strata/cache/guarded_cache.h"
#include "strata/store/store.h"
#include "tests/simulation/clients.h"
#include "tests/simulation/scheduler.h"
#include "tests/simulation/world.h"

namespace strata::simulation {

// What all processes of a run share.
struct World {
  explicit World(std::uint64_t seed, Hazards& hazards_in)
      : scheduler(seed), clock(scheduler), hazards(hazards_in) {}

  Scheduler scheduler;
  SimulatedClock clock;
  std::shared_ptr<SimulatedExecutor> executor = std::make_shared<SimulatedExecutor>(scheduler);
  std::shared_ptr<CacheServer> cache = std::make_shared<CacheServer>(scheduler);
  std::shared_ptr<Database> database = std::make_shared<Database>();
  Network to_cache;
  Network to_database;
  Hazards& hazards;
};

// How the processes of a run are set up; the run's seed decides.
struct Setup {
  absl::Duration ttl = absl::Seconds(10);
  absl::Duration negative_ttl = absl::ZeroDuration();
  absl::Duration lease_ttl = absl::Seconds(3);
  std::size_t max_queued_fills = 0;
  std::size_t max_pending_deletes = 100'000;
  std::size_t max_concurrent = 16;
  std::size_t max_concurrent_batches = 4;
  absl::Duration breaker_open_time = absl::Seconds(1);
  // Every other process is of a later binary, which knows a member more.
  bool deploys = false;
};

class Process {
 public:
  Process(World& world, const Setup& setup, int number);
  // Adds what it counted to the world's hazards.
  ~Process();

  std::string name() const { return "process " + std::to_string(number_); }
  Store<Row>& store() { return *store_; }
  GuardedCache& cache() { return *guarded_; }
  // From here on nothing leaves it. What runs in it goes on, and is heard of no more.
  void crash();
  bool hasCrashed() const { return to_cache_.isCut(); }

  // The newest version under each key whose write this process was told of.
  std::map<std::string, std::int64_t> written;

 private:
  World& world_;
  const int number_;
  Link to_cache_;
  Link to_database_;
  // The stack over the cache and the database, for one description of the rows.
  template <typename R>
  std::unique_ptr<Store<R>> stackOf(const Setup& setup);

  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::shared_ptr<GuardedCache> guarded_;
  std::unique_ptr<Store<Row>> store_;
};

}  // namespace strata::simulation
