#include "strata/decorators/fetch_all.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "strata/cache/guarded_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/decorators/metered_store.h"
#include "strata/memory/in_memory_store.h"
#include "strata/store/unit_of_work.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/mocks/mock_store.h"
#include "strata/testing/status_matchers.h"
#include "tests/base/thread_shortage.h"

namespace strata {
namespace fetch_test {

struct Ship {
  std::string id;
  std::string name;
  friend bool operator==(const Ship&, const Ship&) = default;
};
BOOST_DESCRIBE_STRUCT(Ship, (), (id, name))

struct Harbour {
  std::string id;
  int berths = 0;
  friend bool operator==(const Harbour&, const Harbour&) = default;
};
BOOST_DESCRIBE_STRUCT(Harbour, (), (id, berths))

struct Crew {
  std::string id;
  std::vector<std::string> names;
  friend bool operator==(const Crew&, const Crew&) = default;
};
BOOST_DESCRIBE_STRUCT(Crew, (), (id, names))

}  // namespace fetch_test

template <>
struct Entity<fetch_test::Ship> {
  static constexpr auto table = "ships";
  static constexpr KeySpace keys{"sea", "ship"};
  static std::string id(const fetch_test::Ship& ship) { return ship.id; }
};
template <>
struct Entity<fetch_test::Harbour> {
  static constexpr auto table = "harbours";
  static constexpr KeySpace keys{"sea", "harbour"};
  static std::string id(const fetch_test::Harbour& harbour) { return harbour.id; }
};
template <>
struct Entity<fetch_test::Crew> {
  static constexpr auto table = "crews";
  static constexpr KeySpace keys{"sea", "crew"};
  static std::string id(const fetch_test::Crew& crew) { return crew.id; }
};

namespace fetch_test {

using ::testing::_;
using ::testing::ElementsAre;
using testing::eventually;
using testing::FakeCache;
using testing::IsOk;
using testing::MockStore;
using ::testing::Return;
using testing::StatusIs;
using Operation = FakeCache::Operation;

class FetchAll : public ::testing::Test {
 protected:
  template <typename T>
  std::unique_ptr<Store<T>> cachedOver(std::unique_ptr<Store<T>> below,
                                       std::shared_ptr<Cache> cache) {
    auto made = CachingStore<T>::create(std::move(below), std::move(cache),
                                        {.app = "app", .max_queued_fills = max_queued_fills_},
                                        metrics_, clock_, store_executor_);
    EXPECT_THAT(made, IsOk());
    return std::make_unique<MeteredStore<T>>(*std::move(made), metrics_,
                                             std::string(Entity<T>::table), "store", clock_);
  }
  template <typename T>
  std::unique_ptr<Store<T>> cached() {
    auto below = std::make_unique<MeteredStore<T>>(*InMemoryStore<T>::create(database_), metrics_,
                                                   std::string(Entity<T>::table), "database");
    return cachedOver<T>(std::move(below), guarded_);
  }

  auto fetchThree() {
    return fetchAll(options_, fetch(*ships_, "s"), fetch(*harbours_, "h"), fetch(*crews_, "c"));
  }
  std::int64_t queries() const {
    return metrics_->count("strata_store_calls_total", {{"layer", "database"}});
  }

