#include "tests/simulation/process.h"

#include "strata/decorators/bulkhead.h"
#include "strata/decorators/caching_store.h"
#include "strata/decorators/coalescing_store.h"
#include "strata/decorators/guarded_store.h"

namespace strata::simulation {

Process::Process(World& world, const Setup& setup, int number)
    : world_(world),
      number_(number),
      to_cache_(world.scheduler, world.to_cache, world.hazards),
      to_database_(world.scheduler, world.to_database, world.hazards) {
  guarded_ = *GuardedCache::create(
      std::make_shared<SimulatedCache>(world.cache, world.scheduler, to_cache_),
      {.breaker = {.open_time = setup.breaker_open_time},
       .max_pending_deletes = setup.max_pending_deletes},
      metrics_, world.clock, world.executor);
  if (setup.deploys && number % 2 == 0) {
    store_ = std::make_unique<NewerRows>(stackOf<NewerRow>(setup));
  } else {
    store_ = stackOf<Row>(setup);
  }
}

template <typename R>
std::unique_ptr<Store<R>> Process::stackOf(const Setup& setup) {
  World& world = world_;
  auto below = std::make_unique<SimulatedStore<R>>(world.database, world.scheduler, to_database_);
  auto guarded = *GuardedStore<R>::create(
      std::move(below), *Bulkhead::create({.max_concurrent = setup.max_concurrent}, world.clock),
      {.store = "rows", .seed = static_cast<std::uint32_t>(world.scheduler.below(1U << 31))},
      metrics_, world.clock);
  auto coalescing = *CoalescingStore<R>::create(
      std::move(guarded), {.store = "rows", .max_concurrent_batches = setup.max_concurrent_batches},
      metrics_, world.clock);
  return *CachingStore<R>::create(std::move(coalescing), guarded_,
                                  {.store = "rows",
                                   .app = "simulation",
                                   .ttl = setup.ttl,
                                   .negative_ttl = setup.negative_ttl,
                                   .lease_ttl = setup.lease_ttl,
                                   .max_queued_fills = setup.max_queued_fills},
                                  metrics_, world.clock, world.executor);
}

Process::~Process() {
  store_.reset();
  guarded_.reset();
  const auto add = [&](const char* name, const Labels& labels, const char* what) {
    world_.hazards.note(what, metrics_->count(name, labels));
  };
  add("strata_cache_hits_total", {}, "hits");
  add("strata_cache_fills_total", {{"result", "stored"}}, "fills stored");
  add("strata_cache_fills_total", {{"result", "lost_lease"}}, "fills whose lease was lost");
  add("strata_cache_fills_total", {{"result", "late"}}, "fills that were late");
  add("strata_cache_rejected_cells_total", {{"reason", "other_incarnation"}}, "foreign lives");
  add("strata_cache_rejected_cells_total", {{"reason", "older_epoch"}}, "older epochs");
  add("strata_cache_rejected_cells_total", {{"reason", "other_type"}}, "cells that lack a member");
  add("strata_cache_bypasses_total", {{"reason", "pending_delete"}}, "reads past an owed deletion");
  add("strata_cache_bypasses_total", {{"reason", "breaker_open"}}, "reads past an open breaker");
  add("strata_cache_bypasses_total", {{"reason", "being_filled"}}, "reads past a lease");
  add("strata_cache_waits_total", {}, "waits for a fill");
  add("strata_coalesced_calls_total", {}, "reads that joined a flight");
  add("strata_retries_total", {}, "retries");
  add("strata_breaker_transitions_total", {{"to", "closed"}}, "recoveries");
  add("strata_pending_deletes_forgotten_total", {}, "deletions forgotten");
}

void Process::crash() {
  to_cache_.cut();
  to_database_.cut();
}

}  // namespace strata::simulation
