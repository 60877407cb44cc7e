// A context built from five cached queries, with 50 ms put in front of every reply of the database.
#include <hiredis/hiredis.h>
#include <libpq-fe.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/comparison.h"
#include "src/cache/cell.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/context_builder_factory.h"
#include "strata/records/json_codec.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::bench {
namespace {

constexpr absl::Duration kQueryTime = absl::Milliseconds(50);
constexpr int kUsers = 2'000;

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
struct FreeConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

template <typename T>
T orFail(absl::StatusOr<T> made) {
  if (!made.ok()) fail(made.status().ToString());
  return *std::move(made);
}

std::string userName(int number) { return "user-" + std::to_string(number); }

// The platform, with a slow database where there is a proxy: servers, stores and a builder.
class Platform {
 public:
  explicit Platform(bool proxied = true)
      : servers_(orFail(
            testing::LocalServers::start({.postgres = true, .redis = true, .proxied = proxied}))),
        backends_(orFail(connect(config(), {.metrics = metrics_}))),
        stores_(orFail(createClarifyStores(backends_))),
        builder_(orFail(createContextBuilder(backends_, stores_.sources))) {
    populate();
    // Every connection has prepared every statement by then.
    for (int i = 0; i < 40; ++i) build(userName(i));
    setQueryTime(kQueryTime);
  }
  ~Platform() { setQueryTime(absl::ZeroDuration()); }
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;

  void build(const std::string& user) {
    const auto context = builder_->build(user, "");
    if (!context.ok() || context->sections.size() != 5) fail("build");
  }
  // A user whom nobody has asked for yet.
  std::string newUser() { return userName(next_++); }

  std::array<std::string, 5> keysOf(const std::string& user) const {
    return {"copilot:ctx:user:" + user, "copilot:ctx:dreams:" + user,
            "copilot:ctx:patterns:" + user, "copilot:ctx:sessions:" + user,
            "copilot:ctx:reflections:" + user};
  }
  std::uint16_t redisPort() { return servers_->redis().port(); }
  std::string postgresUrl() { return servers_->postgres().url(); }
  const ClarifyStores& stores() const { return stores_; }
  const InMemoryMetrics& metrics() const { return *metrics_; }

 private:
  Config config() {
    Config config;
    config.database_url = servers_->postgres().url();
    config.cache_url = servers_->redis().url();
    return config;
  }

  void populate() {
    const std::string sql =
        "INSERT INTO users (id, name, tier, total_reflections, total_clarify_sessions, created_at, "
        "updated_at) SELECT 'user-' || u, 'User ' || u, 'pro', 3, 5, now(), now() "
        "FROM generate_series(0, " +
        std::to_string(kUsers - 1) +
        ") u; "
        "INSERT INTO dreams (user_id, id, title, description, status, category, created_at, "
        "updated_at) SELECT 'user-' || u, gen_random_uuid(), 'Dream ' || n, repeat('a wish ', 20), "
        "'active', 'life', now(), now() FROM generate_series(0, " +
        std::to_string(kUsers - 1) +
        ") u, generate_series(1, 5) n; "
        "INSERT INTO clarify_patterns (user_id, id, pattern_type, content, strength, created_at) "
        "SELECT 'user-' || u, gen_random_uuid(), 'value', repeat('water ', 15), n, now() "
        "FROM generate_series(0, " +
        std::to_string(kUsers - 1) +
        ") u, generate_series(1, 10) n; "
        "INSERT INTO clarify_sessions (user_id, id, title, status, last_message_at, message_count, "
        "created_at) SELECT 'user-' || u, gen_random_uuid(), 'Session ' || n, 'active', now(), n, "
        "now() FROM generate_series(0, " +
        std::to_string(kUsers - 1) +
        ") u, generate_series(1, 5) n; "
        "INSERT INTO reflections (user_id, id, tone, created_at) SELECT 'user-' || u, "
        "gen_random_uuid(), 'gentle', now() FROM generate_series(0, " +
        std::to_string(kUsers - 1) + ") u, generate_series(1, 3) n; ANALYZE";
    orFail(servers_->postgres().query(sql));
  }

