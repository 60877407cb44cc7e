#include "adapters/redis/client/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "adapters/redis/client/deployment.h"
#include "adapters/upstash/url.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using internal::parseRedisUrl;
using internal::RedisDeployment;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::StatusIs;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(RedisUrl, NamesHostPortAndDatabase) {
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url, parseRedisUrl("redis://cache.internal:6380/2"));
  EXPECT_EQ(url.addresses[0].host, "cache.internal");
  EXPECT_EQ(url.addresses[0].port, 6380);
  EXPECT_EQ(url.login.database, 2);
  EXPECT_EQ(url.login.user, "");
  EXPECT_TRUE(url.login.password.empty());
  EXPECT_EQ(url.describe(), "cache.internal:6380");
}

TEST(RedisUrl, LeavesPortAndDatabaseAtTheirDefaults) {
  for (const char* text : {"redis://h", "redis://h/", "redis://h:", "REDIS://h:6379/0"}) {
    ASSERT_OK_AND_ASSIGN(const RedisDeployment url, parseRedisUrl(text));
    EXPECT_EQ(url.describe(), "h:6379");
    EXPECT_EQ(url.login.database, 0);
  }
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url, parseRedisUrl("redis://h?db=4"));
  EXPECT_EQ(url.login.database, 4);
}

TEST(RedisUrl, DecodesUserAndPassword) {
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url, parseRedisUrl("redis://al%40ce:p%3a%2F%25@h"));
  EXPECT_EQ(url.login.user, "al@ce");
  EXPECT_EQ(url.login.password.reveal(), "p:/%");
}

TEST(RedisUrl, TakesAPasswordWithoutAUser) {
  for (const char* text : {"redis://:secret@h", "unix://:secret@/run/redis.sock"}) {
    ASSERT_OK_AND_ASSIGN(const RedisDeployment url, parseRedisUrl(text));
    EXPECT_EQ(url.login.user, "");
    EXPECT_EQ(url.login.password.reveal(), "secret");
  }
}

TEST(RedisUrl, TakesThePasswordUpToTheLastAtSign) {
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url, parseRedisUrl("redis://u:p@ss@h:1"));
  EXPECT_EQ(url.login.password.reveal(), "p@ss");
  EXPECT_EQ(url.addresses[0].host, "h");
}

TEST(RedisUrl, TakesIpv6InBrackets) {
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url, parseRedisUrl("redis://:p@[::1]:6380/1"));
  EXPECT_EQ(url.addresses[0].host, "::1");
  EXPECT_EQ(url.addresses[0].port, 6380);
  EXPECT_EQ(url.describe(), "[::1]:6380");
  ASSERT_OK_AND_ASSIGN(const RedisDeployment no_port, parseRedisUrl("redis://[::ffff:1.2.3.4]"));
  EXPECT_EQ(no_port.describe(), "[::ffff:1.2.3.4]:6379");
}

TEST(RedisUrl, NamesAUnixSocket) {
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url,
                       parseRedisUrl("unix:///run/my%20redis.sock?db=3"));
  EXPECT_EQ(url.addresses[0].socket_path, "/run/my redis.sock");
  EXPECT_EQ(url.login.database, 3);
  EXPECT_EQ(url.addresses[0].host, "");
  EXPECT_EQ(url.describe(), "/run/my redis.sock");
}

struct BadUrl {
  const char* url;
  const char* complaint;
};

// The password of each is hunter2.
constexpr BadUrl kBadUrls[] = {
    {"", "redis://, rediss://"},
    {"hunter2", "redis://, rediss://"},
    {"http://u:hunter2@h", "redis://, rediss://"},
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
    {"redis://:hunter2@h?db=", "proper value"},
    {"redis://:hunter2@h?timeout=1", "\"timeout\""},
    {"redis://:hunter2@h?command_timeout=50", "no duration"},
    {"redis://:hunter2@h?connect_timeout=hunter2", "no duration"},
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
    {"redis://:hunter2@h,", "no host"},
    {"redis://:hunter2@h?ca_file=/x", "rediss://"},
    {"rediss://:hunter2@h?ca_file", "proper value"},
    {"redis+hunter2://h", "redis+cluster"},
    {"redis+sentinel://:hunter2@h", "names no master"},
    {"redis+sentinel://:hunter2@h/%", "names no master"},
    {"redis+sentinel://:hunter2@h/m/x", "database"},
    {"redis+cluster://:hunter2@h/1", "no databases"},
};

// B-33, B-79
TEST(RedisUrl, SaysWhatIsWrongAndQuotesNothing) {
  for (const BadUrl& bad : kBadUrls) {
    EXPECT_THAT(parseRedisUrl(bad.url),
                StatusIs(kInvalid, AllOf(HasSubstr(bad.complaint), Not(HasSubstr("hunter2")))))
        << bad.url;
  }
  EXPECT_THAT(parseRedisUrl("unix:///" + std::string(200, 'x')), StatusIs(kInvalid));
}