  testing::FakeClock clock_;
  // Of the stores that are made from then on.
  std::size_t max_queued_fills_ = 0;
  std::shared_ptr<Executor> store_executor_ = Executor::shared();
  std::shared_ptr<FakeCache> cache_ = std::make_shared<FakeCache>(clock_);
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::shared_ptr<GuardedCache> guarded_ =
      GuardedCache::over(cache_, metrics_, clock_, Executor::shared());
  std::shared_ptr<InMemoryDatabase> database_ = std::make_shared<InMemoryDatabase>();
  std::unique_ptr<Store<Ship>> ships_ = cached<Ship>();
  std::unique_ptr<Store<Harbour>> harbours_ = cached<Harbour>();
  std::unique_ptr<Store<Crew>> crews_ = cached<Crew>();
  FetchReport report_;
  FetchOptions options_{.report = &report_};
};

TEST_F(FetchAll, AnswersEachStoreAsItsGetWould) {
  ASSERT_THAT(ships_->put({"s", "Beagle"}), IsOk());
  ASSERT_THAT(crews_->put({"c", {"Darwin", "FitzRoy"}}), IsOk());
  for (const char* pass : {"cold", "warm"}) {
    SCOPED_TRACE(pass);
    const auto [ship, harbour, crew] = fetchThree();
    ASSERT_THAT(ship, IsOk());
    EXPECT_EQ((*ship)->name, "Beagle");
    ASSERT_THAT(harbour, IsOk());
    EXPECT_EQ(*harbour, nullptr);
    ASSERT_THAT(crew, IsOk());
    EXPECT_THAT((*crew)->names, ElementsAre("Darwin", "FitzRoy"));
    EXPECT_EQ(ship->version(), (*ships_->get("s")).version());
  }
}

TEST_F(FetchAll, TakesHitsOfAllStoresInOneRoundTripAndAsksNoDatabase) {
  ASSERT_THAT(ships_->put({"s", "Beagle"}), IsOk());
  ASSERT_THAT(harbours_->put({"h", 3}), IsOk());
  ASSERT_THAT(crews_->put({"c", {}}), IsOk());
  fetchThree();
  const std::int64_t before = queries();
  cache_->resetCalls();
  const auto [ship, harbour, crew] = fetchThree();
  EXPECT_TRUE(ship.ok() && harbour.ok() && crew.ok());
  EXPECT_EQ(cache_->calls(), 1);
  EXPECT_EQ(queries(), before);
  EXPECT_EQ(report_.hits, 3);
  EXPECT_EQ(report_.misses, 0);
}

TEST_F(FetchAll, FillsWhatWasMissingInOneRoundTrip) {
  ASSERT_THAT(ships_->put({"s", "Beagle"}), IsOk());
  ASSERT_THAT(harbours_->put({"h", 3}), IsOk());
  ASSERT_THAT(crews_->put({"c", {}}), IsOk());
  ASSERT_THAT(harbours_->get("h"), IsOk());
  cache_->resetCalls();
  fetchThree();
  EXPECT_THAT(report_.found, ElementsAre(false, true, false));
  EXPECT_EQ(cache_->calls(Operation::kGetOrLease), 1);
  EXPECT_EQ(cache_->calls(Operation::kCompareAndSet), 1);
  EXPECT_EQ(cache_->calls(), 2);
}

TEST_F(FetchAll, CountsTheCallsOfEachStore) {
  fetchThree();
  fetchThree();
  for (const char* store : {"ships", "harbours", "crews"}) {
    EXPECT_EQ(metrics_->count("strata_store_calls_total",
                              {{"store", store}, {"layer", "store"}, {"operation", "get"}}),
              2);
  }
}

// A store whose reads all wait until as many are under way as the test wants.
template <typename T>
class Meeting final : public Store<T> {
 public:
  explicit Meeting(std::latch& all) : all_(all) {}
  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions&) override {
    all_.arrive_and_wait();
    T made;
    made.id = id.canonical();
    return makeSnapshot(std::move(made), Version{});
  }
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    Snapshots<T> answers;
    for (const Id& id : ids) answers.push_back(get(id, options));
    return answers;
  }
  absl::StatusOr<Version> put(const T&, const WriteOptions&) override { return Version{}; }
  absl::StatusOr<Version> remove(const Id&, const WriteOptions&) override { return Version{}; }
  Health healthCheck() override { return {}; }

 private:
  std::latch& all_;
};

