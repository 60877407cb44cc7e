#include "adapters/postgres/client/conninfo.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "adapters/postgres/client/array_text.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using postgres::ArrayText;
using postgres::connectFailure;
using postgres::readConnInfo;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::StatusIs;

constexpr absl::Duration kTimeout = absl::Seconds(2);

TEST(ConnInfo, ReadsUrlsAndKeyValuePairsAlike) {
  for (const char* url :
       {"postgresql://app:s3cret@db:5433/shop", "postgres://app:s3cret@db:5433/shop",
        "host=db port=5433 user=app password=s3cret dbname=shop"}) {
    const auto info = readConnInfo(url, kTimeout);
    ASSERT_THAT(info, IsOk());
    EXPECT_THAT(
        info->text.reveal(),
        AllOf(HasSubstr("host='db'"), HasSubstr("port='5433'"), HasSubstr("user='app'"),
              HasSubstr("password='s3cret'"), HasSubstr("dbname='shop'"),
              HasSubstr("connect_timeout='2'"), HasSubstr("fallback_application_name='strata'")));
    EXPECT_EQ(info->place, "host db, port 5433, database shop, user app");
  }
}

TEST(ConnInfo, WhatTheUrlSaysWins) {
  const auto info =
      readConnInfo("postgresql://db/shop?connect_timeout=7&application_name=mine", kTimeout);
  ASSERT_THAT(info, IsOk());
  EXPECT_THAT(info->text.reveal(),
              AllOf(HasSubstr("connect_timeout='7'"), Not(HasSubstr("connect_timeout='2'")),
                    HasSubstr("application_name='mine'")));
  EXPECT_EQ(info->connect_timeout, absl::Seconds(7));
}

TEST(ConnInfo, TellsTheConnectTimeoutThatLibpqTakes) {
  const auto timeout = [](const char* url) { return readConnInfo(url, kTimeout)->connect_timeout; };
  EXPECT_EQ(timeout("postgresql://db/shop"), kTimeout);
  EXPECT_EQ(timeout("postgresql://db/shop?connect_timeout=1"), absl::Seconds(2));
  EXPECT_EQ(timeout("postgresql://db/shop?connect_timeout=60"), absl::Minutes(1));
  EXPECT_EQ(timeout("postgresql://db/shop?connect_timeout=0"), absl::Hours(24));
  EXPECT_EQ(timeout("postgresql://db/shop?connect_timeout=-1"), absl::Hours(24));
}

TEST(ConnInfo, RoundsTheConnectTimeoutUpToSeconds) {
  const auto info = readConnInfo("postgresql://db/shop", absl::Milliseconds(2500));
  ASSERT_THAT(info, IsOk());
  EXPECT_THAT(info->text.reveal(), HasSubstr("connect_timeout='3'"));
}

TEST(ConnInfo, QuotesWhatWouldBreakOut) {
  const auto info = readConnInfo("postgresql://db/shop?user=a%27b%5Cc%20host%3Devil", kTimeout);
  ASSERT_THAT(info, IsOk());
  EXPECT_THAT(info->text.reveal(), HasSubstr("user='a\\'b\\\\c host=evil'"));
}

// B-79: a password that was not percent-encoded ends up in other parts of the URL.
TEST(ConnInfo, NeverQuotesPiecesOfAPassword) {
  for (const char* url :
       {"postgresql://app:hun/ter2@db/shop", "postgresql://app:hun@ter2@db/shop",
        "postgresql://app:hun@ter2/x@db/shop", "postgresql://app:%zzhunter2@db/shop",
        "host=db password='hunter2", "nonsense hunter2", "postgresql://app:hunter2@db:port/shop"}) {
    const auto info = readConnInfo(url, kTimeout);
    const std::string shown = info.ok() ? info->place : std::string(info.status().message());
    EXPECT_THAT(shown, AllOf(Not(HasSubstr("hun")), Not(HasSubstr("ter2")))) << url;
  }
}

// ---- Parameters ----