// B-79
TEST(RedisUrl, NamesAParameterOrSchemeOfAnotherToolAndSaysWhatToWrite) {
  const BadUrl cases[] = {
      {"redis://h?ssl=hunter2", "\"ssl\" is another tool's: the scheme rediss://"},
      {"rediss://h?ssl_cert_reqs=none", "\"ssl_cert_reqs\""},
      {"redis://h?socket_timeout=5", "command_timeout"},
      {"redis://h?sentinelMasterId=hunter2", "redis+sentinel://"},
      {"redis://h?cluster=true", "redis+cluster://"},
      {"redis://h?db=1&frobnicate=hunter2", "\"frobnicate\" is unknown"},
      {"redis://:p?hunter2=1@h", "a parameter is unknown"},
      {"redis-sentinel://h:1/hunter2", "redis+sentinel://"},
      {"rediss-cluster://h:1", "rediss+cluster://"},
      {"tls://:hunter2@h", "rediss://"},
      {"valkey://:hunter2@h", "redis://"},
      {"redis+unix:///run/redis.sock", "unix:///"},
      {"redis://:hunter2@h\n", "white space"},
      {" redis://:hunter2@h", "white space"},
  };
  for (const BadUrl& bad : cases) {
    EXPECT_THAT(parseRedisUrl(bad.url),
                StatusIs(kInvalid, AllOf(HasSubstr(bad.complaint), Not(HasSubstr("hunter2")))))
        << bad.url;
  }
}

// B-79
TEST(UpstashUrl, NamesAParameterButNoTokenInItsPlace) {
  const auto refused = [](const char* url, const char* complaint) {
    EXPECT_THAT(internal::parseUpstashUrl(url),
                StatusIs(kInvalid, AllOf(HasSubstr(complaint), Not(HasSubstr("hunter")),
                                         Not(HasSubstr("AXas")))))
        << url;
  };
  refused("https://h?_token=AXas", "\"_token\" is another tool's: the token is an option");
  refused("https://h/?pipeline=1", "\"pipeline\" is unknown");
  refused("https://h?AXashunter==", "no query");
  refused("https://h?hunter", "no query");
  refused("https://h?hunter@x=1", "no query");
  refused("https://h/#hunter", "no query");
  refused("https://h\n", "white space");
}

TEST(RedisUrl, NamesSeveralHosts) {
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url, parseRedisUrl("redis://:p@a,b:1,[::1]:2/3"));
  EXPECT_EQ(url.kind, RedisDeployment::Kind::kServer);
  EXPECT_EQ(url.describe(), "a:6379,b:1,[::1]:2");
  EXPECT_EQ(url.login.database, 3);
  EXPECT_FALSE(url.tls);
}

TEST(RedisUrl, NamesSentinelsAndTheirMaster) {
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url,
                       parseRedisUrl("redis+sentinel://u:p@s1,s2:5000/my%20master/4"));
  EXPECT_EQ(url.kind, RedisDeployment::Kind::kSentinel);
  EXPECT_EQ(url.describe(), "s1:26379,s2:5000");
  EXPECT_EQ(url.master_name, "my master");
  EXPECT_EQ(url.login.database, 4);
}

TEST(RedisUrl, NamesNodesOfACluster) {
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url, parseRedisUrl("rediss+cluster://a:7000,b"));
  EXPECT_EQ(url.kind, RedisDeployment::Kind::kCluster);
  EXPECT_EQ(url.describe(), "a:7000,b:6379");
  EXPECT_TRUE(url.tls);
}

TEST(RedisUrl, NamesTheFilesForTls) {
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url,
                       parseRedisUrl("rediss://h?ca_file=/a%20b.pem&db=1&certificate_file=c"
                                     "&private_key_file=k"));
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.tls_files, (TlsOptions{"/a b.pem", "c", "k"}));
  EXPECT_EQ(url.login.database, 1);
}

TEST(RedisUrl, NamesTimeouts) {
  ASSERT_OK_AND_ASSIGN(const RedisDeployment url,
                       parseRedisUrl("redis://h?connect_timeout=1.5s&command_timeout=70ms"));
  EXPECT_EQ(url.connect_timeout, absl::Milliseconds(1500));
  EXPECT_EQ(url.command_timeout, absl::Milliseconds(70));
  ASSERT_OK_AND_ASSIGN(const RedisDeployment silent, parseRedisUrl("redis://h"));
  EXPECT_EQ(silent.connect_timeout, std::nullopt);
  EXPECT_EQ(silent.command_timeout, std::nullopt);
}

TEST(RedisOptions, WhatTheUrlSaysOfTimeoutsWins) {
  const RedisOptions options{.url = "redis://h?connect_timeout=2s&command_timeout=3s",
                             .connect_timeout = absl::Milliseconds(1),
                             .command_timeout = absl::Milliseconds(1)};
  ASSERT_OK_AND_ASSIGN(const auto router, internal::makeRedisRouter(options));
  EXPECT_EQ(router->nodeOptions().connect_timeout, std::chrono::seconds(2));
  EXPECT_EQ(router->nodeOptions().command_timeout, std::chrono::seconds(3));
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
  EXPECT_THAT(RedisCache::create({.url = "redis://h?command_timeout=0"}),
              StatusIs(kInvalid, HasSubstr("command_timeout")));
}

TEST(RedisOptions, AUserNeedsAPasswordFromTheUrlOrBesideIt) {
  EXPECT_THAT(RedisCache::create({.url = "redis://alice@h"}),
              StatusIs(kInvalid, HasSubstr("no password")));
  EXPECT_THAT(RedisCache::create({.url = "redis://alice@h", .password = "hunter2"}), IsOk());
}

}  // namespace
}  // namespace strata
