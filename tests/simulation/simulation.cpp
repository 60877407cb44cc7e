#include "tests/simulation/simulation.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "src/base/randomness.h"
#include "strata/base/hash.h"
#include "tests/simulation/process.h"

namespace strata::simulation {
namespace {

constexpr int kProcesses = 2;
constexpr int kCallers = 3;
constexpr int kCalls = 14;
constexpr int kKeys = 2;
constexpr absl::Duration kLongestPause = absl::Milliseconds(150);

class Run {
 public:
  Run(std::uint64_t seed, Hazards& hazards, bool trace) : world_(seed, hazards) {
    scheduler().setTracing(trace);
  }

  Outcome go() {
    setUp();
    for (int i = 0; i < kProcesses; ++i) spawnProcess();
    world_.scheduler.spawn("faults", [this] { makeFaults(); });
    world_.scheduler.run();
    world_.scheduler.spawn("afterwards", [this] { checkAfterwards(); });
    world_.scheduler.run();
    world_.scheduler.spawn("behind a dead loader", [this] { checkBehindADeadLoader(); });
    world_.scheduler.run();
    outcome_.steps = world_.scheduler.steps();
    return std::move(outcome_);
  }

 private:
  Scheduler& scheduler() { return world_.scheduler; }

  // ---- What kind of run it is ----

  void setUp() {
    Scheduler& random = scheduler();
    setup_.ttl = absl::Seconds(1 + random.below(20));
    if (random.chance(0.5)) setup_.negative_ttl = std::min(setup_.ttl, absl::Seconds(1));
    if (random.chance(0.5)) setup_.max_queued_fills = 4;
    if (random.chance(0.3)) setup_.max_pending_deletes = 1;
    if (random.chance(0.2)) setup_.lease_ttl = absl::Milliseconds(40);
    if (random.chance(0.1)) setup_.lease_ttl = absl::Seconds(30);
    if (random.chance(0.5)) setup_.max_concurrent_batches = 1;
    if (random.chance(0.3)) setup_.max_concurrent = 1;
    setup_.deploys = random.chance(0.5);
    world_.to_cache.longest_delay = absl::Milliseconds(random.chance(0.5) ? 2 : 30);
    world_.to_database.longest_delay = absl::Milliseconds(random.chance(0.5) ? 3 : 80);
    if (random.chance(0.7)) disturb(world_.to_cache, 0.15);
    database_fails_ = random.chance(0.3);
    if (database_fails_) disturb(world_.to_database, 0.05);
  }
  void disturb(Network& network, double most) {
    network.lost_requests = most * static_cast<double>(scheduler().below(100)) / 100;
    network.lost_replies = most * static_cast<double>(scheduler().below(100)) / 100;
    network.repeated = most * static_cast<double>(scheduler().below(100)) / 100;
    network.very_late = most * static_cast<double>(scheduler().below(100)) / 100;
  }

  // ---- Processes and their callers ----

  void spawnProcess() {
    auto process = std::make_shared<Process>(world_, setup_, ++process_count_);
    processes_.push_back(process);
    callers_ += kCallers;
    for (int i = 0; i < kCallers; ++i) {
      scheduler().spawn("caller", [this, process] {
        for (int k = 0; k < kCalls && !process->hasCrashed(); ++k) {
          scheduler().sleepUntil(world_.clock.now() + scheduler().upTo(kLongestPause));
          call(*process);
        }
        --callers_;
      });
    }
  }

  void call(Process& process) {
    const std::string key = "key" + std::to_string(scheduler().below(kKeys));
    const std::uint64_t kind = scheduler().below(100);
    if (kind < 60) {
      read(process, {key});
    } else if (kind < 72) {
      read(process, {"key0", "key1", "key0"});
    } else if (kind < 93) {
      write(process, key, ++next_number_);
    } else {
      write(process, key, std::nullopt);
    }
  }

  void write(Process& process, const std::string& key, std::optional<std::int64_t> number) {
    const auto version = number ? process.store().put({key, *number}) : process.store().remove(key);
    scheduler().tell([&] {
      return fmt::format(
          "{}: wrote {}: {}", process.name(), key,
          version.ok() ? std::to_string(version->value()) : version.status().ToString());
    });
    if (process.hasCrashed()) return;  // nobody hears of it
    ++outcome_.writes;
    digest(version.ok() ? static_cast<std::uint64_t>(version->value()) : 1);
    if (!version.ok()) return expectExcused(process, version.status());
    std::int64_t& floor = process.written[key];
    floor = std::max(floor, version->value());
    std::int64_t& token = tokens_[key];
    token = std::max(token, version->value());
  }