TEST(ConnInfo, TakesThePoolsParametersOutOfTheUrl) {
  for (const char* url :
       {"postgresql://db/shop?pool_size=4&pool_acquire_timeout_ms=250&application_name=mine"
        "&pool_statement_timeout_ms=700&pool_max_age_seconds=60&pool_max_idle_unproven_seconds=5"
        "&prepare_statements=off",
        "host=db dbname=shop pool_size=4 pool_acquire_timeout_ms = 250 application_name=mine "
        "pool_statement_timeout_ms='700' pool_max_age_seconds=60 pool_max_idle_unproven_seconds=5 "
        "prepare_statements=off"}) {
    const auto info = readConnInfo(url, kTimeout);
    ASSERT_THAT(info, IsOk());
    EXPECT_EQ(info->pool, (DatabasePoolConfig{.size = 4,
                                              .acquire_timeout = absl::Milliseconds(250),
                                              .statement_timeout = absl::Milliseconds(700),
                                              .max_age = absl::Minutes(1),
                                              .max_idle_unproven = absl::Seconds(5),
                                              .prepare_statements = PrepareStatements::kOff}));
    EXPECT_THAT(info->text.reveal(), AllOf(HasSubstr("application_name='mine'"),
                                           HasSubstr("dbname='shop'"), Not(HasSubstr("pool"))));
  }
}

TEST(ConnInfo, HonoursParametersOfOtherToolsWhoseMeaningIsClear) {
  const auto pool = [](const std::string& parameters) {
    const auto info = readConnInfo("postgresql://u:p@db/shop?" + parameters, kTimeout);
    EXPECT_THAT(info, IsOk()) << parameters;
    return info.ok() ? info->pool : DatabasePoolConfig{};
  };
  EXPECT_EQ(pool("pgbouncer=true").prepare_statements, PrepareStatements::kOff);
  EXPECT_EQ(pool("pgbouncer=false"), DatabasePoolConfig{});
  EXPECT_EQ(pool("statement_cache_size=0").prepare_statements, PrepareStatements::kOff);
  EXPECT_EQ(pool("connection_limit=1").size, 1U);
  EXPECT_EQ(pool("pool_timeout=20").acquire_timeout, absl::Seconds(20));
  EXPECT_EQ(pool("supa=base-pooler.x&sslmode=require"), DatabasePoolConfig{});
}

TEST(ConnInfo, LeavesLibpqsOwnParametersToIt) {
  const auto info = readConnInfo(
      "postgresql://u:p@db/shop?sslmode=require&channel_binding=require&target_session_attrs="
      "read-write&options=-c%20search_path%3Dshop&keepalives_idle=30&application_name=mine",
      kTimeout);
  ASSERT_THAT(info, IsOk());
  EXPECT_THAT(info->text.reveal(),
              AllOf(HasSubstr("sslmode='require'"), HasSubstr("channel_binding='require'"),
                    HasSubstr("target_session_attrs='read-write'"),
                    HasSubstr("options='-c search_path=shop'"), HasSubstr("keepalives_idle='30'")));
  EXPECT_THAT(readConnInfo("postgresql://db/shop?ssl=true", kTimeout)->text.reveal(),
              HasSubstr("sslmode='require'"));
  EXPECT_THAT(readConnInfo("postgresql://db/shop?user=ann&password=s3cret", kTimeout)->place,
              HasSubstr("user ann"));
}

struct BadParameter {
  const char* parameters;
  const char* name;
  const char* advice;
};

