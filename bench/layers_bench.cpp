// What each layer costs on a hit, and that one which is off costs nothing.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/comparison.h"
#include "bench/record.h"
#include "src/cache/cell.h"
#include "strata/adapters/postgres/postgres_store.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/base/nonce.h"
#include "strata/cache/guarded_cache.h"
#include "strata/cache/lru_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/decorators/coalescing_store.h"
#include "strata/decorators/guarded_store.h"
#include "strata/decorators/metered_store.h"
#include "strata/memory/in_memory_store.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::bench {
namespace {

using internal::Cell;
using internal::CellTag;
using CachePointer = std::shared_ptr<Cache>;
using StorePointer = std::unique_ptr<Store<Session>>;

template <typename T>
T made(absl::StatusOr<T> value) {
  if (!value.ok()) fail(value.status().ToString());
  return *std::move(value);
}

void getOrFail(Store<Session>& store, const Id& id) {
  const auto found = store.get(id);
  if (!found.ok() || *found == nullptr) fail("get");
}

Row decoratorsOff() {
  const auto backends = made(connect({}, {.memory = std::make_shared<InMemoryDatabase>()}));
  const auto built = made(createStore<Session>(backends));
  const auto bare = made(InMemoryStore<Session>::create(backends.memory));
  const Session session = makeSession(1);
  if (!bare->put(session).ok()) fail("put");
  const Id id = session.id;
  // A thousand gets are one call: a single one is shorter than reading the clock.
  const auto thousand = [&id](Store<Session>& store) {
    return [&store, &id] {
      for (int i = 0; i < 1000; ++i) getOrFail(store, id);
    };
  };
  return compareLatency("decorators_off", {Budget::Kind::kAtMost, 1.02}, thousand(*built),
                        thousand(*bare), {.rounds = 40, .calls_per_round = 40});
}

// ---- The layers, each put around or under what createStore puts it around or under ----

enum class Where { kRedis, kLru };

CachePointer bareCache(Where where) {
  if (where == Where::kLru) return std::make_shared<LruCache>();
  return made(RedisCache::create({.url = testing::sharedServers().redis().url()}));
}

StorePointer inMemory() {
  return made(InMemoryStore<Session>::create(std::make_shared<InMemoryDatabase>()));
}

StorePointer guarded(StorePointer below) {
  return made(GuardedStore<Session>::create(std::move(below), made(Bulkhead::create({})), {}));
}

StorePointer coalescing(StorePointer below) {
  return made(CoalescingStore<Session>::create(std::move(below), {}));
}

StorePointer metered(StorePointer below) {
  return std::make_unique<MeteredStore<Session>>(
      std::move(below), std::make_shared<InMemoryMetrics>(), "bench", "store");
}

// With one session in the cache.
StorePointer caching(StorePointer below, const CachePointer& cache) {
  StorePointer store = made(CachingStore<Session>::create(
      std::move(below), cache, {.store = "bench", .app = "layers", .ttl = absl::Hours(1)}));
  if (!store->put(makeSession(1)).ok()) fail("put");
  // The first get may find the life of the server not known yet and fill nothing.
  for (int i = 0; i < 2; ++i) getOrFail(*store, makeSession(1).id);
  return store;
}

// What a CachingStore asks a cache for a hit.
class CellByHand {
 public:
  explicit CellByHand(Cache& cache) : cache_(cache) {
    const std::string payload = encodeJson(makeSession(1));
    const Cell cell{.tag = CellTag::kValue, .nonce = makeNonce(), .payload = payload};
    if (!cache.set(kKey, cell.encode(), absl::Hours(1)).ok()) fail("set");
  }

  std::string find() const {
    const LeaseRequest request{.key = kKey, .cell = lease_};
    auto replies = cache_.getOrLease({&request, 1}, absl::Seconds(3));
    if (!replies[0].ok() || !replies[0]->found.has_value()) fail("getOrLease");
    return *std::move(replies[0]->found);
  }

  std::shared_ptr<const Session> get() const {
    const std::string cell = find();
    auto session = std::make_shared<Session>();
    const std::string_view payload = std::string_view(cell).substr(Cell::kHeaderBytes);
    if (!readJson(typeInfo<Session>(), payload, session.get()).ok()) fail("decode");
    return session;
  }

