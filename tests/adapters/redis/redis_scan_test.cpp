// What a listing of keys says and reads, without a server.
#include "adapters/redis/client/scan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using internal::parseRedisOwnSlots;
using internal::RedisScanCursor;
using ::testing::ElementsAre;
using testing::StatusIs;

TEST(RedisScanCursor, IsReadAsItWasWritten) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  for (const RedisScanCursor& cursor :
       {RedisScanCursor{}, RedisScanCursor{1, 2, 3}, RedisScanCursor{most, 16383, most}}) {
    const auto read = RedisScanCursor::parse(cursor.text());
    ASSERT_TRUE(read);
    EXPECT_EQ(read->census, cursor.census);
    EXPECT_EQ(read->node, cursor.node);
    EXPECT_EQ(read->at, cursor.at);
  }
  for (const char* text : {"", "1", "1.2", "1.2.", "1.2.x", "x.1.2", "1.2.3.4", "1.2.3 ", "-1.2.3",
                           "1.2.99999999999999999999"}) {
    EXPECT_FALSE(RedisScanCursor::parse(text)) << text;
  }
}

TEST(RedisOwnSlots, AreThoseOfTheNodeThatAnswers) {
  const auto own = parseRedisOwnSlots(
      "07c37df 127.0.0.1:30004@31004 slave e7d1eec 0 1426238317239 4 connected\n"
      "e7d1eec 127.0.0.1:30001@31001,host myself,master - 0 0 7 connected 0-5460 9000\n"
      "67ed2db 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-8999\n");
  ASSERT_OK(own);
  EXPECT_EQ(own->config_epoch, 7U);
  EXPECT_THAT(own->ranges, ElementsAre("0-5460", "9000"));
  EXPECT_FALSE(own->is_moving);
}

TEST(RedisOwnSlots, SayWhetherOneIsOnItsWay) {
  for (const char* moving : {"[93->-07c37df]", "[77-<-07c37df]"}) {
    const auto own = parseRedisOwnSlots(
        std::string("e7d1eec 127.0.0.1:1@2 myself,master - 0 0 7 connected 0-92 ") + moving + "\n");
    ASSERT_OK(own);
    EXPECT_TRUE(own->is_moving);
    EXPECT_THAT(own->ranges, ElementsAre("0-92"));
  }
}

TEST(RedisOwnSlots, RefuseWhatMakesNoSense) {
  for (const char* text : {"", "\n", "myself", "a b master - 0 0 1 connected",
                           "a b myself,master - 0 0 x connected"}) {
    EXPECT_THAT(parseRedisOwnSlots(text), StatusIs(absl::StatusCode::kInternal)) << text;
  }
}

}  // namespace
}  // namespace strata
