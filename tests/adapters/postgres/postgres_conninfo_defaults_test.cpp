// What a connection string gets that does not say it: which server is wanted, and when TCP gives
// up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "adapters/postgres/client/conninfo.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using postgres::connectFailure;
using postgres::ConnInfo;
using postgres::isNotReady;
using postgres::readConnInfo;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::StatusIs;

ConnInfo read(const std::string& url) {
  auto info = readConnInfo(url, absl::Seconds(2));
  EXPECT_THAT(info, IsOk());
  return info.ok() ? *std::move(info) : ConnInfo{};
}

TEST(ConnInfoDefaults, TcpGivesUpWithinAMinute) {
  EXPECT_THAT(read("postgresql://db/shop").text.reveal(),
              AllOf(HasSubstr("keepalives_idle='30'"), HasSubstr("keepalives_interval='10'"),
                    HasSubstr("keepalives_count='3'"), HasSubstr("tcp_user_timeout='30000'")));
  EXPECT_THAT(read("postgresql://db/shop?keepalives_idle=7&tcp_user_timeout=0").text.reveal(),
              AllOf(HasSubstr("keepalives_idle='7'"), HasSubstr("tcp_user_timeout='0'"),
                    Not(HasSubstr("keepalives_idle='30'"))));
}

TEST(ConnInfoDefaults, APrimaryIsNeededUnlessTheUrlSaysOtherwise) {
  EXPECT_TRUE(read("postgresql://db/shop").needs_primary);
  for (const char* attrs : {"primary", "read-write"}) {
    EXPECT_TRUE(
        read(std::string("postgresql://db/shop?target_session_attrs=") + attrs).needs_primary);
  }
  for (const char* attrs : {"any", "standby", "prefer-standby", "read-only"}) {
    EXPECT_FALSE(
        read(std::string("postgresql://db/shop?target_session_attrs=") + attrs).needs_primary);
  }
}

TEST(ConnInfoDefaults, OfSeveralHostsThePrimaryIsWanted) {
  const auto wanted = HasSubstr("target_session_attrs='primary'");
  EXPECT_THAT(read("postgresql://a,b/shop").text.reveal(), wanted);
  EXPECT_THAT(read("host=a,b dbname=shop").text.reveal(), wanted);
  EXPECT_THAT(read("hostaddr=127.0.0.1,127.0.0.2 dbname=shop").text.reveal(), wanted);
  EXPECT_THAT(read("postgresql://a:1,b:2/shop?target_session_attrs=any").text.reveal(),
              AllOf(HasSubstr("target_session_attrs='any'"), Not(wanted)));
  EXPECT_THAT(read("postgresql://a/shop").text.reveal(), Not(HasSubstr("target_session_attrs")));
}

TEST(ConnInfoDefaults, TellsWhichFailuresWillPass) {
  const ConnInfo info = read("postgresql://a,b/shop");
  const absl::Status standby =
      connectFailure(info, "",
                     "connection to server at \"a\" failed: Connection refused\n"
                     "connection to server at \"b\" failed: server is in hot standby mode\n");
  EXPECT_THAT(standby, StatusIs(absl::StatusCode::kUnavailable, HasSubstr("it is a standby")));
  EXPECT_TRUE(isNotReady(standby));
  EXPECT_TRUE(isNotReady(standbyFailure(info)));
  EXPECT_TRUE(isNotReady(connectFailure(info, "57P03", "FATAL:  the database system is starting")));
  EXPECT_TRUE(isNotReady(connectFailure(info, "", "FATAL:  the database system is in recovery")));
  EXPECT_TRUE(isNotReady(connectFailure(info, "", "server closed the connection unexpectedly")));
  EXPECT_FALSE(isNotReady(connectFailure(info, "28P01", "FATAL:  password authentication failed")));
  EXPECT_FALSE(isNotReady(connectFailure(info, "", "Connection refused")));
  EXPECT_FALSE(isNotReady(connectFailure(info, "", "server is not in hot standby mode")));
}

}  // namespace
}  // namespace strata