TEST_F(FetchAll, LoadsWhatIsMissingInParallel) {
  std::latch all(3);
  const auto ships = cachedOver<Ship>(std::make_unique<Meeting<Ship>>(all), guarded_);
  const auto harbours = cachedOver<Harbour>(std::make_unique<Meeting<Harbour>>(all), guarded_);
  Meeting<Crew> crews(all);  // without a cache
  const auto [ship, harbour, crew] =
      fetchAll(options_, fetch(*ships, "s"), fetch(*harbours, "h"), fetch<Crew>(crews, "c"));
  EXPECT_TRUE(ship.ok() && harbour.ok() && crew.ok());
  EXPECT_EQ((*ship)->id, "s");
  EXPECT_EQ((*crew)->id, "c");
}

TEST_F(FetchAll, KeepsErrorsApartAndCachesNothingForThem) {
  auto failing = std::make_unique<MockStore<Ship>>();
  EXPECT_CALL(*failing, get(Id("s"), _)).WillOnce(Return(absl::UnavailableError("no database")));
  const auto ships = cachedOver<Ship>(std::move(failing), guarded_);
  ASSERT_THAT(harbours_->put({"h", 3}), IsOk());
  const auto [ship, harbour] = fetchAll(options_, fetch(*ships, "s"), fetch(*harbours_, "h"));
  EXPECT_THAT(ship, StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_THAT(harbour, IsOk());
  EXPECT_EQ((*harbour)->berths, 3);
  clock_.advance(absl::Milliseconds(2));  // the lease that was given back
  EXPECT_EQ(cache_->peek("app:sea:ship:s"), std::nullopt);
}

TEST_F(FetchAll, RefusesABadIdForItselfAlone) {
  const auto [ship, harbour] = fetchAll(options_, fetch(*ships_, ""), fetch(*harbours_, "h"));
  EXPECT_THAT(ship, StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(harbour, IsOk());
  EXPECT_EQ(report_.hits, 0);
  EXPECT_EQ(report_.misses, 1);
}

TEST_F(FetchAll, AsksEachCacheOnce) {
  const auto other = std::make_shared<FakeCache>(clock_);
  const auto crews = cachedOver<Crew>(*InMemoryStore<Crew>::create(database_), other);
  fetchAll(options_, fetch(*ships_, "s"), fetch(*crews, "c"), fetch(*harbours_, "h"));
  EXPECT_EQ(cache_->calls(Operation::kGetOrLease), 1);
  EXPECT_EQ(other->calls(Operation::kGetOrLease), 1);
}

TEST_F(FetchAll, ServesFromTheDatabaseWhileTheCacheIsDown) {
  ASSERT_THAT(ships_->put({"s", "Beagle"}), IsOk());
  cache_->setDown(true);
  const auto [ship, harbour, crew] = fetchThree();
  ASSERT_THAT(ship, IsOk());
  EXPECT_EQ((*ship)->name, "Beagle");
  EXPECT_TRUE(harbour.ok() && crew.ok());
}

// B-49 for a read that was one of several.
TEST_F(FetchAll, AWriteDuringTheLoadKeepsTheOldValueOutOfTheCache) {
  ASSERT_THAT(ships_->put({"s", "Beagle"}), IsOk());
  cache_->before(Operation::kCompareAndSet, "app:sea:ship:s", [&] {
    ASSERT_THAT(ships_->put({"s", "Victory"}), IsOk());
  });
  const auto [ship, harbour] = fetchAll(options_, fetch(*ships_, "s"), fetch(*harbours_, "h"));
  EXPECT_EQ((*ship)->name, "Beagle");
  EXPECT_EQ((*ships_->get("s"))->name, "Victory");
}

TEST_F(FetchAll, DoesAllByItselfWhereTheExecutorHasNoThread) {
  const auto busy = std::make_shared<testing::FakeExecutor>(clock_);
  options_.executor = busy;
  ASSERT_THAT(ships_->put({"s", "Beagle"}), IsOk());
  const auto [ship, harbour, crew] = fetchThree();
  EXPECT_EQ((*ship)->name, "Beagle");
  EXPECT_TRUE(harbour.ok() && crew.ok());
  // What comes too late finds nothing to do.
  EXPECT_EQ(busy->runDue(), 2);
}

TEST_F(FetchAll, ReadsWithinAUnitOneAfterTheOtherOnTheCallersThread) {
  struct Nothing final : Transaction {
    absl::Status commit() override { return absl::OkStatus(); }
  };
  UnitOfWork unit(std::make_unique<Nothing>());
  MockStore<Ship> ships;
  MockStore<Harbour> harbours;
  const auto caller = std::this_thread::get_id();
  EXPECT_CALL(ships, get(Id("s"), _)).WillOnce([&](const Id&, const ReadOptions& options) {
    EXPECT_EQ(options.unit, &unit);
    EXPECT_EQ(std::this_thread::get_id(), caller);
    return makeSnapshot(Ship{"s", "Beagle"});
  });
  EXPECT_CALL(harbours, get(Id("h"), _)).WillOnce([&](const Id&, const ReadOptions&) {
    EXPECT_EQ(std::this_thread::get_id(), caller);
    return makeSnapshot(Harbour{"h", 3});
  });
  options_.read.unit = &unit;
  const auto [ship, harbour] =
      fetchAll(options_, fetch<Ship>(ships, "s"), fetch<Harbour>(harbours, "h"));
  EXPECT_TRUE(ship.ok() && harbour.ok());
}

// What a read does, noted.
class NotedRead final : public internal::StagedRead {
 public:
  NotedRead(std::string name, Found found, std::vector<std::string>& notes)
      : name_(std::move(name)), found_(found), notes_(notes) {}
  Found takeFound() override { return found_; }
  void load() override { notes_.push_back("load " + name_); }
  void addFill(internal::FillRound& /*round*/) override { notes_.push_back("fill " + name_); }

 private:
  const std::string name_;
  const Found found_;
  std::vector<std::string>& notes_;
};

// Two fetches that each held a lease the other waited for would wait until the leases were over.
TEST_F(FetchAll, WaitsForFillsOfOthersOnlyAfterItsOwn) {
  std::vector<std::string> notes;
  const std::shared_ptr<internal::StagedRead> reads[]{
      std::make_shared<NotedRead>("others", internal::StagedRead::Found::kFilledByAnother, notes),
      std::make_shared<NotedRead>("own", internal::StagedRead::Found::kMissing, notes)};
  internal::runTogether(reads, options_);
  EXPECT_THAT(notes, ElementsAre("load own", "fill own", "load others"));
}

// A crowd of fetches on cold ids of several stores makes one query for each.
TEST_F(FetchAll, ACrowdMakesOneQueryForEachStore) {
  ASSERT_THAT(ships_->put({"s", "Beagle"}), IsOk());
  ASSERT_THAT(harbours_->put({"h", 3}), IsOk());
  ASSERT_THAT(crews_->put({"c", {}}), IsOk());
  const std::int64_t before = queries();
  constexpr int threads = 16;
  std::latch start(threads);
  std::vector<std::thread> crowd;
  for (int i = 0; i < threads; ++i) {
    crowd.emplace_back([&] {
      start.arrive_and_wait();
      const auto [one, two, three] =
          fetchAll({}, fetch(*ships_, "s"), fetch(*harbours_, "h"), fetch(*crews_, "c"));
      EXPECT_TRUE(one.ok() && two.ok() && three.ok());
    });
  }
  for (std::thread& thread : crowd) thread.join();
  EXPECT_EQ(queries() - before, 3);
}

// A store whose reads wait until a test lets them go.
template <typename T>
class Held final : public Store<T> {
 public:
  struct Gate {
    std::atomic<int> reads = 0;
    std::latch let_go{1};
  };
  explicit Held(Gate& gate) : gate_(gate) {}
  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions&) override {
    ++gate_.reads;
    gate_.let_go.wait();
    T made;
    made.id = id.canonical();
    return makeSnapshot(std::move(made), Version{});
  }
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    Snapshots<T> answers;
    for (const Id& id : ids) answers.push_back(get(id, options));
    return answers;
  }
  absl::StatusOr<Version> put(const T&, const WriteOptions&) override { return Version{}; }
  absl::StatusOr<Version> remove(const Id&, const WriteOptions&) override { return Version{}; }
  Health healthCheck() override { return {}; }

 private:
  Gate& gate_;
};

