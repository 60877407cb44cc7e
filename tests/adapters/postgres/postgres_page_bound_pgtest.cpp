// Pages that are larger than kMaxPageBytes: refused alike in memory and on PostgreSQL, and not kept
// while they come.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "strata/factories/backends.h"
#include "strata/factories/store_factory.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/records/entity.h"
#include "strata/store/page_bound.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

struct Page {
  std::string id;
  std::string text;
  std::vector<std::string> parts;
  std::int64_t number = 0;
};
BOOST_DESCRIBE_STRUCT(Page, (), (id, text, parts, number))

}  // namespace

template <>
struct Entity<Page> {
  static constexpr auto table = "page_bound_pages";
  static constexpr KeySpace keys{"test", "page"};
  static Id id(const Page& page) { return page.id; }
};

namespace {

auto tooLarge() {
  return StatusIs(absl::StatusCode::kResourceExhausted,
                  AllOf(HasSubstr("64 MiB"), HasSubstr("ask for fewer")));
}

// In kB.
std::size_t peakMemory() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::size_t value = 0;
    if (word == "VmHWM:" && status >> value) return value;
  }
  return 0;
}

void forgetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

class PageBoundTest : public ::testing::Test {
 protected:
  static Config postgres() {
    Config config;
    config.database_url = testing::sharedServers().postgres().url();
    return config;
  }
  static Backends open(const Config& config) {
    auto backends = connect(config);
    EXPECT_THAT(backends, IsOk());
    return *std::move(backends);
  }
  static std::shared_ptr<Store<Page>> storeOf(const Backends& backends) {
    auto store = createStore<Page>(backends);
    EXPECT_THAT(store, IsOk());
    return *std::move(store);
  }
  static absl::Status run(const std::string& sql) {
    return testing::sharedServers().postgres().query(sql).status();
  }
  static std::vector<Id> idsTo(int count) {
    std::vector<Id> ids;
    for (int i = 1; i <= count; ++i) ids.emplace_back(std::to_string(i));
    return ids;
  }
  static std::vector<absl::Status> codes(const Snapshots<Page>& answers) {
    std::vector<absl::Status> all;
    for (const auto& answer : answers) all.push_back(answer.status());
    return all;
  }
  void SetUp() override { EXPECT_THAT(run("TRUNCATE page_bound_pages"), IsOk()); }

  const Backends database_ = open(postgres());
  const Backends memory_ = open({});
  const std::shared_ptr<Store<Page>> in_database_ = storeOf(database_);
  const std::shared_ptr<Store<Page>> in_memory_ = storeOf(memory_);
};

// The limit of a page was one of rows alone, whatever a row had.
TEST_F(PageBoundTest, IsTheSameInMemoryAndOnPostgresql) {
  // 63 of a MiB in all; the last one fills it up.
  for (int i = 1; i <= 64; ++i) {
    Page page{.id = std::to_string(i), .parts = {"ä", "b"}};
    const std::size_t rest = page.id.size() + std::string(R"(["ä", "b"])").size();
    page.text = std::string((1 << 20) - rest, 'x');
    ASSERT_THAT(in_database_->put(page), IsOk());
    ASSERT_THAT(in_memory_->put(page), IsOk());
  }
  std::vector<Id> ids = idsTo(64);
  ids.push_back(ids.front());     // is the same record
  ids.emplace_back("not there");  // is nothing
  for (const auto& store : {in_memory_, in_database_}) {
    EXPECT_THAT(codes(store->getMany(ids)), Each(IsOk()));
  }
  for (const auto& store : {in_memory_, in_database_}) {
    ASSERT_THAT(store->put({.id = "65"}), IsOk());
    EXPECT_THAT(codes(store->getMany(idsTo(65))), Each(tooLarge()));
    EXPECT_THAT(codes(store->getMany(idsTo(64))), Each(IsOk()));
    EXPECT_THAT(store->get("1"), IsOk());
  }
}

TEST_F(PageBoundTest, EndsAUnitOfWorkOnBoth) {
  for (int i = 1; i <= 2; ++i) {
    const Page page{.id = std::to_string(i), .text = std::string(33 << 20, 'x')};
    ASSERT_THAT(in_database_->put(page), IsOk());
    ASSERT_THAT(in_memory_->put(page), IsOk());
  }
  for (const Backends* backends : {&memory_, &database_}) {
    const auto& store = backends == &memory_ ? in_memory_ : in_database_;
    auto unit = beginUnitOfWork(*backends);
    ASSERT_THAT(unit, IsOk());
    EXPECT_THAT(codes(store->getMany(idsTo(2), {.unit = unit->get()})), Each(tooLarge()));
    EXPECT_FALSE((*unit)->commit().ok());
    EXPECT_THAT(store->get("1"), IsOk()) << "one record has no bound";
  }
}

// All rows of an answer were kept until the last had come: 512 MiB here, and then refused.
TEST_F(PageBoundTest, IsKeptWhileAnAnswerComes) {
  ASSERT_THAT(run("INSERT INTO page_bound_pages (id, text, parts, number)"
                  " SELECT i, repeat('x', 16 << 20), '[]', 0 FROM generate_series(1, 32) i"),
              IsOk());
  ASSERT_THAT(in_database_->get("1"), IsOk());
  forgetPeakMemory();
  const std::size_t before = peakMemory();
  EXPECT_THAT(codes(in_database_->getMany(idsTo(32))), Each(tooLarge()));
  const std::size_t grown = (peakMemory() - before) / 1024;
  RecordProperty("grown_by_mib", static_cast<int>(grown));
  EXPECT_LT(grown, 200) << "MiB";
  // Its connection is not used again.
  EXPECT_THAT(in_database_->get("2"), IsOk());
  EXPECT_THAT(codes(in_database_->getMany(idsTo(3))), Each(IsOk()));
}

TEST_F(PageBoundTest, IsKeptBehindAPooler) {
  ASSERT_THAT(run("INSERT INTO page_bound_pages (id, text, parts, number)"
                  " SELECT i, repeat('x', 16 << 20), '[]', 0 FROM generate_series(1, 32) i"),
              IsOk());
  Config config = postgres();
  config.database_pool.prepare_statements = PrepareStatements::kOff;
  const auto store = storeOf(open(config));
  forgetPeakMemory();
  const std::size_t before = peakMemory();
  EXPECT_THAT(codes(store->getMany(idsTo(32))), Each(tooLarge()));
  EXPECT_LT((peakMemory() - before) / 1024, 200) << "MiB";
  EXPECT_THAT(codes(store->getMany(idsTo(3))), Each(IsOk()));
}

// Callers of one record each, whose reads were put together, are not refused for each other.
TEST_F(PageBoundTest, IsNotThatOfABatchOfManyCallers) {
  ASSERT_THAT(run("INSERT INTO page_bound_pages (id, text, parts, number)"
                  " SELECT i, repeat('x', 8 << 20), '[]', 0 FROM generate_series(1, 24) i"),
              IsOk());
  std::vector<absl::Status> answers(24);
  std::vector<std::thread> callers;
  for (int i = 0; i < 24; ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < 4 && answers[i].ok(); ++round) {
        answers[i] = in_database_->get(std::to_string(i + 1)).status();
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(answers, Each(IsOk()));
}

}  // namespace
}  // namespace strata
