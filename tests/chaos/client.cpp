#include "tests/chaos/client.h"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "strata/base/clock.h"
#include "strata/base/status.h"
#include "tests/chaos/delays.h"
#include "tests/chaos/stack.h"

namespace strata::chaos {
namespace {

constexpr absl::Duration kLookAgain = absl::Milliseconds(1);
// Between two calls: a machine that is busy without end makes every call late, whatever the cache.
constexpr std::int64_t kLongestPause = 6'000;  // microseconds
constexpr absl::Duration kReportEvery = absl::Milliseconds(50);

bool isEnding(const Control& control) { return control.phase.load() == Phase::kEnding; }

class ClientThread {
 public:
  ClientThread(Control& control, History& history, Store<ChaosRecord>& store, std::size_t slot,
               std::size_t thread)
      : control_(control),
        history_(history),
        store_(store),
        slot_(control.slots[slot]),
        lane_(history.laneOf(slot, thread)),
        life_(slot_.life.load()),
        random_(control.seed * 1'000'003 + lane_ * 1'009 + life_) {}

  void run() {
    seedDelays(random_());
    while (true) {
      if (control_.phase.load() != Phase::kRunning) park();
      if (isEnding(control_)) return;
      step();
      Clock::system().sleepFor(absl::Microseconds(pause_(random_)));
    }
  }

 private:
  void park() {
    slot_.parked.fetch_add(1);
    while (control_.phase.load() == Phase::kPaused) Clock::system().sleepFor(kLookAgain);
    slot_.parked.fetch_sub(1);
  }

  std::uint64_t percent() { return random_() % 100; }

  std::uint32_t anyKey() {
    const std::uint64_t kind = percent();
    const std::uint64_t number = random_();
    if (kind < 60) return static_cast<std::uint32_t>(number % kHotKeys);
    if (kind < 90) return static_cast<std::uint32_t>(kHotKeys + number % kWarmKeys);
    return static_cast<std::uint32_t>(kHotKeys + kWarmKeys + number % kColdKeys);
  }

  void step() {
    const std::uint64_t choice = percent();
    if (choice < 70) {
      get();
    } else if (choice < 77) {
      getMany();
    } else if (choice < 97) {
      put();
    } else {
      remove();
    }
  }

  // Null where the lane is full; the thread then waits for the end of the round.
  Entry* begin(Entry entry) {
    entry.life = life_;
    entry.invoked = nowNanos();
    Entry* const begun = history_.begin(lane_, entry);
    if (begun == nullptr) Clock::system().sleepFor(kLookAgain);
    return begun;
  }

  void get() {
    Entry asked{.key = anyKey(), .op = Op::kGet};
    const std::uint64_t how = percent();
    asked.latest = how == 0;
    if (how >= 95) asked.at_least = control_.acknowledged[asked.key].load();
    Entry* const entry = begin(asked);
    if (entry == nullptr) return;
    ReadOptions options{.min_version = Version(asked.at_least)};
    if (asked.latest) options.consistency = Consistency::kLatest;
    const auto answer = store_.get(idOfKey(entry->key), options);
    finishRead(*entry, answer, takeTimeSpent());
  }

  void getMany() {
    std::vector<Entry*> entries;
    std::vector<Id> ids;
    const std::size_t count = 2 + random_() % 7;
    for (std::size_t i = 0; i < count; ++i) {
      Entry* const entry = begin({.key = anyKey(), .op = Op::kGetMany});
      if (entry == nullptr) break;
      entries.push_back(entry);
      ids.emplace_back(idOfKey(entry->key));
    }
    const auto answers = store_.getMany(ids);
    const TimeSpent spent = takeTimeSpent();
    for (std::size_t i = 0; i < entries.size(); ++i) finishRead(*entries[i], answers[i], spent);
  }

  static void note(Entry& entry, const absl::Status& status, const TimeSpent& spent) {
    entry.code = static_cast<std::uint8_t>(status.code());
    entry.in_cache = static_cast<std::uint32_t>(spent.in_cache / 1'000);
    entry.below = static_cast<std::uint32_t>(spent.below / 1'000);
  }

  static void finishRead(Entry& entry, const absl::StatusOr<Snapshot<ChaosRecord>>& answer,
                         const TimeSpent& spent) {
    note(entry, answer.status(), spent);
    if (!answer.ok()) return History::complete(entry, Outcome::kRefused);
    if (*answer != nullptr) {
      entry.version = answer->version().value();
      entry.number = static_cast<std::uint64_t>((*answer)->number);
      entry.intact = isIntact(**answer, entry.key);
    }
    History::complete(entry, Outcome::kOk);
  }

  void put() {
    const std::uint64_t number = numberFor(control_.round.load(), lane_, history_.size(lane_));
    Entry* const entry = begin({.number = number, .key = anyKey(), .op = Op::kPut});
    if (entry == nullptr) return;
    finishWrite(*entry, store_.put(makeRecord(entry->key, number)));
  }

  void remove() {
    Entry* const entry = begin({.key = anyKey(), .op = Op::kRemove});
    if (entry == nullptr) return;
    finishWrite(*entry, store_.remove(idOfKey(entry->key)));
  }

  void finishWrite(Entry& entry, const absl::StatusOr<Version>& version) {
    note(entry, version.status(), takeTimeSpent());
    if (!version.ok()) {
      const bool unknown = mayHaveHappened(version.status());
      return History::complete(entry, unknown ? Outcome::kUnknown : Outcome::kRefused);
    }
    entry.version = version->value();
    History::complete(entry, Outcome::kOk);
    std::atomic<std::int64_t>& newest = control_.acknowledged[entry.key];
    std::int64_t known = newest.load();
    while (known < entry.version && !newest.compare_exchange_weak(known, entry.version)) {
    }
  }

  Control& control_;
  History& history_;
  Store<ChaosRecord>& store_;
  Slot& slot_;
  const std::size_t lane_;
  const std::uint16_t life_;
  std::mt19937_64 random_;
  std::uniform_int_distribution<std::int64_t> pause_{0, kLongestPause};
};

// The servers may be down at this very moment.
std::unique_ptr<Store<ChaosRecord>> connectInTheEnd(const Control& control, const Slot& slot,
                                                    const std::shared_ptr<Metrics>& metrics) {
  while (!isEnding(control)) {
    if (auto store = makeStack(slot, control.level, metrics); store.ok()) return *std::move(store);
    Clock::system().sleepFor(absl::Milliseconds(20));
  }
  return nullptr;
}

void reportUntilEnd(const Control& control, Slot& slot, const InMemoryMetrics& metrics) {
  HazardCounts told{};
  bool ending = false;
  // What the one before this, which was killed, had pending died with it.
  slot.hazards[static_cast<std::size_t>(Hazard::kPendingNow)] = 0;
  slot.hazards[static_cast<std::size_t>(Hazard::kBreakerNow)] = 0;
  while (!ending) {
    ending = isEnding(control);
    const HazardCounts now = countHazards(metrics);
    for (std::size_t i = 0; i < kHazards; ++i) slot.hazards[i].fetch_add(now[i] - told[i]);
    told = now;
    if (!ending) Clock::system().sleepFor(kReportEvery);
  }
}

}  // namespace

int runClient(Control& control, History& history, std::size_t index) {
  // Thousands of warnings are to be expected.
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::null_sink_mt>()));
  Slot& slot = control.slots[index];
  auto metrics = std::make_shared<InMemoryMetrics>();
  const auto store = connectInTheEnd(control, slot, metrics);
  if (store == nullptr) return 0;
  std::vector<std::thread> threads;
  for (std::size_t thread = 0; thread < control.threads; ++thread) {
    threads.emplace_back(
        [&, thread] { ClientThread(control, history, *store, index, thread).run(); });
  }
  slot.ready.store(slot.life.load());
  reportUntilEnd(control, slot, *metrics);
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace strata::chaos
