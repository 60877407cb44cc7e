// What a crowd costs the database: the queries are counted by PostgreSQL itself
// (pg_stat_statements), the crowd is a thousand threads that set out together.
#include <barrier>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench/comparison.h"
#include "bench/record.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::bench {
namespace {

constexpr int kThreads = 1000;
constexpr int kRounds = 10;

// Servers of its own, whose PostgreSQL counts; the others are not to pay for that.
testing::LocalServers& countingServers() {
  static const auto servers = [] {
    auto started = testing::LocalServers::start(
        {.postgres = true,
         .redis = true,
         .postgres_settings = {{"shared_preload_libraries", "pg_stat_statements"}}});
    if (!started.ok()) fail(started.status().ToString());
    if (!(*started)->postgres().query("CREATE EXTENSION pg_stat_statements").ok())
      fail("extension");
    return *std::move(started);
  }();
  return *servers;
}

double queries() {
  const auto rows = countingServers().postgres().query(
      "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements"
      " WHERE query LIKE 'SELECT%bench\\_sessions%'");
  if (!rows.ok()) fail(rows.status().ToString());
  return std::stod(rows->at(0).at(0).value_or("0"));
}

// The stack that createStore builds. A thousand single gets wait in line for a second or more where
// the machine is busy.
std::unique_ptr<Store<Session>> sessions(const StoreOptions& options) {
  Config config;
  config.app = "bench";
  config.database_url = countingServers().postgres().url();
  config.cache_url = countingServers().redis().url();
  const auto backends = connect(config, {.bulkhead = {.max_wait = absl::Minutes(1)}});
  if (!backends.ok()) fail(backends.status().ToString());
  auto store = createStore<Session>(*backends, options);
  if (!store.ok()) fail(store.status().ToString());
  return *std::move(store);
}

// Reads of it are each a query.
std::unique_ptr<Store<Session>> plainSessions() {
  return sessions(
      {.enable_cache = false, .database_timeout = absl::Minutes(1), .enable_coalescing = false});
}

void fillDatabase() {
  const auto store = plainSessions();
  for (int i = 0; i < kThreads; ++i) {
    if (!store->put(makeSession(i)).ok()) fail("put");
  }
}

void getOrFail(Store<Session>& store, int number) {
  const auto found = store.get(makeSession(number).id);
  if (!found.ok() || *found == nullptr) fail("get: " + found.status().ToString());
}

// A thousand threads that stay, so that making them is not measured; waking them is.
class Crowd {
 public:
  using Call = std::function<void(int thread)>;

  Crowd() {
    for (int thread = 0; thread < kThreads; ++thread) {
      threads_.emplace_back([this, thread] {
        for (start_.arrive_and_wait(); !over_; start_.arrive_and_wait()) {
          call_(thread);
          end_.arrive_and_wait();
        }
      });
    }
  }
  Crowd(const Crowd&) = delete;
  ~Crowd() {
    over_ = true;
    start_.arrive_and_wait();
  }

  // One call by each. How many of them a second, from the start of the first to the end of the
  // last.
  double run(Call call) {
    call_ = std::move(call);
    const auto began = std::chrono::steady_clock::now();
    start_.arrive_and_wait();
    end_.arrive_and_wait();
    return kThreads /
           std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  }

 private:
  Call call_;
  bool over_ = false;
  std::barrier<> start_{kThreads + 1};
  std::barrier<> end_{kThreads + 1};
  std::vector<std::jthread> threads_;  // last, so that they end before the rest
};

// `number_of` says which session a thread asks for in which round. The queries of one crowd.
using NumberOf = int (*)(int round, int thread);

Row queriesOfCrowds(const std::string& name, Budget budget, bool enable_cache, NumberOf number_of) {
  fillDatabase();
  const auto store = sessions({.enable_cache = enable_cache});
  const auto plain = plainSessions();
  // The first get may find the life of the Redis server not known yet and fill nothing.
  for (int i = 0; i < 2; ++i) getOrFail(*store, kThreads - 1);
  Crowd crowd;
  int run = 0;
  return compareRuns(name, budget, "queries", kRounds, [&](bool is_ours) {
    Store<Session>& asked = is_ours ? *store : *plain;
    const double before = queries();
    const int round = run++ / 2;
    crowd.run([&](int thread) { getOrFail(asked, number_of(round, thread)); });
    return queries() - before;
  });
}

int oneColdId(int round, int /*thread*/) { return round; }
int anIdEach(int /*round*/, int thread) { return thread; }

// Threads that ask again and again, each for its own.
Row rateOfCoalesced() {
  fillDatabase();
  const auto store = sessions({.enable_cache = false});
  const auto plain = plainSessions();
  const auto own_of = [](Store<Session>& asked) {
    return [&asked](int thread) -> Call { return [&asked, thread] { getOrFail(asked, thread); }; };
  };
  return compareThroughput("coalesce_1000_ids_rate", {Budget::Kind::kAtLeast, 5}, own_of(*store),
                           own_of(*plain), {.threads = kThreads});
}

// The most that coalescing could reach: one caller who knows all the ids.
Row rateOfOneQuery() {
  fillDatabase();
  const auto plain = plainSessions();
  std::vector<Id> ids;
  for (int i = 0; i < kThreads; ++i) ids.emplace_back(makeSession(i).id);
  Crowd crowd;
  return compareRuns("any_of_1000_rate", {}, "calls/s", kRounds, [&](bool is_ours) {
    if (!is_ours) return crowd.run([&](int thread) { getOrFail(*plain, thread); });
    const auto began = std::chrono::steady_clock::now();
    for (const auto& found : plain->getMany(ids)) {
      if (!found.ok() || *found == nullptr) fail("getMany");
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    return kThreads / took.count();
  });
}

}  // namespace

std::vector<Benchmark> coalescingBenchmarks() {
  const auto crowds = [](const char* name, Budget budget, bool enable_cache, NumberOf number_of) {
    return Benchmark{name, [=] { return queriesOfCrowds(name, budget, enable_cache, number_of); }};
  };
  return {crowds("coalesce_one_cold_id", {Budget::Kind::kAtMost, 0.001}, true, oneColdId),
          crowds("coalesce_one_id_no_cache", {}, false, oneColdId),
          crowds("coalesce_1000_distinct_ids", {Budget::Kind::kAtMost, 0.02}, false, anIdEach),
          {"coalesce_1000_ids_rate", rateOfCoalesced},
          {"any_of_1000_rate", rateOfOneQuery}};
}

}  // namespace strata::bench