// "The database URL cannot be read", said every one of these.
TEST(ConnInfo, NamesAParameterThatIsWrongAndSaysWhatToWrite) {
  const BadParameter cases[] = {
      {"schema=hunter2", "schema", "ALTER ROLE"},
      {"currentSchema=hunter2", "currentSchema", "ALTER ROLE"},
      {"sslmode=no-verify", "sslmode", "require"},
      {"sslmode=hunter2", "sslmode", "verify-full"},
      {"sslmode=require%20verify-ca", "sslmode", "verify-full"},
      {"sslaccept=strict", "sslaccept", "sslmode"},
      {"ssl=false", "ssl", "sslmode"},
      {"channel_binding=hunter2", "channel_binding", "require"},
      {"target_session_attrs=hunter2", "target_session_attrs", "read-write"},
      {"connect_timeout=5s", "connect_timeout", "whole number"},
      {"pool_size=0", "pool_size", "from 1 to 1000"},
      {"pool_size=hunter2", "pool_size", "whole number"},
      {"connection_limit=0", "connection_limit", "from 1 to 1000"},
      {"connection_limit=3&pool_size=4", "pool_size", "again"},
      {"pgbouncer=true&prepare_statements=on", "prepare_statements", "again"},
      {"pgbouncer=hunter2", "pgbouncer", "true or false"},
      {"pool_timeout=0", "pool_timeout", "pool_acquire_timeout_ms"},
      {"pool_acquire_timeout_ms=1s", "pool_acquire_timeout_ms", "milliseconds"},
      {"prepare_statements=hunter2", "prepare_statements", "on, off or auto"},
      {"statement_cache_size=100", "statement_cache_size", "prepare_statements"},
      {"prepareThreshold=0", "prepareThreshold", "prepare_statements"},
      {"prepared_statement_cache_size=0", "prepared_statement_cache_size", "prepare_statements"},
      {"statement_timeout=5000", "statement_timeout", "pool_statement_timeout_ms"},
      {"options=-csearch_path=hunter2", "options", "%3D"},
      {"application_name=a&frobnicate=hunter2", "frobnicate", "unknown"},
  };
  for (const BadParameter& bad : cases) {
    EXPECT_THAT(
        readConnInfo(std::string("postgresql://u:hunter2@db/shop?") + bad.parameters, kTimeout),
        StatusIs(absl::StatusCode::kInvalidArgument,
                 AllOf(HasSubstr('"' + std::string(bad.name) + '"'), HasSubstr(bad.advice),
                       Not(HasSubstr("hunter2")))))
        << bad.parameters;
  }
  EXPECT_THAT(readConnInfo("host=db frobnicate=hunter2", kTimeout),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("\"frobnicate\""), Not(HasSubstr("hunter2")))));
}

// B-79: what looks like the name of a parameter may be a piece of a password.
TEST(ConnInfo, NamesNoParameterThatMayBeAPieceOfAPassword) {
  for (const char* url :
       {"postgresql://app:x/y?hunter2=z@db/shop", "postgresql://app:x/y?a=1&hunter2=z@db/shop",
        "postgresql://app:p@db/shop?hunter2", "postgresql://app:p@db/shop?hunter2!=1",
        "host=db password=x hunter2=1", "host=db password=x hunter2 y=1"}) {
    EXPECT_THAT(readConnInfo(url, kTimeout),
                StatusIs(absl::StatusCode::kInvalidArgument, Not(HasSubstr("hunter2"))))
        << url;
  }
}

TEST(ConnInfo, TakesAPasswordWithAQuestionMark) {
  const auto info = readConnInfo("postgresql://app:a?b&c=d@db/shop?pool_size=2", kTimeout);
  ASSERT_THAT(info, IsOk());
  EXPECT_THAT(info->text.reveal(), HasSubstr("password='a?b&c=d'"));
  EXPECT_EQ(info->pool.size, 2U);
}

TEST(ConnInfo, NamesTheSchemeToUse) {
  for (const char* url :
       {"postgresql+psycopg2://u:hunter2@db/shop", "postgresql+asyncpg://u:hunter2@db/shop",
        "jdbc:postgresql://db/shop?user=u&password=hunter2", "prisma://db/?api_key=hunter2",
        "pgsql://u:hunter2@db/shop", "hunter2://db", "mysql://u:hunter2@db/shop"}) {
    EXPECT_THAT(readConnInfo(url, kTimeout),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("postgresql://"), Not(HasSubstr("hunter2")))))
        << url;
  }
}