// A fetch that waited for the fills of another had the threads of the executor wait with it, and the
// fills were queued behind those: they came when the leases were over, and were dropped.
TEST_F(FetchAll, FillsThatAreQueuedBehindThoseWhoWaitForThemAreSentAllTheSame) {
  const auto executor = Executor::withThreads(1);
  options_.executor = executor;
  options_.report = nullptr;
  max_queued_fills_ = 10;
  store_executor_ = executor;
  Held<Ship>::Gate ship;
  Held<Harbour>::Gate harbour;
  const auto ships = cachedOver<Ship>(std::make_unique<Held<Ship>>(ship), guarded_);
  const auto harbours = cachedOver<Harbour>(std::make_unique<Held<Harbour>>(harbour), guarded_);
  std::atomic<int> done = 0;
  const auto fetch_both = [&] {
    const auto [one, two] = fetchAll(options_, fetch(*ships, "s"), fetch(*harbours, "h"));
    EXPECT_TRUE(one.ok() && two.ok());
    ++done;
  };
  std::jthread first(fetch_both);
  ASSERT_TRUE(eventually([&] { return ship.reads == 1 && harbour.reads == 1; }));
  std::jthread second(fetch_both);
  ASSERT_TRUE(eventually([&] { return metrics_->count("strata_cache_waits_total") == 1; }));
  ship.let_go.count_down();
  harbour.let_go.count_down();
  EXPECT_TRUE(eventually([&] { return done == 2; }));
  clock_.advance(absl::Seconds(3));  // ends what still waits
  first.join();
  second.join();
  EXPECT_EQ(ship.reads + harbour.reads, 2);
  EXPECT_EQ(metrics_->count("strata_cache_fills_total", {{"result", "stored"}}), 2);
}