  void read(Process& process, const std::vector<std::string>& keys) {
    ReadOptions options;
    std::vector<std::int64_t> floors;
    const bool with_token = keys.size() == 1 && scheduler().chance(0.2);
    for (const std::string& key : keys) {
      floors.push_back(std::max(process.written[key], with_token ? tokens_[key] : 0));
    }
    if (with_token) options.min_version = Version(tokens_[keys[0]]);
    const MonotonicTime started = world_.clock.now();
    Snapshots<Row> rows;
    if (keys.size() == 1) {
      rows.push_back(process.store().get(keys[0], options));
    } else {
      rows = process.store().getMany(std::vector<Id>(keys.begin(), keys.end()), options);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
      scheduler().tell([&] {
        return fmt::format("{}: read {} since {:.3f}, at least {}: {}", process.name(), keys[i],
                           absl::ToDoubleMilliseconds(absl::Nanoseconds(started.nanos())),
                           floors[i],
                           !rows[i].ok()         ? rows[i].status().ToString()
                           : *rows[i] == nullptr ? "absent"
                                                 : std::to_string(rows[i]->version().value()));
      });
    }
    if (process.hasCrashed()) return;
    checkPatience(world_.clock.now() - started);
    for (std::size_t i = 0; i < keys.size(); ++i)
      judge(process, keys[i], floors[i], started, rows[i]);
  }

  // ---- The rules ----

  // Nobody waits for a loader that died, or for a lease that went to nobody, until it ends.
  void checkPatience(absl::Duration took) {
    constexpr absl::Duration kLongest = absl::Seconds(5);
    outcome_.longest_read = std::max(outcome_.longest_read, took);
    if (!database_fails_ && took > kLongest) {
      violation("", fmt::format("a read took {}", absl::FormatDuration(took)));
    }
  }

  void judge(Process& process, const std::string& key, std::int64_t floor, MonotonicTime started,
             const absl::StatusOr<Snapshot<Row>>& row) {
    ++outcome_.reads;
    if (!row.ok()) return expectExcused(process, row.status());
    const auto& history = world_.database->history(key);
    const bool is_absent = *row == nullptr;
    digest(is_absent ? 0 : static_cast<std::uint64_t>((**row).number));
    // The newest state that this answer may be a copy of.
    auto state = std::find_if(history.rbegin(), history.rend(), [&](const Database::State& one) {
      return is_absent ? !one.number : one.version == row->version().value();
    });
    const std::int64_t version = state == history.rend() ? 0 : state->version;
    if (!is_absent) {
      if (version == 0 || state->number != (**row).number) {
        return violation(key, "a value that nobody wrote under this version");  // I3, I4
      }
    }
    if (version < floor) {  // I1, I6
      return violation(
          key, fmt::format("version {} where {} was acknowledged before the read", version, floor));
    }
    const auto newer = state.base();
    if (newer == history.end()) return;
    const absl::Duration age = started - newer->committed;
    outcome_.stalest = std::max(outcome_.stalest, age);
    if (age > setup_.lease_ttl + 1.2 * setup_.ttl)
      violation(key, "older than any copy may live");  // T9
  }

  // I8: what the cache suffers is never an error.
  void expectExcused(const Process& process, const absl::Status& status) {
    if (!database_fails_ && !process.hasCrashed()) violation("", status.ToString());
  }

  // I10: nothing outlives those who owe its deletion, unless they died or forgot; and then only for
  // as long as a copy lives.
  void checkAfterwards() {
    if (died_ || setup_.max_pending_deletes == 1) {
      scheduler().sleepUntil(world_.clock.now() + setup_.lease_ttl + 1.2 * setup_.ttl);
    }
    Process reader(world_, setup_, ++process_count_);
    for (int i = 0; i < kKeys; ++i) {
      const std::string key = "key" + std::to_string(i);
      const auto row = reader.store().get(key);
      if (!row.ok()) {
        violation(key, row.status().ToString());
        continue;
      }
      const Database::State state = world_.database->present(key);
      const bool same = state.number ? *row != nullptr && row->version().value() == state.version
                                     : *row == nullptr;
      if (!same) violation(key, "a copy outlived everybody who could have deleted it");
    }
  }

