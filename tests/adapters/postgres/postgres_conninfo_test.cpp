#include "adapters/postgres/conninfo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "adapters/postgres/array_text.h"
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
