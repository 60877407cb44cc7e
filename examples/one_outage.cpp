// One service through one outage of its cache, with the queries that PostgreSQL itself counted.
// Starts a PostgreSQL and a Redis of its own. docs/step_by_step.md tells what it shows.
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <iostream>
#include <latch>
#include <thread>

#include "strata/cache/guarded_cache.h"
#include "strata/strata.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"

struct Flag {
  std::string name;
  std::int64_t revision = 0;
};
BOOST_DESCRIBE_STRUCT(Flag, (), (name, revision))

template <>
struct strata::Entity<Flag> {
  static constexpr auto table = "flags";
  static constexpr strata::KeySpace keys{"example", "flag"};
  static std::string id(const Flag& flag) { return flag.name; }
};

namespace {

constexpr int kFlags = 20;
constexpr int kCallers = 100;

std::string nameOf(int flag) { return fmt::format("flag-{:02}", flag); }

[[noreturn]] void fail(const std::string& why) {
  std::cerr << "one_outage: " << why << std::endl;
  std::exit(1);
}
void require(const absl::Status& status) {
  if (!status.ok()) fail(status.ToString());
}

class Service {
 public:
  Service()
      : servers_(startServers()), backends_(connectTo(*servers_)), flags_(makeStore(backends_)) {
    for (int flag = 0; flag < kFlags; ++flag) write(flag);
    require(postgres().query("CREATE EXTENSION pg_stat_statements").status());
  }

  strata::testing::LocalRedis& redis() { return servers_->redis(); }
  strata::CircuitBreaker& breaker() { return guardedCache().breaker(); }

  // No answer is older than the last write of this process that returned: or the program fails.
  void read(int flag) {
    const std::int64_t least = revisions_[static_cast<std::size_t>(flag)];
    const strata::MonotonicTime start = strata::Clock::system().now();
    const auto read = flags_->get(nameOf(flag));
    noteTime(strata::Clock::system().now() - start);
    require(read.status());
    if (*read == nullptr || (*read)->revision < least) fail("an old answer for " + nameOf(flag));
  }
  void write(int flag) {
    auto& revision = revisions_[static_cast<std::size_t>(flag)];
    const strata::MonotonicTime start = strata::Clock::system().now();
    require(flags_->put({.name = nameOf(flag), .revision = revision + 1}).status());
    noteTime(strata::Clock::system().now() - start);
    ++revision;
  }
  // All at once, each one flag.
  template <typename Choose>
  void crowd(Choose flag_of) {
    std::latch start(kCallers);
    std::vector<std::jthread> callers;
    for (int i = 0; i < kCallers; ++i) {
      callers.emplace_back([&, i] {
        start.arrive_and_wait();
        read(flag_of(i));
      });
    }
  }

  // Does `what` and prints a line of the table.
  template <typename What>
  void step(const std::string& title, What what) {
    require(postgres().query("SELECT pg_stat_statements_reset()").status());
    const Counts before = counts();
    slowest_ = 0;
    what();
    const Counts after = counts();
    fmt::print("{:<44}|{:>8} |{:>7} |{:>6} |{:>7} |{:>8} |{:>8.1f} ms\n", title, readQueries(),
               after.hits - before.hits, after.bypasses - before.bypasses,
               after.rejected - before.rejected, guardedCache().pendingDeletes(),
               absl::ToDoubleMilliseconds(absl::Nanoseconds(slowest_.load())));
    std::fflush(stdout);
  }

 private:
  struct Counts {
    std::int64_t hits = 0;
    // Past the cache, but for those who waited for a fill and then had it.
    std::int64_t bypasses = 0;
    std::int64_t rejected = 0;
  };

  static std::unique_ptr<strata::testing::LocalServers> startServers() {
    // With PostgreSQL's own statistics, which count every statement.
    auto servers = strata::testing::LocalServers::start(
        {.postgres = true,
         .redis = true,
         .postgres_settings = {{"shared_preload_libraries", "pg_stat_statements"}}});
    require(servers.status());
    return *std::move(servers);
  }
  strata::Backends connectTo(strata::testing::LocalServers& servers) const {
    strata::Config config;
    config.app = "one-outage";
    config.database_url = servers.postgres().url();
    config.cache_url = servers.redis().url();
    // The breaker asks again after 15 s; nobody wants to wait that long for an example.
    auto backends = strata::connect(
        config,
        {.metrics = metrics_, .cache_breaker = {.name = "cache", .open_time = absl::Seconds(2)}});
    require(backends.status());
    return *std::move(backends);
  }
  static std::unique_ptr<strata::Store<Flag>> makeStore(const strata::Backends& backends) {
    auto store = strata::createStore<Flag>(backends);
    require(store.status());
    return *std::move(store);
  }