  void setQueryTime(absl::Duration time) {
    testing::TcpProxy* const proxy = servers_->postgres().proxy();
    if (proxy != nullptr) proxy->setDelay(testing::TcpProxy::Way::kToClient, time);
  }

  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::unique_ptr<testing::LocalServers> servers_;
  Backends backends_;
  ClarifyStores stores_;
  std::unique_ptr<ContextBuilder> builder_;
  int next_ = 100;
};

// One query by primary key, by libpq, through the same proxy.
class OneQuery {
 public:
  explicit OneQuery(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) fail("libpq cannot connect");
    PQclear(PQprepare(connection_.get(), "user", "SELECT * FROM users WHERE id = $1", 1, nullptr));
  }
  void run(const std::string& user) {
    const char* const values[]{user.c_str()};
    PGresult* result = PQexecPrepared(connection_.get(), "user", 1, values, nullptr, nullptr, 0);
    if (PQntuples(result) != 1) fail("libpq");
    PQclear(result);
  }

 private:
  std::unique_ptr<PGconn, FreeConnection> connection_;
};

// Five GETs in one round trip, by hiredis.
class FiveHits {
 public:
  explicit FiveHits(std::uint16_t port) : context_(redisConnect("127.0.0.1", port)) {
    if (context_ == nullptr || context_->err != 0) fail("hiredis cannot connect");
  }
  std::array<std::string, 5> get(const std::array<std::string, 5>& keys) {
    for (const std::string& key : keys) redisAppendCommand(context_.get(), "GET %s", key.c_str());
    std::array<std::string, 5> values;
    for (std::string& value : values) {
      void* reply = nullptr;
      if (redisGetReply(context_.get(), &reply) != REDIS_OK) fail("hiredis");
      const std::unique_ptr<redisReply, FreeReply> owned(static_cast<redisReply*>(reply));
      if (owned->type != REDIS_REPLY_STRING) fail("hiredis: no hit");
      value.assign(owned->str, static_cast<std::size_t>(owned->len));
    }
    return values;
  }

 private:
  std::unique_ptr<redisContext, FreeContext> context_;
};

Row coldAgainstOneQuery() {
  Platform platform;
  OneQuery one(platform.postgresUrl());
  return compareLatency(
      "context_build_cold", {Budget::Kind::kAtMost, 1.2},
      [&] { platform.build(platform.newUser()); }, [&] { one.run("user-1"); },
      {.rounds = 8, .calls_per_round = 6});
}

// The five stores asked one after the other, as it is written by hand.
Row coldAgainstSequential() {
  Platform platform;
  const ContextSources& sources = platform.stores().sources;
  const auto all = [](auto... answers) { return (answers.ok() && ...); };
  return compareLatency(
      "context_cold_to_sequential", {}, [&] { platform.build(platform.newUser()); },
      [&] {
        const std::string user = platform.newUser();
        if (!all(sources.user->get(user), sources.dreams->get(user), sources.patterns->get(user),
                 sources.sessions->get(user), sources.reflections->get(user))) {
          fail("get");
        }
      },
      {.rounds = 4, .calls_per_round = 4});
}

Row warmAgainstFiveHits() {
  Platform platform(/*proxied=*/false);
  FiveHits five(platform.redisPort());
  const auto keys = platform.keysOf("user-1");
  platform.build("user-1");
  return compareLatency(
      "context_build_warm", {Budget::Kind::kAtMost, 1.5}, [&] { platform.build("user-1"); },
      [&] { five.get(keys); });
}

// The same with what was found decoded by hand.
Row warmAgainstFiveDecodedHits() {
  Platform platform(/*proxied=*/false);
  FiveHits five(platform.redisPort());
  const auto keys = platform.keysOf("user-1");
  platform.build("user-1");
  const auto decode = []<typename T>(const std::string& cell, const T&) {
    if (!decodeJson<T>(std::string_view(cell).substr(internal::Cell::kHeaderBytes)).ok())
      fail("JSON");
  };
  return compareLatency(
      "context_warm_to_decoded", {}, [&] { platform.build("user-1"); },
      [&] {
        const auto cells = five.get(keys);
        decode(cells[0], UserProfile{});
        decode(cells[1], ActiveDreams{});
        decode(cells[2], ObservedPatterns{});
        decode(cells[3], RecentSessions{});
        decode(cells[4], RecentReflections{});
      });
}

