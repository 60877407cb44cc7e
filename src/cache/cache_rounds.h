// LookupRound, FillRound: cache lookups, or fills, of records of several types that go together, in
// one round trip to each cache.
//
// For decorators that cache: their StagedRead adds itself to the rounds of a fetchAll.
#pragma once

#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "src/cache/cache_aside.h"

namespace strata::internal {

// For one thread at a time.
class LookupRound {
 public:
  // `id` and `lookup` are borrowed until `run` returns.
  void add(CacheAside& cache, const Id& id, CacheAside::Lookup& lookup) {
    asked_.push_back({&cache, &id, &lookup});
  }
  // Whose lookup was added first; null: there is none.
  CacheAside* first() const { return asked_.empty() ? nullptr : asked_.front().of; }
  // Completes every lookup that was added. Blocks for one round trip to each cache.
  void run(const ReadOptions& options) { CacheAside::lookUpTogether(asked_, options); }

 private:
  absl::InlinedVector<CacheAside::Asked, 8> asked_;
};

// For one thread at a time.
class FillRound {
 public:
  void add(CacheAside& cache, CacheAside::Fill fill) {
    fills_.push_back({&cache, std::move(fill)});
  }
  // Sends every fill that was added; one that fails is counted and harms nothing.
  void run() { CacheAside::fillTogether(fills_); }

 private:
  std::vector<CacheAside::PlannedFill> fills_;
};

}  // namespace strata::internal