// The exception of an executor without a thread left fetchAll, with leases taken and loads begun.
TEST_F(FetchAll, DoesAllByItselfWhereTheExecutorThrows) {
  ASSERT_THAT(ships_->put({"s", "Beagle"}), IsOk());
  options_.executor = std::make_shared<testing::RefusingExecutor>(Executor::shared());
  const auto [ship, harbour, crew] = fetchThree();
  EXPECT_EQ((*ship)->name, "Beagle");
  EXPECT_TRUE(harbour.ok() && crew.ok());
}

// A load that threw ended the process where it ran on the executor, and otherwise left the leases of
// all others unfilled.
TEST_F(FetchAll, ALoadThatThrowsIsInternalForItselfAlone) {
  auto mock = std::make_unique<MockStore<Harbour>>();
  EXPECT_CALL(*mock, get(_, _))
      .WillOnce([](const Id&, const ReadOptions&) -> absl::StatusOr<Snapshot<Harbour>> {
        throw std::runtime_error("hunter2");
      });
  harbours_ = std::move(mock);
  ASSERT_THAT(ships_->put({"s", "Beagle"}), IsOk());
  ASSERT_THAT(crews_->put({"c", {"Darwin"}}), IsOk());
  const auto [ship, harbour, crew] = fetchThree();
  EXPECT_EQ((*ship)->name, "Beagle");
  EXPECT_THAT(harbour,
              StatusIs(absl::StatusCode::kInternal, ::testing::HasSubstr("std::runtime_error")));
  EXPECT_THAT(crew, IsOk());
  EXPECT_EQ(metrics_->count("strata_cache_fills_total", {{"result", "stored"}}), 2);
}

}  // namespace fetch_test
}  // namespace strata