// A day of an application: twenty users, each of whose contexts is built again and again, and now
// and then a message comes in between.
struct Day {
  double p95_ms = 0;
  double parallel_p95_ms = 0;
  double hit_percent = 0;
  double read_p95_ms = 0;
  double write_p95_ms = 0;
};
constexpr int kBuildsOfADay = 1'000;

// Builds every `threads`-th context of a day, from `first` on, and notes how long each took in ms.
void buildSome(Platform& platform, int first, int threads, std::vector<double>& times) {
  constexpr int users = 20;
  constexpr int writes_every = 50;
  for (int i = first; i < kBuildsOfADay; i += threads) {
    const std::string user = userName(500 + i % users);
    if (i % writes_every == writes_every - 1) {
      orFail(platform.stores().reflections->create({.user_id = user}));
    }
    const MonotonicTime start = Clock::system().now();
    platform.build(user);
    times.push_back(absl::ToDoubleMilliseconds(Clock::system().now() - start));
  }
}

Day measureDay(int threads) {
  Platform platform;
  std::vector<std::vector<double>> times(static_cast<std::size_t>(threads));
  {
    std::vector<std::jthread> builders;
    for (int i = 0; i < threads; ++i) {
      builders.emplace_back(
          [&, i] { buildSome(platform, i, threads, times[static_cast<std::size_t>(i)]); });
    }
  }
  std::vector<double> all;
  for (const std::vector<double>& some : times) all.insert(all.end(), some.begin(), some.end());
  std::ranges::sort(all);
  const auto p95 = [&](const char* name) {
    return absl::ToDoubleMilliseconds(platform.metrics().summary(name).p95);
  };
  return Day{.p95_ms = all[all.size() * 95 / 100],
             .parallel_p95_ms = p95("clarify_query_parallel"),
             .hit_percent =
                 static_cast<double>(platform.metrics().level("clarify_cache_hit_rate_percent")),
             .read_p95_ms = p95("clarify_cache_read"),
             .write_p95_ms = p95("clarify_cache_write")};
}

const Day& aDay() {
  static const Day day = measureDay(1);
  return day;
}

// The same builds by sixteen callers at once.
const Day& aBusyDay() {
  static const Day day = measureDay(16);
  return day;
}

// What was measured against the target that SPEC states.
Benchmark target(std::string name, Budget::Kind kind, std::string unit, const Day& (*day)(),
                 double Day::*measured, double wanted) {
  return {name, [=] {
            return compareRuns(name, {kind, 1}, unit, 1,
                               [&](bool is_ours) { return is_ours ? day().*measured : wanted; });
          }};
}

}  // namespace

std::vector<Benchmark> contextBenchmarks() {
  using Kind = Budget::Kind;
  return {
      {"context_build_cold", coldAgainstOneQuery},
      {"context_cold_to_sequential", coldAgainstSequential},
      {"context_build_warm", warmAgainstFiveHits},
      {"context_warm_to_decoded", warmAgainstFiveDecodedHits},
      target("context_build_p95", Kind::kAtMost, "ms", aDay, &Day::p95_ms, 100),
      target("context_parallel_p95", Kind::kAtMost, "ms", aDay, &Day::parallel_p95_ms, 80),
      target("context_hit_rate", Kind::kAtLeast, "%", aDay, &Day::hit_percent, 80),
      target("context_cache_read_p95", Kind::kAtMost, "ms", aDay, &Day::read_p95_ms, 10),
      target("context_cache_write_p95", Kind::kAtMost, "ms", aDay, &Day::write_p95_ms, 20),
      target("context_busy_parallel_p95", Kind::kNone, "ms", aBusyDay, &Day::parallel_p95_ms, 80),
      target("context_busy_hit_rate", Kind::kAtLeast, "%", aBusyDay, &Day::hit_percent, 80)};
}

}  // namespace strata::bench
