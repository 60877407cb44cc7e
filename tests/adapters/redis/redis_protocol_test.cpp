// Commands, replies, INFO and the map of a cluster, without a server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>
#include <malloc.h>
#include <rapidcheck.h>

#include <numeric>
#include <string>
#include <vector>

#include "adapters/redis/client/server_info.h"
#include "adapters/redis/client/slots.h"
#include "adapters/redis/wire/command.h"
#include "adapters/redis/wire/reply.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using internal::parseRedisPointer;
using internal::parseRedisSlots;
using internal::parseServerInfo;
using internal::RedisCommands;
using internal::RedisReply;
using internal::RedisReplyReader;
using internal::RedisServerInfo;
using internal::RedisSlotMap;
using internal::redisSlotOf;
using internal::RedisValue;
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

std::string asHiredisWritesIt(const std::vector<std::string>& arguments) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& argument : arguments) {
    words.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  char* text = nullptr;
  const auto length =
      redisFormatCommandArgv(&text, static_cast<int>(words.size()), words.data(), sizes.data());
  std::string bytes(text, static_cast<std::size_t>(length));
  redisFreeCommand(text);
  return bytes;
}

TEST(RedisCommands, AreTheBytesThatHiredisWouldSend) {
  const bool holds = rc::check([](const std::vector<std::vector<std::string>>& pipeline) {
    RedisCommands commands;
    std::string expected;
    for (const std::vector<std::string>& arguments : pipeline) {
      commands.add(std::vector<std::string_view>(arguments.begin(), arguments.end()));
      expected += asHiredisWritesIt(arguments);
    }
    RC_ASSERT(commands.bytes() == expected);
    RC_ASSERT(commands.count() == pipeline.size());
  });
  EXPECT_TRUE(holds);
  RedisCommands long_one;
  const std::vector<std::string> arguments{"SET", std::string(1000, 'k'), std::string(1 << 20, 0)};
  long_one.add(std::vector<std::string_view>(arguments.begin(), arguments.end()));
  EXPECT_TRUE(long_one.bytes() == asHiredisWritesIt(arguments));
}

TEST(RedisCommands, AreNotInMemoryAnyMoreOnceWiped) {
  RedisCommands commands;
  commands.add({"AUTH", "a password that is too long for a short string"});
  const char* const at = commands.bytes().data();
  const std::size_t size = commands.bytes().size();
  commands.wipe();
  EXPECT_EQ(commands.count(), 0U);
  EXPECT_EQ(commands.bytes(), "");
  EXPECT_EQ(std::accumulate(at + 1, at + size, 0), 0);  // its buffer is still there
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

TEST(RedisReplyReader, MakesTheSameOfBytesThatComeOneByOne) {
  RedisReplyReader reader;
  std::vector<RedisReply> replies;
  for (const char byte : "*3\r\n$-1\r\n*1\r\n-ERR\r\n$3\r\n\r\n\0\r\n:-7\r\n*0\r\n$0\r\n\r\n"s) {
    reader.feed({&byte, 1});
    while (auto reply = nextOf(reader)) replies.push_back(*std::move(reply));
  }
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_TRUE(replies[0].at(0).isNil());
  EXPECT_TRUE(replies[0].at(1).at(0).isError());
  EXPECT_EQ(replies[0].at(2).text(), "\r\n\0"s);
  EXPECT_EQ(replies[1].integer(), -7);
  EXPECT_TRUE(replies[2].isArray());
  EXPECT_EQ(replies[2].size(), 0U);
  EXPECT_TRUE(replies[3].isText());
  EXPECT_EQ(replies[3].text(), "");
}

std::size_t allocatedBytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// It made room for as many elements as were announced: 16 GiB.
TEST(RedisReplyReader, MakesNoRoomForWhatWasOnlyAnnounced) {
  for (const char* bytes : {"$9999999999999\r\n", "$2147483647\r\n", "*2147483647\r\n",
                            "*9999999999999\r\n", "$99999999999999999999999\r\n", "$-2\r\n",
                            "*-2\r\n", "*1048577\r\n", "*1\r\n*1\r\n*2147483647\r\n"}) {
    RedisReplyReader reader;
    const std::size_t before = allocatedBytes();
    reader.feed(bytes);
    const auto reply = reader.next();
    EXPECT_LT(allocatedBytes(), before + (std::size_t{1} << 20)) << bytes;
    if (reply.ok()) {
      EXPECT_FALSE(reply->has_value()) << bytes;  // still waiting
    } else {
      EXPECT_THAT(reply, StatusIs(absl::StatusCode::kUnavailable)) << bytes;
    }
  }
}

TEST(RedisReplyReader, RefusesArraysThatAreNestedTooDeep) {
  std::string bytes;
  for (int depth = 0; depth < 100000; ++depth) bytes += "*1\r\n";
  RedisReplyReader reader;
  reader.feed(bytes + "+x\r\n");
  EXPECT_THAT(reader.next(), StatusIs(absl::StatusCode::kUnavailable));
}

// Looks at everything in it.
std::size_t sizeOf(const RedisValue& value) {
  std::size_t size = value.text().size() + (value.isInteger() ? 1 : 0);
  for (std::size_t i = 0; i < value.size(); ++i) size += sizeOf(value.at(i));
  return size;
}

// Bytes that look like replies more often than by chance.
rc::Gen<std::string> almostReplies() {
  const auto piece =
      rc::gen::oneOf(rc::gen::element("*"s, "$"s, ":"s, "+"s, "-"s, "\r\n"s, "-1"s, "$-1\r\n"s,
                                      "*-1\r\n"s, "*0\r\n"s, "*2\r\n"s, "$3\r\nabc\r\n"s,
                                      ":42\r\n"s, "+OK\r\n"s, "-MOVED 1 ::1:7\r\n"s),
                     rc::gen::arbitrary<std::string>());
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [](const std::vector<std::string>& pieces) {
                        return std::accumulate(pieces.begin(), pieces.end(), ""s);
                      });
}