TEST(ConnInfo, RefusesWhiteSpaceAtTheEndsOfAUrl) {
  for (const char* url : {"postgresql://db/shop\n", "postgresql://db/shop?sslmode=require\r\n"}) {
    EXPECT_THAT(readConnInfo(url, kTimeout),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("white space")));
  }
}

TEST(ConnInfo, TellsWhetherAnotherHostMayBeReachedWithoutTls) {
  const auto may = [](const std::string& url) {
    return readConnInfo(url, kTimeout)->may_be_plain_text;
  };
  for (const char* mode : {"", "?sslmode=disable", "?sslmode=allow", "?sslmode=prefer"}) {
    EXPECT_TRUE(may(std::string("postgresql://db.example/shop") + mode)) << mode;
    EXPECT_TRUE(may(std::string("postgresql://localhost,10.0.0.1/shop") + mode)) << mode;
    for (const char* host : {"localhost", "127.0.0.1", "[::1]", "%2Frun%2Fpostgresql", ""}) {
      EXPECT_FALSE(may(fmt::format("postgresql://{}/shop{}", host, mode))) << host << mode;
    }
  }
  for (const char* mode : {"require", "verify-ca", "verify-full"}) {
    EXPECT_FALSE(may(std::string("postgresql://db.example/shop?sslmode=") + mode)) << mode;
  }
  EXPECT_FALSE(may("host=/run/postgresql dbname=shop"));
  EXPECT_TRUE(may("host=localhost hostaddr=10.0.0.1"));
}

TEST(ConnInfo, TakesAnotherPassword) {
  const auto info = readConnInfo("postgresql://u:old@db/shop", kTimeout);
  ASSERT_THAT(info, IsOk());
  EXPECT_TRUE(info->has_password);
  EXPECT_THAT(info->withPassword("it's new\\").text.reveal(),
              ::testing::EndsWith("password='it\\'s new\\\\'"));
  EXPECT_FALSE(readConnInfo("postgresql://u@db/shop", kTimeout)->has_password);
}

TEST(ConnInfo, RefusesAnEmptyUrl) {
  EXPECT_THAT(readConnInfo("", kTimeout), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ConnectFailure, NamesTheCauseAndThePlaceButQuotesNothing) {
  const auto info = readConnInfo("postgresql://app:s3cret@db/shop", kTimeout);
  ASSERT_THAT(info, IsOk());
  EXPECT_THAT(connectFailure(*info, "28P01", "password s3cret"),
              StatusIs(absl::StatusCode::kPermissionDenied,
                       AllOf(HasSubstr("host db"), HasSubstr("wrong user name or password"),
                             Not(HasSubstr("s3cret")))));
  EXPECT_THAT(connectFailure(*info, "3D000", ""),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("unknown database")));
  EXPECT_THAT(connectFailure(*info, "", "s3cret: Connection refused"),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("connection refused"), Not(HasSubstr("s3cret")))));
  EXPECT_THAT(connectFailure(*info, "", "s3cret"),
              StatusIs(absl::StatusCode::kUnavailable, Not(HasSubstr("s3cret"))));
}

// What stood behind a NUL byte was ignored, or made the connection string unreadable for libpq.
TEST(ConnInfo, RefusesANulByte) {
  const std::string nul(1, '\0');
  for (const std::string& url : {"postgresql://h/db?target_session_attrs=read-writ" + nul,
                                 "host=h dbname=a" + nul + " user=u"}) {
    EXPECT_THAT(readConnInfo(Secret(url), kTimeout),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NUL")));
  }
}

TEST(ArrayText, QuotesEveryElement) {
  ArrayText array;
  EXPECT_EQ(array.take(), "{}");
  for (const char* text : {"plain", "", "NULL", "a,b", "{}", "q\"uote", "back\\slash", "ünïcode"}) {
    array.append(text);
  }
  EXPECT_EQ(array.take(), R"({"plain","","NULL","a,b","{}","q\"uote","back\\slash","ünïcode"})");
  EXPECT_EQ(array.take(), "{}");
}

}  // namespace
}  // namespace strata
