// A process that connects and then forks: parent and child go on, each with connections of its own.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/factories/event_hub_factory.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/base/forked.h"

namespace strata {
namespace {

using testing::exitCodeOf;
using testing::forkToDo;
using testing::holdsInChild;
using testing::IsOk;
using testing::LocalServers;

struct Page {
  std::string name;
  std::int64_t number = 0;
};
BOOST_DESCRIBE_STRUCT(Page, (), (name, number))

}  // namespace

template <>
struct Entity<Page> {
  static constexpr auto table = "fork_chaostest_pages";
  static constexpr KeySpace keys{"pages", "page"};
  static std::string id(const Page& page) { return page.name; }
};

namespace {

constexpr int kPages = 200;
constexpr int kThreads = 4;

class ForkTest : public ::testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    auto servers = LocalServers::start(
        {.postgres = true, .redis = GetParam(), .client_timeout = testing::kPatience});
    ASSERT_THAT(servers, IsOk());
    servers_ = *std::move(servers);
    Config config;
    config.app = "fork";
    config.database_url = servers_->postgres().url();
    if (GetParam()) config.cache_url = servers_->redis().url();
    auto backends = connect(config);
    ASSERT_THAT(backends, IsOk());
    backends_ = *std::move(backends);
    auto pages = createStore<Page>(backends_);
    ASSERT_THAT(pages, IsOk());
    pages_ = *std::move(pages);
    for (int i = 0; i < kPages; ++i) {
      ASSERT_THAT(pages_->put({.name = std::to_string(i), .number = i}), IsOk());
    }
  }
  void TearDown() override {
    pages_.reset();
    backends_ = {};
  }

  // How many of many reads by several threads failed or answered with another page's record.
  int wrongReads() {
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 2 * kPages; ++i) {
          const int number = (i * (thread + 1)) % kPages;
          const auto page = pages_->get(std::to_string(number));
          if (!page.ok() || *page == nullptr || (*page)->number != number) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    return wrong;
  }

  std::unique_ptr<LocalServers> servers_;
  Backends backends_;
  std::shared_ptr<Store<Page>> pages_;
};

INSTANTIATE_TEST_SUITE_P(Servers, ForkTest, ::testing::Bool(), [](const auto& servers) {
  return servers.param ? "PostgresAndRedis" : "Postgres";
});

// Parent and child read each other's answers from the sockets that they shared: 17 540 of 19 100
// reads were wrong, with status OK.
TEST_P(ForkTest, ParentAndChildReadTheirOwnRecords) {
  ASSERT_EQ(wrongReads(), 0);
  const pid_t first = forkToDo([&] { return wrongReads() == 0 ? 0 : 1; });
  const pid_t second = forkToDo([&] { return wrongReads() == 0 ? 0 : 1; });
  EXPECT_EQ(wrongReads(), 0);
  EXPECT_EQ(exitCodeOf(first), 0);
  EXPECT_EQ(exitCodeOf(second), 0);
  EXPECT_EQ(wrongReads(), 0);
}

// A child that ended said goodbye to the server on its parent's connections.
TEST_P(ForkTest, AChildThatDestroysItsStoresLeavesItsParentsSessionsAlone) {
  ASSERT_EQ(wrongReads(), 0);
  const auto sessions = servers_->postgres().query(
      "SELECT count(*), string_agg(pid::text, ',') FROM pg_stat_activity"
      " WHERE application_name = 'strata'");
  ASSERT_THAT(sessions, IsOk());
  EXPECT_TRUE(holdsInChild([&] {
    pages_.reset();
    backends_ = {};
    return true;
  }));
  const auto still_there = servers_->postgres().query(fmt::format(
      "SELECT count(*) FROM pg_stat_activity WHERE pid IN ({})", (*sessions)[0][1].value_or("0")));
  ASSERT_THAT(still_there, IsOk());
  EXPECT_NE((*sessions)[0][0], "0");
  EXPECT_EQ((*still_there)[0][0], (*sessions)[0][0]);
  EXPECT_EQ(wrongReads(), 0);
}

// The thread that ends calls at their deadline exists in the parent alone: a get of two seconds
// took twenty-five.
TEST_P(ForkTest, DeadlinesHoldInADaemonsChild) {
  ASSERT_EQ(wrongReads(), 0);
  testing::Turns turns;
  const pid_t child = forkToDo([&] {
    if (wrongReads() != 0) return 1;
    turns.giveToParent();
    turns.awaitInChild();
    const Clock& clock = Clock::system();
    const MonotonicTime start = clock.now();
    const auto page =
        pages_->get("unknown", {.deadline = Deadline::in(absl::Milliseconds(200), clock)});
    if (!absl::IsDeadlineExceeded(page.status())) return 2;
    return clock.now() - start < absl::Seconds(5) ? 0 : 3;
  });
  turns.awaitInParent();
  ASSERT_THAT(servers_->postgres().freeze(), IsOk());
  turns.giveToChild();
  EXPECT_EQ(exitCodeOf(child), 0);
  ASSERT_THAT(servers_->postgres().resume(), IsOk());
}

TEST_P(ForkTest, AUnitOfWorkOfTheParentIsNotTheChilds) {
  auto unit = beginUnitOfWork(backends_);
  ASSERT_THAT(unit, IsOk());
  ASSERT_THAT(pages_->put({.name = "new", .number = 1}, {.unit = unit->get()}), IsOk());
  EXPECT_TRUE(holdsInChild([&] {
    const auto put = pages_->put({.name = "childs", .number = 2}, {.unit = unit->get()});
    const bool refused = !put.ok() && !(*unit)->commit().ok();
    unit->reset();
    return refused && wrongReads() == 0;
  }));
  ASSERT_THAT((*unit)->commit(), IsOk());
  EXPECT_THAT(pages_->get("new"), testing::IsOkAndHolds(::testing::NotNull()));
  EXPECT_THAT(pages_->get("childs"), testing::IsOkAndHolds(::testing::IsNull()));
}

// Its threads are the parent's: a child that destroyed its copy waited for them indefinitely.
TEST_P(ForkTest, AnEventHubOfTheParentIsRefusedInTheChild) {
  auto hub = createEventHub(backends_);
  ASSERT_THAT(hub, IsOk());
  const EventChannel channel("fork", "events");
  auto events = (*hub)->subscribe(channel);
  auto listener = listen(**hub, channel, [](const EventDelivery&) {});
  ASSERT_THAT(events, IsOk());
  ASSERT_THAT(listener, IsOk());
  EXPECT_TRUE(holdsInChild([&] {
    const bool refused =
        absl::IsFailedPrecondition((*hub)->publish(channel, "of_the_child", Json())) &&
        absl::IsFailedPrecondition((*hub)->subscribe(channel).status()) &&
        absl::IsFailedPrecondition((*events)->next().status()) && !(*hub)->healthCheck().healthy();
    listener->reset();
    events->reset();
    hub->reset();
    return refused;
  }));
  ASSERT_THAT((*hub)->publish(channel, "of_the_parent", Json()), IsOk());
  const auto told = (*events)->next();
  ASSERT_THAT(told, IsOk());
  ASSERT_NE(told->event, nullptr);
  EXPECT_EQ(told->event->name, "of_the_parent");
}

}  // namespace
}  // namespace strata
