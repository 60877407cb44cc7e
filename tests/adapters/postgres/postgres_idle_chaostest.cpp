// Idle connections that died in silence, as behind a NAT or a load balancer that forgets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/postgres/pool_note.h"

namespace strata {
namespace {

using pgtest::fill;
using pgtest::PoolNote;
using testing::IsOk;
using testing::LocalServers;
using testing::StatusIs;

constexpr std::size_t kPoolSize = 8;
// More than a call takes that finds its connection dead and makes another one.
constexpr absl::Duration kEnough = absl::Seconds(20);

ReadOptions within(absl::Duration timeout) { return {.deadline = Deadline::in(timeout)}; }

class PostgresIdle : public ::testing::Test {
 protected:
  void open(PostgresOptions options) {
    ASSERT_OK_AND_ASSIGN(servers_, LocalServers::start({.postgres = true, .proxied = true}));
    options.url = servers_->postgres().url();
    options.pool_size = kPoolSize;
    ASSERT_OK_AND_ASSIGN(pool_, PostgresPool::open(options));
    ASSERT_OK_AND_ASSIGN(notes_, PostgresStore<PoolNote>::create(pool_));
    ASSERT_THAT(notes_->put({.id = "a", .text = "one"}), IsOk());
    fill(*pool_);
  }
  testing::TcpProxy& network() { return *servers_->postgres().proxy(); }

  std::unique_ptr<LocalServers> servers_;
  std::shared_ptr<PostgresPool> pool_;
  std::unique_ptr<PostgresStore<PoolNote>> notes_;
};

// Eight calls in a row ran into their time limits, one for each connection of the pool.
TEST_F(PostgresIdle, WhatOneDeadConnectionShowsIsHeldAgainstTheOthers) {
  open({.max_idle_unproven = absl::Hours(1)});
  network().forgetConnections();
  EXPECT_THAT(notes_->get("a", within(absl::Milliseconds(200))),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  for (std::size_t i = 0; i < 2 * kPoolSize; ++i) {
    EXPECT_THAT(notes_->get("a", within(kEnough)), IsOk());
  }
  EXPECT_LE(pool_->stats().open, 2U) << "the dead ones were all dropped at once";
}

TEST_F(PostgresIdle, NoCallFailsWhereConnectionsThatWereIdleForLongAreDead) {
  open({.max_idle_unproven = absl::ZeroDuration()});
  network().forgetConnections();
  EXPECT_THAT(notes_->get("a", within(kEnough)), IsOk());
  EXPECT_EQ(pool_->stats().open, 1U) << "the dead ones were all dropped at once";
  EXPECT_THAT(notes_->put({.id = "a", .text = "two"}), IsOk());
}

TEST_F(PostgresIdle, EachOfThoseWhoAskAtOnceGetsAnAnswer) {
  open({.max_idle_unproven = absl::ZeroDuration()});
  network().forgetConnections();
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < 2 * kPoolSize; ++i) {
    callers.emplace_back([this] { EXPECT_THAT(notes_->get("a", within(kEnough)), IsOk()); });
  }
  for (std::thread& caller : callers) caller.join();
}

// A write is no exception: what is proven has not been sent it yet.
TEST_F(PostgresIdle, NoWriteIsInDoubtWhereItsConnectionWasDeadBefore) {
  open({.max_idle_unproven = absl::ZeroDuration()});
  network().forgetConnections();
  EXPECT_THAT(notes_->put({.id = "a", .text = "two"}, {.deadline = Deadline::in(kEnough)}), IsOk());
}

TEST_F(PostgresIdle, AConnectionThatProvesItselfIsKept) {
  open({.max_idle_unproven = absl::ZeroDuration()});
  const auto connects = pool_->stats().connects;
  for (int i = 0; i < 10; ++i) EXPECT_THAT(notes_->get("a"), IsOk());
  EXPECT_EQ(pool_->stats().connects, connects);
  EXPECT_EQ(pool_->stats().open, kPoolSize);
}

TEST_F(PostgresIdle, TheLossOfOneConnectionDoesNotCostTheOthersTheirs) {
  open({});
  const auto ended = servers_->postgres().query(
      "SELECT pg_terminate_backend(max(pid), 5000) FROM pg_stat_activity WHERE "
      "application_name = 'strata'");
  ASSERT_THAT(ended, IsOk());
  const auto connects = pool_->stats().connects;
  for (std::size_t i = 0; i < 2 * kPoolSize; ++i) EXPECT_THAT(notes_->get("a"), IsOk());
  EXPECT_GE(pool_->stats().open, kPoolSize - 1);
  EXPECT_LE(pool_->stats().connects, connects + 1);
}

}  // namespace
}  // namespace strata
