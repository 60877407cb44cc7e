// What the stampede tests share: the stack that createStore builds, on servers of their own, a
// database that can be stopped, and what PostgreSQL itself counted.
#pragma once

#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "strata/adapters/postgres/postgres_store.h"
#include "strata/decorators/caching_store.h"
#include "strata/strata.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace stampede {

struct Note {
  std::string id;
  std::string text;
  std::vector<std::string> tags = {};
};
BOOST_DESCRIBE_STRUCT(Note, (), (id, text, tags))

}  // namespace stampede

template <>
struct Entity<stampede::Note> {
  static constexpr auto table = "stampede_notes";
  static constexpr KeySpace keys{"stampede", "note"};
  static std::string id(const stampede::Note& note) { return note.id; }
};

namespace stampede {

using Found = absl::StatusOr<Snapshot<Note>>;

// The real clock, which tells who waits on it and how long somebody slept.
class ObservedClock final : public Clock {
 public:
  MonotonicTime now() const override { return Clock::system().now(); }
  Timestamp wallTime() const override { return Clock::system().wallTime(); }
  void sleepFor(absl::Duration duration) const override {
    {
      const std::lock_guard lock(mutex_);
      sleeps_.push_back(duration);
    }
    instead_of_sleeping ? instead_of_sleeping() : Clock::system().sleepFor(duration);
  }
  void wait(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
            MonotonicTime until) const override {
    ++waiting_;
    Clock::system().wait(lock, changed, until);
    --waiting_;
  }

  // Whether so many threads wait for others now, or soon.
  bool awaitWaiting(std::size_t threads) const {
    return testing::eventually([&] { return waiting_ == threads; });
  }
  std::vector<absl::Duration> sleeps() const {
    const std::lock_guard lock(mutex_);
    return sleeps_;
  }

  // To be set before anybody sleeps.
  std::function<void()> instead_of_sleeping;

 private:
  mutable std::atomic<std::size_t> waiting_{0};
  mutable std::mutex mutex_;
  mutable std::vector<absl::Duration> sleeps_;
};

// Stops every query of the table: it stands in the database until this is opened.
class DatabaseGate {
 public:
  explicit DatabaseGate(const std::string& url) : session_(PQconnectdb(url.c_str())) {
    PQclear(PQexec(session_, "BEGIN"));
    PGresult* const locked = PQexec(session_, "LOCK TABLE stampede_notes IN ACCESS EXCLUSIVE MODE");
    EXPECT_EQ(PQresultStatus(locked), PGRES_COMMAND_OK) << PQerrorMessage(session_);
    PQclear(locked);
  }
  DatabaseGate(const DatabaseGate&) = delete;
  ~DatabaseGate() { open(); }

  void open() { PQfinish(std::exchange(session_, nullptr)); }

 private:
  PGconn* session_;
};

// Threads that set out together, each for one result.
template <typename Result>
class Crowd {
 public:
  Crowd(std::size_t threads, std::function<Result(std::size_t)> call)
      : results_(threads), start_(static_cast<std::ptrdiff_t>(threads)) {
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this, i, call] {
        start_.arrive_and_wait();
        results_[i] = call(i);
      });
    }
  }
  // When all have theirs.
  const std::vector<Result>& results() {
    threads_.clear();
    return results_;
  }

 private:
  std::vector<Result> results_;
  std::latch start_;
  std::vector<std::jthread> threads_;
};

inline constexpr auto kApplication = "stampede";

// One process's backends and store. Nothing in it gives up while a test holds the database.
struct Process {
  enum class Connected : bool { kNo, kYes };

  explicit Process(testing::LocalServers& servers, const BulkheadOptions& bulkhead = {},
                   Connected connected = Connected::kYes)
      : Process(servers.postgres().url(), servers.redis().url(), bulkhead, connected) {}
  Process(const std::string& database_url, const std::string& cache_url,
          const BulkheadOptions& bulkhead = {}, Connected connected = Connected::kYes) {
    Config config;
    config.app = kApplication;
    config.database_url = database_url + "&application_name=" + kApplication;
    config.cache_url = cache_url;
    backends = connect(config, {.clock = &clock, .bulkhead = bulkhead}).value();
    backends.database =
        *PostgresPool::open({.url = config.database_url, .statement_timeout = absl::Minutes(1)});
    notes = createNotes();
    if (connected == Connected::kYes) {
      EXPECT_THAT(notes->get("warm"), testing::IsOk());
    }
  }

  std::unique_ptr<Store<Note>> createNotes() {
    return createStore<Note>(backends, {.database_timeout = absl::Minutes(1)}).value();
  }
  // The same without what else bounds the loads: no CoalescingStore, no guard.
  std::unique_ptr<Store<Note>> createBareNotes() {
    return CachingStore<Note>::create(*PostgresStore<Note>::create(backends.database),
                                      backends.cache,
                                      {.store = "stampede_notes", .app = kApplication},
                                      Metrics::none(), clock, backends.executor)
        .value();
  }

  ObservedClock clock;
  Backends backends;
  std::unique_ptr<Store<Note>> notes;
};

class StampedeTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto started = testing::LocalServers::start(
        {.postgres = true,
         .redis = true,
         .client_timeout = testing::kPatience,
         .postgres_settings = {{"shared_preload_libraries", "pg_stat_statements"}}});
    ASSERT_THAT(started, testing::IsOk());
    servers = *std::move(started);
    ask("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
  }
  static void TearDownTestSuite() { servers.reset(); }

  // An empty Redis, and notes that only the database has.
  void SetUp() override {
    if (servers->redis().pid() != 0) {
      ASSERT_THAT(servers->redis().kill(), testing::IsOk());
    }
    ASSERT_THAT(servers->redis().start(), testing::IsOk());
    ask("DROP TABLE IF EXISTS stampede_notes");
    put({"warm", "warm"});
  }
  void TearDown() override {
    written_.reset();
    pool_.reset();
  }

  void put(const Note& note) {
    if (pool_ == nullptr) {
      pool_ = PostgresPool::open({.url = servers->postgres().url()}).value();
      written_ = *PostgresStore<Note>::create(pool_);
    }
    ASSERT_THAT(written_->put(note), testing::IsOk());
  }

  // The first column of the first row.
  static std::string ask(const std::string& sql) {
    const auto rows = servers->postgres().query(sql);
    EXPECT_THAT(rows, testing::IsOk());
    if (!rows.ok() || rows->empty()) return "";
    return rows->front().front().value_or("");
  }

  // Reads of the table that PostgreSQL has completed since `forgetQueries`.
  static int queries() {
    return std::stoi(
        ask("SELECT coalesce(sum(calls), 0) FROM pg_stat_statements"
            " WHERE query LIKE 'SELECT%stampede\\_notes%'"));
  }
  static void forgetQueries() { ask("SELECT pg_stat_statements_reset()"); }
  // Exact while a DatabaseGate is closed, for then none of them ends.
  static int queriesAtGate() {
    return std::stoi(
        ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            " AND application_name = '" +
            std::string(kApplication) + "'"));
  }
  static bool awaitAtGate(int count) {
    return testing::eventually([&] { return queriesAtGate() == count; });
  }
  // The most queries there ever were at once, for a pool connects when all its sessions are busy
  // and not before, and keeps them.
  static int sessions() {
    return std::stoi(ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = '" +
                         std::string(kApplication) + "'"));
  }

  static inline std::unique_ptr<testing::LocalServers> servers;
  std::shared_ptr<PostgresPool> pool_;
  std::unique_ptr<PostgresStore<Note>> written_;
};

}  // namespace stampede
}  // namespace strata