  strata::testing::LocalPostgres& postgres() { return servers_->postgres(); }
  strata::GuardedCache& guardedCache() { return *backends_.cache; }
  std::string readQueries() {
    const auto rows = postgres().query(
        "SELECT coalesce(sum(calls), 0) FROM pg_stat_statements WHERE query LIKE '%\"flags\" "
        "WHERE%'");
    require(rows.status());
    return rows->front().front().value_or("?");
  }
  Counts counts() const {
    const char* const bypasses = "strata_cache_bypasses_total";
    return {.hits = metrics_->count("strata_cache_hits_total"),
            .bypasses =
                metrics_->count(bypasses) - metrics_->count(bypasses, {{"reason", "being_filled"}}),
            .rejected = metrics_->count("strata_cache_rejected_cells_total")};
  }
  void noteTime(absl::Duration took) {
    const std::int64_t nanos = absl::ToInt64Nanoseconds(took);
    std::int64_t slowest = slowest_;
    while (slowest < nanos && !slowest_.compare_exchange_weak(slowest, nanos)) {
    }
  }

  const std::shared_ptr<strata::InMemoryMetrics> metrics_ =
      std::make_shared<strata::InMemoryMetrics>();
  const std::unique_ptr<strata::testing::LocalServers> servers_;
  const strata::Backends backends_;
  const std::unique_ptr<strata::Store<Flag>> flags_;
  std::array<std::atomic<std::int64_t>, kFlags> revisions_{};
  std::atomic<std::int64_t> slowest_{0};
};

void beforeTheOutage(Service& service) {
  service.step("1. 100 callers of one cold flag", [&] { service.crowd([](int) { return 0; }); });
  service.step("2. every flag once, then 1 000 reads", [&] {
    for (int i = 0; i < kFlags + 1000; ++i) service.read(i % kFlags);
  });
  require(service.redis().save());
  service.step("3. Redis saves; then 5 flags are written", [&] {
    for (int flag = 0; flag < 5; ++flag) service.write(flag);
  });
}

void duringTheOutage(Service& service) {
  require(service.redis().freeze());
  service.step("4. Redis hangs: 3 reads, one by one", [&] {
    for (int i = 0; i < 3; ++i) service.read(10);
  });
  service.step("5. the breaker is open: 50 more", [&] {
    for (int i = 0; i < 50; ++i) service.read(10);
  });
  service.step("6. 100 callers of one flag", [&] { service.crowd([](int) { return 11; }); });
  service.step("7. 100 callers of all 20 flags",
               [&] { service.crowd([](int i) { return i % kFlags; }); });
  service.step("8. 5 others are written, and read", [&] {
    for (int flag = 5; flag < 10; ++flag) service.write(flag);
    for (int flag = 5; flag < 10; ++flag) service.read(flag);
  });
}

void afterTheOutage(Service& service) {
  using State = strata::CircuitBreaker::State;
  service.step("9. Redis restarts from what it saved", [&] {
    require(service.redis().kill());
    require(service.redis().start());
    const bool closed = strata::testing::eventually(
        [&] { return service.breaker().status().state == State::kClosed; }, absl::Seconds(30));
    if (!closed) fail("the breaker did not close");
  });
  service.step("10. every flag once", [&] {
    for (int flag = 0; flag < kFlags; ++flag) service.read(flag);
  });
  service.step("11. 1 000 reads", [&] {
    for (int i = 0; i < 1000; ++i) service.read(i % kFlags);
  });
}

}  // namespace

int main() {
  Service service;
  fmt::print("{:<44}| queries |   hits |  past | foreign | pending |    slowest\n", "step");
  beforeTheOutage(service);
  duringTheOutage(service);
  afterTheOutage(service);
}
