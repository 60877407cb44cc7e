#include "adapters/redis/redis_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "strata/adapters/redis/redis_cache.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using internal::parseRedisUrl;
using internal::RedisEndpoint;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(RedisUrl, NamesHostPortAndDatabase) {
  ASSERT_OK_AND_ASSIGN(const RedisEndpoint url, parseRedisUrl("redis://cache.internal:6380/2"));
  EXPECT_EQ(url.host, "cache.internal");
  EXPECT_EQ(url.port, 6380);
  EXPECT_EQ(url.database, 2);
  EXPECT_EQ(url.user, "");
  EXPECT_TRUE(url.password.empty());
  EXPECT_EQ(url.describe(), "cache.internal:6380");
}

TEST(RedisUrl, LeavesPortAndDatabaseAtTheirDefaults) {
  for (const char* text : {"redis://h", "redis://h/", "redis://h:", "REDIS://h:6379/0"}) {
    ASSERT_OK_AND_ASSIGN(const RedisEndpoint url, parseRedisUrl(text));
    EXPECT_EQ(url.describe(), "h:6379");
    EXPECT_EQ(url.database, 0);
  }
  ASSERT_OK_AND_ASSIGN(const RedisEndpoint url, parseRedisUrl("redis://h?db=4"));
  EXPECT_EQ(url.database, 4);
}

TEST(RedisUrl, DecodesUserAndPassword) {
  ASSERT_OK_AND_ASSIGN(const RedisEndpoint url, parseRedisUrl("redis://al%40ce:p%3a%2F%25@h"));
  EXPECT_EQ(url.user, "al@ce");
  EXPECT_EQ(url.password.reveal(), "p:/%");
}

TEST(RedisUrl, TakesAPasswordWithoutAUser) {
  for (const char* text : {"redis://:secret@h", "unix://:secret@/run/redis.sock"}) {
    ASSERT_OK_AND_ASSIGN(const RedisEndpoint url, parseRedisUrl(text));
    EXPECT_EQ(url.user, "");
    EXPECT_EQ(url.password.reveal(), "secret");
  }
}

TEST(RedisUrl, TakesThePasswordUpToTheLastAtSign) {
  ASSERT_OK_AND_ASSIGN(const RedisEndpoint url, parseRedisUrl("redis://u:p@ss@h:1"));
  EXPECT_EQ(url.password.reveal(), "p@ss");
  EXPECT_EQ(url.host, "h");
}

TEST(RedisUrl, TakesIpv6InBrackets) {
  ASSERT_OK_AND_ASSIGN(const RedisEndpoint url, parseRedisUrl("redis://:p@[::1]:6380/1"));
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 6380);
  EXPECT_EQ(url.describe(), "[::1]:6380");
  ASSERT_OK_AND_ASSIGN(const RedisEndpoint no_port, parseRedisUrl("redis://[::ffff:1.2.3.4]"));
  EXPECT_EQ(no_port.describe(), "[::ffff:1.2.3.4]:6379");
}

TEST(RedisUrl, NamesAUnixSocket) {
  ASSERT_OK_AND_ASSIGN(const RedisEndpoint url, parseRedisUrl("unix:///run/my%20redis.sock?db=3"));
  EXPECT_EQ(url.socket_path, "/run/my redis.sock");
  EXPECT_EQ(url.database, 3);
  EXPECT_EQ(url.host, "");
  EXPECT_EQ(url.describe(), "/run/my redis.sock");
}

struct BadUrl {
  const char* url;
  const char* complaint;
};

// B-33, B-79
TEST(RedisUrl, SaysWhatIsWrongAndQuotesNothing) {
  const BadUrl cases[] = {
      {"", "redis:// or unix://"},
      {"hunter2", "redis:// or unix://"},
      {"http://u:hunter2@h", "redis:// or unix://"},
      {"redis://", "no host"},
      {"redis:///1", "no host"},
      {"redis://:hunter2@:6379", "no host"},
      {"redis://:hunter2@h:0", "port"},
      {"redis://:hunter2@h:65536", "port"},
      {"redis://:hunter2@h:12x", "port"},
      {"redis://:hunter2@h:+12", "port"},
      {"redis://:hunter2@h/one", "database"},
      {"redis://:hunter2@h/-1", "database"},
      {"redis://:hunter2@h/1/2", "database"},
      {"redis://:hunter2@h?db=", "database"},
      {"redis://:hunter2@h?timeout=1", "query"},
      {"redis://:hunter2%@h", "hex"},
      {"redis://:hunter2%zz@h", "hex"},
      {"redis://:hunter2%00@h", "hex"},
      {"redis://:hunter2/x@h", "no host"},
      {"redis://u:hunter2#x@h", "%23"},
      {"redis://h%6Funter2", "host"},
      {"redis://:hunter2@[::1", "']'"},
      {"redis://:hunter2@[::1]6379", "after the ']'"},
      {"redis://:hunter2@[hunter2!]", "IPv6"},
      {"unix://", "socket"},
      {"unix:///", "socket"},
      {"unix://hunter2/redis.sock", "no host"},
      {"unix:///%2", "hex"},
  };
  for (const BadUrl& bad : cases) {
    EXPECT_THAT(parseRedisUrl(bad.url),
                StatusIs(kInvalid, AllOf(HasSubstr(bad.complaint), Not(HasSubstr("hunter2")))))
        << bad.url;
  }
  EXPECT_THAT(parseRedisUrl("unix:///" + std::string(200, 'x')), StatusIs(kInvalid));
}

TEST(RedisUrl, SaysWhichKindsOfRedisAreNotSupported) {
  for (const char* url : {"rediss://u:hunter2@h", "redis+sentinel://u:hunter2@h/master",
                          "redis+cluster://u:hunter2@h", "rediss+cluster://h"}) {
    EXPECT_THAT(parseRedisUrl(url), StatusIs(absl::StatusCode::kUnimplemented,
                                             AllOf(HasSubstr("not supported by this version"),
                                                   Not(HasSubstr("hunter2")))));
  }
}

TEST(RedisOptions, AreCheckedWithoutConnecting) {
  EXPECT_THAT(RedisCache::create({.url = "redis://127.0.0.1:1"}), IsOk());
  EXPECT_THAT(RedisCache::create({.url = "redis://nobody.invalid"}), IsOk());
  EXPECT_THAT(RedisCache::create({.url = "nonsense"}), StatusIs(kInvalid));
  EXPECT_THAT(RedisCache::create({.url = "redis://h", .max_connections = 0}), StatusIs(kInvalid));
  EXPECT_THAT(RedisCache::create({.url = "redis://h", .connect_timeout = absl::ZeroDuration()}),
              StatusIs(kInvalid));
  EXPECT_THAT(RedisCache::create({.url = "redis://h", .command_timeout = absl::InfiniteDuration()}),
              StatusIs(kInvalid));
}

TEST(RedisOptions, AUserNeedsAPasswordFromTheUrlOrBesideIt) {
  EXPECT_THAT(RedisCache::create({.url = "redis://alice@h"}),
              StatusIs(kInvalid, HasSubstr("no password")));
  EXPECT_THAT(RedisCache::create({.url = "redis://alice@h", .password = "hunter2"}), IsOk());
}

}  // namespace
}  // namespace strata
