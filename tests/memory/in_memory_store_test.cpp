// What the in-memory store adds to what tests/conformance/store_test.cpp asks of every store.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "strata/memory/in_memory_store.h"
#include "strata/testing/conformance/conformance_record.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/printers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

struct Usurper {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(Usurper, (), (id))

// Its id is not what its key column says.
struct Liar {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(Liar, (), (id))

// Its key column is no member.
struct Keyless {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(Keyless, (), (name))

}  // namespace

// The same table name as another record's.
template <>
struct Entity<Usurper> {
  static constexpr auto table = Entity<testing::ConformancePair>::table;
  static constexpr KeySpace keys{"conformance", "usurper"};
  static std::string id(const Usurper& usurper) { return usurper.id; }
};
template <>
struct Entity<Liar> {
  static constexpr auto table = "liars";
  static constexpr KeySpace keys{"conformance", "liar"};
  static std::string id(const Liar& liar) { return liar.id + "?"; }
};
template <>
struct Entity<Keyless> {
  static constexpr auto table = "keyless";
  static constexpr KeySpace keys{"conformance", "keyless"};
  static constexpr std::array<std::string_view, 1> key_columns{"nam"};
  static std::string id(const Keyless& keyless) { return keyless.name; }
};

namespace {

using testing::FakeClock;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;
using Pair = testing::ConformancePair;
using Record = testing::ConformanceRecord;

template <typename T>
std::unique_ptr<InMemoryStore<T>> storeOn(std::shared_ptr<InMemoryDatabase> database,
                                          const Clock& clock = Clock::system()) {
  auto store = InMemoryStore<T>::create(std::move(database), clock);
  EXPECT_THAT(store, IsOk());
  return *std::move(store);
}

TEST(InMemoryStore, StoresOfOneDatabaseShareTheirTables) {
  const auto database = std::make_shared<InMemoryDatabase>();
  const auto writer = storeOn<Pair>(database);
  const auto reader = storeOn<Pair>(database);
  const auto stranger = storeOn<Pair>(std::make_shared<InMemoryDatabase>());
  ASSERT_THAT(writer->put({.tenant = "t", .user = "u", .order = 1}), IsOk());
  ASSERT_OK_AND_ASSIGN(const Snapshot<Pair> found, reader->get({"t", "u"}));
  EXPECT_NE(found, nullptr);
  EXPECT_THAT(stranger->get({"t", "u"}), IsOkAndHolds(nullptr));
}

TEST(InMemoryStore, WithoutADatabaseOfItsOwnUsesTheOneOfTheProcess) {
  ASSERT_OK_AND_ASSIGN(const auto store, InMemoryStore<Pair>::create());
  ASSERT_THAT(store->put({.tenant = "shared", .user = "u"}), IsOk());
  const auto other = storeOn<Pair>(InMemoryDatabase::shared());
  EXPECT_THAT(other->remove({"shared", "u"}), IsOk());
  EXPECT_THAT(store->get({"shared", "u"}), IsOkAndHolds(nullptr));
}

TEST(InMemoryStore, ATableOfAnotherTypeIsRefused) {
  const auto database = std::make_shared<InMemoryDatabase>();
  const auto pairs = storeOn<Pair>(database);
  EXPECT_THAT(InMemoryStore<Usurper>::create(database),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr(Entity<Pair>::table)));
}

TEST(InMemoryStore, RefusesWhatPostgresWouldRefuse) {
  const auto database = std::make_shared<InMemoryDatabase>();
  EXPECT_THAT(storeOn<Liar>(database)->put({.id = "x"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key column id")));
  EXPECT_THAT(InMemoryStore<Keyless>::create(database),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nam is not a member")));
}

TEST(InMemoryStore, VersionsGrowOverAllTables) {
  const auto database = std::make_shared<InMemoryDatabase>();
  ASSERT_OK_AND_ASSIGN(const Version pair,
                       storeOn<Pair>(database)->put({.tenant = "t", .user = "u"}));
  ASSERT_OK_AND_ASSIGN(const Version record, storeOn<Record>(database)->put({.key = "k"}));
  EXPECT_GT(record, pair);
}

TEST(InMemoryStore, EveryReaderGetsTheSameObject) {
  const auto store = storeOn<Pair>(std::make_shared<InMemoryDatabase>());
  ASSERT_THAT(store->put({.tenant = "t", .user = "u"}), IsOk());
  ASSERT_OK_AND_ASSIGN(const Snapshot<Pair> one, store->get({"t", "u"}));
  ASSERT_OK_AND_ASSIGN(const Snapshot<Pair> two, store->get({"t", "u"}));
  EXPECT_EQ(one.get(), two.get());
}

// B-67
TEST(InMemoryStore, MeasuresDeadlinesOnItsClock) {
  FakeClock clock;
  const auto store = storeOn<Pair>(std::make_shared<InMemoryDatabase>(), clock);
  const Deadline deadline = Deadline::in(absl::Seconds(1), clock);
  EXPECT_THAT(store->get({"t", "u"}, {.deadline = deadline}), IsOk());
  clock.advance(absl::Seconds(1));
  EXPECT_THAT(store->get({"t", "u"}, {.deadline = deadline}),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
}

TEST(InMemoryStore, SaysWhatItIs) {
  const auto store = storeOn<Pair>(std::make_shared<InMemoryDatabase>());
  const Health health = store->healthCheck();
  EXPECT_EQ(health.component, "store");
  EXPECT_EQ(health.backend, "in-memory");
}

// B-11
TEST(InMemoryStore, VersionsAndValuesOfAnIdGrowTogether) {
  const auto store = storeOn<Pair>(std::make_shared<InMemoryDatabase>());
  constexpr int kWrites = 2000;
  ASSERT_THAT(store->put({.tenant = "t", .user = "u", .order = 0}), IsOk());
  const std::jthread writer([&] {
    for (int n = 1; n <= kWrites; ++n) {
      EXPECT_THAT(store->put({.tenant = "t", .user = "u", .order = n}), IsOk());
    }
  });
  Snapshot<Pair> last;
  while (last == nullptr || last->order < kWrites) {
    ASSERT_OK_AND_ASSIGN(Snapshot<Pair> next, store->get({"t", "u"}));
    if (last != nullptr) {
      ASSERT_EQ(next.version() > last.version(), next->order > last->order);
      ASSERT_GE(next.version(), last.version());
    }
    last = next;
  }
}

}  // namespace
}  // namespace strata
