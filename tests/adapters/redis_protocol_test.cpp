// Commands, replies and INFO, without a server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "adapters/redis/redis_command.h"
#include "adapters/redis/redis_reply.h"
#include "adapters/redis/redis_server_info.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using internal::parseServerInfo;
using internal::RedisCommands;
using internal::RedisReply;
using internal::RedisReplyReader;
using internal::RedisServerInfo;
using ::testing::Eq;
using testing::IsOk;
using testing::StatusIs;

using namespace std::string_literals;  // NOLINT(google-build-using-namespace): bytes with NUL

TEST(RedisCommands, AreWrittenWithTheirLengthsSoThatAnyBytesPass) {
  RedisCommands commands;
  commands.add({"SET", "k\r\n"s, "\0$1"s});
  commands.add({"GET", ""});
  EXPECT_EQ(commands.bytes(),
            "*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$3\r\n\0$1\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n"s);
  EXPECT_EQ(commands.count(), 2U);
}

std::optional<RedisReply> nextOf(RedisReplyReader& reader) {
  auto reply = reader.next();
  EXPECT_THAT(reply, IsOk());
  return reply.ok() ? *std::move(reply) : std::nullopt;
}

TEST(RedisReplyReader, TellsTheKindsOfRepliesApart) {
  RedisReplyReader reader;
  reader.feed("+OK\r\n-ERR no\r\n:42\r\n$4\r\na\r\nb\r\n$-1\r\n*2\r\n$1\r\nx\r\n$-1\r\n");
  EXPECT_EQ(nextOf(reader)->text(), "OK");
  const auto error = nextOf(reader);
  EXPECT_TRUE(error->isError());
  EXPECT_EQ(error->text(), "ERR no");
  EXPECT_EQ(nextOf(reader)->integer(), 42);
  EXPECT_EQ(nextOf(reader)->text(), "a\r\nb");
  EXPECT_TRUE(nextOf(reader)->isNil());
  const auto array = nextOf(reader);
  ASSERT_EQ(array->size(), 2U);
  EXPECT_EQ(array->at(0).text(), "x");
  EXPECT_TRUE(array->at(1).isNil());
  EXPECT_FALSE(nextOf(reader).has_value());
  EXPECT_FALSE(reader.hasLeftovers());
}

TEST(RedisReplyReader, WaitsForTheRestHoweverTheBytesAreCut) {
  const std::string bytes = "*2\r\n$5\r\nhe\0lo\r\n:1\r\n+x\r\n"s;
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    RedisReplyReader reader;
    int replies = 0;
    for (const std::string& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
      reader.feed(part);
      while (nextOf(reader)) ++replies;
    }
    EXPECT_EQ(replies, 2) << "cut at " << cut;
  }
}

// B-27
TEST(RedisReplyReader, RefusesWhatIsNotRedis) {
  for (const char* bytes : {"HTTP/1.1 400 Bad Request\r\n\r\n", "\x15\x03\x01\r\n", "$x\r\n"}) {
    RedisReplyReader reader;
    reader.feed(bytes);
    EXPECT_THAT(reader.next(), StatusIs(absl::StatusCode::kUnavailable));
    EXPECT_THAT(reader.next(), StatusIs(absl::StatusCode::kUnavailable));
  }
}

TEST(RedisReplyReader, ShowsBytesThatNoReplyUsed) {
  RedisReplyReader reader;
  reader.feed("+OK\r\n+stale\r\n");
  ASSERT_TRUE(nextOf(reader).has_value());
  EXPECT_TRUE(reader.hasLeftovers());
}

constexpr const char* kServer =
    "# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:abc\r\n";
constexpr const char* kReplication =
    "# Replication\r\nrole:master\r\nmaster_replid:def\r\nmaster_replid2:000\r\n";

TEST(RedisServerInfo, KnowsAMasterOfThisVersion) {
  const RedisServerInfo info = parseServerInfo(kServer, kReplication);
  EXPECT_NE(info.incarnation, Incarnation{});
  EXPECT_FALSE(info.is_replica);
  EXPECT_TRUE(info.has_set_nx_get);
}

// B-30
TEST(RedisServerInfo, AnotherRunOrAnotherHistoryIsAnotherLife) {
  const Incarnation life = parseServerInfo(kServer, kReplication).incarnation;
  EXPECT_EQ(parseServerInfo(kServer, kReplication).incarnation, life);
  EXPECT_NE(parseServerInfo("run_id:xyz\r\n", kReplication).incarnation, life);
  EXPECT_NE(parseServerInfo(kServer, "role:master\r\nmaster_replid:xyz\r\n").incarnation, life);
  EXPECT_NE(parseServerInfo("run_id:ab\r\n", "master_replid:cdef\r\n").incarnation, life);
}

TEST(RedisServerInfo, KnowsReplicasAndOldServers) {
  EXPECT_TRUE(parseServerInfo(kServer, "role:slave\r\nmaster_replid:def\r\n").is_replica);
  EXPECT_FALSE(parseServerInfo("redis_version:6.2.7\r\n", "").has_set_nx_get);
  EXPECT_TRUE(parseServerInfo("redis_version:10.0.0\r\n", "").has_set_nx_get);
}

TEST(RedisServerInfo, SaysNothingWhereTheServerSaidNothing) {
  for (const char* text : {"", "garbage", "run_id", "run_id:"}) {
    const RedisServerInfo info = parseServerInfo(text, text);
    EXPECT_EQ(info.incarnation, Incarnation{}) << text;
    EXPECT_FALSE(info.has_set_nx_get) << text;
  }
}

}  // namespace
}  // namespace strata