TEST(RedisReplyReader, MakesTheSameOfAnyBytesHoweverTheyAreCut) {
  const auto read_all = [](const std::string& bytes, std::size_t cut) {
    RedisReplyReader reader;
    std::vector<std::size_t> sizes;
    for (const std::string& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
      reader.feed(part);
      while (true) {
        const auto reply = reader.next();
        if (!reply.ok()) return sizes;
        if (!*reply) break;
        sizes.push_back(sizeOf(**reply));
      }
      reader.wipe();
    }
    return sizes;
  };
  EXPECT_TRUE(rc::check([&] {
    const std::string bytes = *almostReplies();
    const auto whole = read_all(bytes, bytes.size());
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) RC_ASSERT(read_all(bytes, cut) == whole);
  }));
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

// ---- Clusters ----

// (Source: the examples of "Redis cluster specification", redis.io, and CLUSTER KEYSLOT.)
TEST(RedisSlots, AreThoseThatRedisComputes) {
  EXPECT_EQ(redisSlotOf("123456789"), 12739);
  EXPECT_EQ(redisSlotOf("foo"), 12182);
  EXPECT_EQ(redisSlotOf(""), 0);
  EXPECT_EQ(redisSlotOf("{user1000}.following"), redisSlotOf("user1000"));
  EXPECT_EQ(redisSlotOf("{user1000}.following"), redisSlotOf("{user1000}.followers"));
  EXPECT_EQ(redisSlotOf("foo{{bar}}zap"), redisSlotOf("{bar"));
  EXPECT_EQ(redisSlotOf("foo{bar}{zap}"), redisSlotOf("bar"));
  // What is not marked at all, or marked as empty, counts as a whole.
  EXPECT_EQ(redisSlotOf("foo{}{bar}"), 8363);
  EXPECT_NE(redisSlotOf("foo{bar"), redisSlotOf("bar"));
}

TEST(RedisSlots, EveryKeyHasOne) {
  EXPECT_TRUE(rc::check([](const std::string& key) {
    RC_ASSERT(redisSlotOf(key) >= 0);
    RC_ASSERT(redisSlotOf(key) < internal::kRedisSlots);
  }));
}

absl::StatusOr<RedisSlotMap> slotsIn(const std::string& bytes) {
  RedisReplyReader reader;
  reader.feed(bytes);
  const auto reply = nextOf(reader);
  return reply ? parseRedisSlots(*reply, "asked.example") : absl::UnavailableError("incomplete");
}

TEST(RedisSlots, AreReadFromTheAnswerOfANode) {
  ASSERT_OK_AND_ASSIGN(
      const RedisSlotMap map,
      slotsIn("*3\r\n"
              "*4\r\n:0\r\n:99\r\n*3\r\n$5\r\nh.one\r\n:7000\r\n$2\r\nid\r\n*2\r\n+r\r\n:1\r\n"
              "*3\r\n:200\r\n:200\r\n*2\r\n$0\r\n\r\n:7001\r\n"
              "*3\r\n:16383\r\n:16383\r\n*2\r\n+h.one\r\n:7000\r\n"));
  ASSERT_EQ(map.masters.size(), 2U);
  EXPECT_EQ(map.masters[0].describe(), "h.one:7000");
  EXPECT_EQ(map.masters[1].describe(), "asked.example:7001");
  EXPECT_EQ(map.owner[0], 0);
  EXPECT_EQ(map.owner[99], 0);
  EXPECT_EQ(map.owner[100], RedisSlotMap::kNobody);
  EXPECT_EQ(map.owner[200], 1);
  EXPECT_EQ(map.owner[16383], 0);
}

TEST(RedisSlots, ANodeWithoutSlotsHasNone) {
  ASSERT_OK_AND_ASSIGN(const RedisSlotMap map, slotsIn("*0\r\n"));
  EXPECT_TRUE(map.masters.empty());
  EXPECT_THAT(map.owner, ::testing::Each(RedisSlotMap::kNobody));
}

