// What a test can do with a PostgreSQL besides stopping it: copies of it that follow.
#include "strata/testing/servers/local_postgres.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::LocalPostgres;
using testing::LocalServers;
using ::testing::Optional;
using testing::StatusIs;

auto oneValue(const std::string& value) {
  return IsOkAndHolds(ElementsAre(ElementsAre(Optional(value))));
}

class LocalStandbyTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(servers_, LocalServers::start({.postgres = true, .proxied = true}));
    ASSERT_THAT(primary().query("CREATE TABLE t (a int)"), IsOk());
  }
  LocalPostgres& primary() { return servers_->postgres(); }

  std::unique_ptr<LocalServers> servers_;
};

TEST_F(LocalStandbyTest, FollowsRefusesWritesAndIsPromoted) {
  ASSERT_OK_AND_ASSIGN(auto standby, primary().startStandby());
  EXPECT_NE(standby->port(), primary().port());
  ASSERT_THAT(primary().query("INSERT INTO t VALUES (1)"), IsOk());
  ASSERT_OK(primary().awaitReplay(*standby));
  EXPECT_THAT(standby->query("SELECT a FROM t"), oneValue("1"));
  EXPECT_THAT(standby->query("INSERT INTO t VALUES (2)"),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("read-only")));
  ASSERT_OK(primary().kill());
  ASSERT_OK(standby->promote());
  EXPECT_THAT(standby->query("INSERT INTO t VALUES (2)"), IsOk());
  EXPECT_THAT(standby->query("SELECT sum(a) FROM t"), oneValue("3"));
  EXPECT_THAT(standby->promote(),
              StatusIs(absl::StatusCode::kInternal, HasSubstr("not in standby")));
}

TEST_F(LocalStandbyTest, FollowsOverARestartOfItsPrimary) {
  ASSERT_OK_AND_ASSIGN(auto standby, primary().startStandby());
  ASSERT_OK(primary().restart());
  ASSERT_THAT(primary().query("INSERT INTO t VALUES (7)"), IsOk());
  ASSERT_OK(primary().awaitReplay(*standby));
  EXPECT_THAT(standby->query("SELECT a FROM t"), oneValue("7"));
}

TEST_F(LocalStandbyTest, RefusesEveryClientWhileItIsNotHot) {
  ASSERT_OK_AND_ASSIGN(auto standby, primary().startStandby({{"hot_standby", "off"}}));
  EXPECT_THAT(standby->query("SELECT 1"),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("not accepting connections")));
  ASSERT_OK(standby->promote());
  EXPECT_THAT(standby->query("SELECT 1"), oneValue("1"));
}

TEST_F(LocalStandbyTest, AUrlNamesSeveralHosts) {
  ASSERT_OK_AND_ASSIGN(auto standby, primary().startStandby());
  EXPECT_THAT(standby->urlWith({&primary()}, "app"),
              HasSubstr("@127.0.0.1:" + std::to_string(standby->port()) +
                        ",127.0.0.1:" + std::to_string(primary().port()) + "/app"));
}

}  // namespace
}  // namespace strata