  // A process dies with a lease that nobody deletes. Readers of another one look again for a while,
  // far less than the lease lasts, and then one of them loads for all.
  void checkBehindADeadLoader() {
    constexpr absl::Duration kLongest = absl::Seconds(1);
    constexpr int kReaders = 3;
    const std::string key = "abandoned";
    Process loader(world_, setup_, ++process_count_);
    Process others(world_, setup_, ++process_count_);
    int reading = kReaders + 1;
    scheduler().spawn("loader", [&] {
      (void)loader.store().get(key);
      --reading;
    });
    while (!isLeased(key)) scheduler().sleepUntil(world_.clock.now() + absl::Microseconds(100));
    loader.crash();
    for (int i = 0; i < kReaders; ++i) {
      scheduler().spawn("reader", [&] {
        const MonotonicTime started = world_.clock.now();
        const auto row = others.store().get(key);
        const absl::Duration took = world_.clock.now() - started;
        if (!row.ok()) violation(key, row.status().ToString());
        if (took > kLongest) {
          violation(key, fmt::format("behind a dead loader for {}", absl::FormatDuration(took)));
        }
        --reading;
      });
    }
    while (reading > 0) pause();
  }
  bool isLeased(const std::string& key) {
    const std::vector<std::string> keys = world_.cache->keys("");
    return std::any_of(keys.begin(), keys.end(),
                       [&](const std::string& one) { return one.ends_with(key); });
  }

  void violation(const std::string& key, const std::string& what) {
    outcome_.violations.push_back(fmt::format("step {}: {}: {}", scheduler().steps(), key, what));
  }
  void digest(std::uint64_t value) {
    outcome_.digest = stableHash(fmt::format("{}|{}", outcome_.digest, value));
  }

  // ---- Faults ----

  void makeFaults() {
    const std::uint64_t count = scheduler().below(8);
    for (std::uint64_t i = 0; i < count; ++i) {
      scheduler().sleepUntil(world_.clock.now() + scheduler().upTo(absl::Seconds(1)));
      makeOne();
    }
    while (callers_ > 0) pause();
    world_.to_cache = {};
    world_.to_database = {};
    // Messages that are still under way arrive, and what is owed is deleted.
    scheduler().sleepUntil(world_.clock.now() + absl::Seconds(11));
    for (const auto& process : processes_) {
      while (!process->hasCrashed() && process->cache().pendingDeletes() > 0) pause();
    }
    processes_.clear();
  }
  void pause() { scheduler().sleepUntil(world_.clock.now() + absl::Milliseconds(50)); }

  void makeOne() {
    world_.hazards.note("faults");
    const std::uint64_t kind = scheduler().below(8);
    scheduler().tell([&] { return fmt::format("fault {}", kind); });
    switch (kind) {
      case 0:
        return world_.cache->flush();
      case 1:
        return world_.cache->evictOne();
      case 2:
        return world_.cache->takeSnapshot();
      case 3:
        return world_.cache->rollBack();
      case 4:
        return world_.cache->restartEmpty();
      case 5:
        return outage([&] { world_.to_cache.refuses = true; });
      case 6:
        return outage([&] { world_.to_cache.lost_requests = 1; });
      default:
        return crashOne();
    }
  }

  void outage(const std::function<void()>& begin) {
    const Network before = world_.to_cache;
    begin();
    scheduler().sleepUntil(world_.clock.now() + scheduler().upTo(absl::Seconds(2)));
    world_.to_cache = before;
    // A server that was away may have come back from the past.
    if (scheduler().chance(0.3)) world_.cache->rollBack();
  }

  void crashOne() {
    if (processes_.empty()) return;
    world_.hazards.note("crashes");
    processes_[scheduler().below(processes_.size())]->crash();
    died_ = true;
    spawnProcess();
  }

  World world_;
  Setup setup_;
  bool database_fails_ = false;
  bool died_ = false;
  int callers_ = 0;
  int process_count_ = 0;
  std::int64_t next_number_ = 0;
  std::map<std::string, std::int64_t> tokens_;
  std::vector<std::shared_ptr<Process>> processes_;
  Outcome outcome_;
};

}  // namespace

Outcome simulate(std::uint64_t seed, Hazards& hazards, bool trace) {
  internal::fixRandomness(seed);
  return Run(seed, hazards, trace).go();
}

}  // namespace strata::simulation