TEST(RedisSlots, AnAnswerWithoutSenseIsInternal) {
  const std::string node = "*2\r\n+h\r\n:7000\r\n";
  for (const std::string& bytes :
       {"+OK\r\n"s, ":1\r\n"s, "$-1\r\n"s, "*1\r\n:1\r\n"s, "*1\r\n*2\r\n:0\r\n:1\r\n"s,
        "*1\r\n*3\r\n:-1\r\n:1\r\n" + node, "*1\r\n*3\r\n:0\r\n:16384\r\n" + node,
        "*1\r\n*3\r\n:5\r\n:4\r\n" + node, "*1\r\n*3\r\n+0\r\n:4\r\n" + node,
        "*1\r\n*3\r\n:0\r\n:9223372036854775807\r\n" + node,
        "*1\r\n*3\r\n:0\r\n:4\r\n*1\r\n+h\r\n"s, "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n+h\r\n:0\r\n"s,
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n+h\r\n:65536\r\n"s,
        "*1\r\n*3\r\n:0\r\n:4\r\n*2\r\n+h\r\n+7000\r\n"s}) {
    EXPECT_THAT(slotsIn(bytes), StatusIs(absl::StatusCode::kInternal)) << bytes;
  }
}

TEST(RedisSlots, AServerOfNoClusterIsToldApart) {
  EXPECT_THAT(slotsIn("-ERR This instance has cluster support disabled\r\n"),
              StatusIs(absl::StatusCode::kFailedPrecondition, ::testing::HasSubstr("redis://")));
  EXPECT_THAT(slotsIn("-NOPERM no\r\n"), StatusIs(absl::StatusCode::kPermissionDenied));
}

// Any tree of arrays, numbers and texts, as bytes.
std::string anyTree(int depth) {
  const int kind = *rc::gen::inRange(0, depth > 0 ? 6 : 3);
  if (kind == 0) return ":" + std::to_string(*rc::gen::arbitrary<std::int64_t>()) + "\r\n";
  if (kind == 1) return ":" + std::to_string(*rc::gen::inRange(-2, 16386)) + "\r\n";
  if (kind == 2) {
    const std::string text = *rc::gen::arbitrary<std::string>();
    return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  }
  const int count = *rc::gen::inRange(0, 5);
  std::string bytes = "*" + std::to_string(count) + "\r\n";
  for (int i = 0; i < count; ++i) bytes += anyTree(depth - 1);
  return bytes;
}

TEST(RedisSlots, NoAnswerAtAllPointsOutsideOfTheMap) {
  EXPECT_TRUE(rc::check([] {
    const auto map = slotsIn("*1\r\n*3\r\n" + anyTree(0) + anyTree(0) + anyTree(2));
    const auto other = slotsIn(anyTree(4));
    for (const auto& each : {map, other}) {
      if (!each.ok()) continue;
      for (const std::uint16_t owner : each->owner) {
        RC_ASSERT(owner == RedisSlotMap::kNobody || owner < each->masters.size());
      }
    }
  }));
}

TEST(RedisPointers, AreReadFromErrors) {
  const auto moved = parseRedisPointer("MOVED 3999 127.0.0.1:6381");
  ASSERT_TRUE(moved.has_value());
  EXPECT_FALSE(moved->asking);
  EXPECT_EQ(moved->address.describe(), "127.0.0.1:6381");
  const auto ask = parseRedisPointer("ASK 3999 2001:db8::7:6381");
  ASSERT_TRUE(ask.has_value());
  EXPECT_TRUE(ask->asking);
  EXPECT_EQ(ask->address.describe(), "[2001:db8::7]:6381");
  const auto same_host = parseRedisPointer("MOVED 0 :7000");
  ASSERT_TRUE(same_host.has_value());
  EXPECT_EQ(same_host->address.host, "");
  EXPECT_EQ(same_host->address.port, 7000);
}

TEST(RedisPointers, AreNotSeenWhereThereAreNone) {
  for (const char* error :
       {"", "MOVED", "MOVED ", "MOVED 1", "MOVED 1 h", "MOVED 1 h:", "MOVED 1 h:x", "MOVED 1 h:1x",
        "MOVED 1 h:65536", "MOVED 1 h:-1", "MOVED 1 h:+1", "MOVED 1:2", "MOVEDX 1 h:1", "ASK",
        "ASKING 1 h:1", "moved 1 h:1", "ERR MOVED 1 h:1"}) {
    EXPECT_FALSE(parseRedisPointer(error).has_value()) << error;
  }
}

TEST(RedisPointers, AnyErrorCanBeLookedAt) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    for (const char* word : {"MOVED ", "ASK ", "MOVED 1 ", ""}) parseRedisPointer(word + text);
  }));
}

}  // namespace
}  // namespace strata