 private:
  static constexpr auto kKey = "layers:by_hand";
  Cache& cache_;
  const std::string lease_ = Cell{.tag = CellTag::kLease, .nonce = makeNonce()}.encode();
};

// A hit in process is shorter than reading the clock: a hundred are one call.
Row compareHits(const std::string& layer, Where where, const Call& with, const Call& without) {
  if (where == Where::kRedis) {
    return compareLatency("layer_" + layer + "_redis", {}, with, without, {.rounds = 40});
  }
  const auto hundred = [](const Call& call) -> Call {
    return [&call] {
      for (int i = 0; i < 100; ++i) call();
    };
  };
  return compareLatency("layer_" + layer + "_lru", {}, hundred(with), hundred(without),
                        {.rounds = 40, .calls_per_round = 40});
}

Row compareStores(const std::string& layer, Where where, const StorePointer& with,
                  const StorePointer& without) {
  const Id id = makeSession(1).id;
  return compareHits(
      layer, where, [&] { getOrFail(*with, id); }, [&] { getOrFail(*without, id); });
}

// The breaker, the memory of deletions, and the epoch.
Row guardedCacheLayer(const std::string& name, Where where) {
  const CachePointer bare = bareCache(where);
  const CachePointer with = made(GuardedCache::create(bare));
  const CellByHand ours(*with);
  const CellByHand baseline(*bare);
  return compareHits(
      name, where, [&] { ours.find(); }, [&] { baseline.find(); });
}

// Above the same guarded cache, read and decoded by hand.
Row cachingLayer(const std::string& name, Where where) {
  const CachePointer cache = made(GuardedCache::create(bareCache(where)));
  const StorePointer store = caching(inMemory(), cache);
  const CellByHand baseline(*cache);
  const Id id = makeSession(1).id;
  return compareHits(
      name, where, [&] { getOrFail(*store, id); }, [&] { baseline.get(); });
}

Row meteredLayer(const std::string& name, Where where) {
  const CachePointer cache = made(GuardedCache::create(bareCache(where)));
  return compareStores(name, where, metered(caching(inMemory(), cache)),
                       caching(inMemory(), cache));
}

Row coalescingLayer(const std::string& name, Where where) {
  const CachePointer cache = made(GuardedCache::create(bareCache(where)));
  return compareStores(name, where, caching(coalescing(inMemory()), cache),
                       caching(inMemory(), cache));
}

Row guardLayer(const std::string& name, Where where) {
  const CachePointer cache = made(GuardedCache::create(bareCache(where)));
  return compareStores(name, where, caching(guarded(inMemory()), cache),
                       caching(inMemory(), cache));
}

// What those two cost a lone caller that has to ask the database.
Row aLoneMiss() {
  auto pool = made(PostgresPool::open({.url = testing::sharedServers().postgres().url()}));
  const StorePointer bare = made(PostgresStore<Session>::create(pool));
  const StorePointer with = coalescing(guarded(made(PostgresStore<Session>::create(pool))));
  if (!bare->put(makeSession(1)).ok()) fail("put");
  const Id id = makeSession(1).id;
  return compareLatency(
      "layers_lone_database_get", {}, [&] { getOrFail(*with, id); }, [&] { getOrFail(*bare, id); },
      {.rounds = 40, .calls_per_round = 500});
}

}  // namespace

std::vector<Benchmark> layerBenchmarks() {
  std::vector<Benchmark> all = {{"decorators_off", decoratorsOff}};
  const std::vector<std::pair<std::string, Row (*)(const std::string&, Where)>> layers = {
      {"guarded_cache", guardedCacheLayer}, {"caching", cachingLayer}, {"metered", meteredLayer},
      {"coalescing", coalescingLayer},      {"guard", guardLayer},
  };
  for (const auto& [name, row] : layers) {
    for (const Where where : {Where::kRedis, Where::kLru}) {
      const std::string full = "layer_" + name + (where == Where::kRedis ? "_redis" : "_lru");
      all.push_back({full, [name = name, row = row, where] { return row(name, where); }});
    }
  }
  all.push_back({"layers_lone_database_get", aLoneMiss});
  return all;
}

}  // namespace strata::bench
