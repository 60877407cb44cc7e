// What RedisCache makes of a server that works, but not as one would wish. What it makes of one
// that fails is in redis_faults_redistest.cpp; what every cache promises, in tests/conformance.
#include "strata/adapters/redis/redis_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "adapters/redis_dialect/scripts.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using absl::StatusCode;
using ::testing::AllOf;
using ::testing::Eq;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::LocalRedis;
using testing::LocalServers;
using ::testing::Not;
using ::testing::Optional;
using testing::StatusIs;

constexpr absl::Duration kLong = absl::Hours(1);
constexpr absl::Duration kPatient = absl::Seconds(10);

std::shared_ptr<RedisCache> cacheOf(RedisOptions options) {
  options.connect_timeout = kPatient;
  options.command_timeout = kPatient;
  return RedisCache::create(std::move(options)).value();
}

absl::StatusOr<LeaseReply> lease(Cache& cache, std::string_view key, std::string_view cell = "L") {
  const LeaseRequest request{key, cell};
  return cache.getOrLease({&request, 1}, kLong).front();
}

absl::StatusOr<bool> fill(Cache& cache, std::string_view key, Incarnation incarnation = {}) {
  const CompareAndSet request{key, "L", "value", kLong, incarnation};
  return cache.compareAndSet({&request, 1}).front();
}

absl::Status removeFrom(Cache& cache, const std::string& key) { return cache.remove({&key, 1}); }

class RedisCacheTest : public ::testing::Test {
 protected:
  LocalRedis& redis() { return servers_->redis(); }
  void startWith(testing::LocalServersOptions options) {
    options.redis = true;
    servers_.reset();
    servers_ = LocalServers::start(std::move(options)).value();
  }
  void command(const std::vector<std::string>& arguments) {
    EXPECT_THAT(redis().command(arguments), IsOk());
  }
  // "redis://user:password@127.0.0.1:port"
  std::string urlAs(std::string_view user_and_password) {
    std::string url = redis().url();
    return url.insert(std::string_view("redis://").size(), std::string(user_and_password) + "@");
  }

  std::unique_ptr<LocalServers> servers_ = LocalServers::start({.redis = true}).value();
};

// ---- Who we are ----

TEST_F(RedisCacheTest, ARightPasswordIsTakenFromTheUrlOrBesideIt) {
  startWith({.redis_password = "hunter2"});
  EXPECT_OK(cacheOf({.url = redis().url()})->ping());
  const std::string bare = "redis://127.0.0.1:" + std::to_string(redis().port());
  EXPECT_OK(cacheOf({.url = bare, .password = "hunter2"})->ping());
  EXPECT_OK(cacheOf({.url = redis().url(), .password = "the URL's counts"})->ping());
}

// B-33, B-79
TEST_F(RedisCacheTest, AWrongPasswordIsPermissionDeniedAndIsNotPrinted) {
  startWith({.redis_password = "hunter2"});
  const std::string bare = "redis://127.0.0.1:" + std::to_string(redis().port());
  for (const char* password : {"wrong-secret", ""}) {
    const auto cache = cacheOf({.url = bare, .password = password});
    const auto denied = StatusIs(StatusCode::kPermissionDenied,
                                 AllOf(HasSubstr("127.0.0.1"), Not(HasSubstr("secret"))));
    EXPECT_THAT(cache->ping(), denied);
    EXPECT_THAT(cache->get("a"), denied);
    EXPECT_THAT(lease(*cache, "a"), denied);
    const Health health = cache->healthCheck();
    EXPECT_EQ(health.state, HealthState::kFail);
    EXPECT_THAT(health.error, AllOf(HasSubstr("PERMISSION_DENIED"), Not(HasSubstr("secret"))));
  }
}

// B-33
TEST_F(RedisCacheTest, APasswordForAServerThatHasNoneIsPermissionDenied) {
  EXPECT_THAT(cacheOf({.url = redis().url(), .password = "hunter2"})->ping(),
              StatusIs(StatusCode::kPermissionDenied, Not(HasSubstr("hunter2"))));
}

TEST_F(RedisCacheTest, AnAclUserMayDoWhatItMay) {
  command({"ACL", "SETUSER", "alice", "on", ">p@ss", "~app:*", "+@all", "-mget"});
  const auto cache = cacheOf({.url = urlAs("alice:p%40ss")});
  EXPECT_OK(cache->set("app:a", "x", kLong));
  EXPECT_THAT(cache->set("other:a", "x", kLong), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(cache->get("app:a"), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(cacheOf({.url = urlAs("alice:wrong")})->ping(),
              StatusIs(StatusCode::kPermissionDenied));
}

TEST_F(RedisCacheTest, WithoutInfoItWorksButKnowsNoIncarnation) {
  command({"ACL", "SETUSER", "bob", "on", ">secret", "~*", "+@all", "-info"});
  const auto cache = cacheOf({.url = urlAs("bob:secret")});
  EXPECT_TRUE(cache->capabilities().incarnation);  // nothing is known yet
  EXPECT_OK(cache->ping());
  EXPECT_FALSE(cache->capabilities().incarnation);
  EXPECT_TRUE(cache->capabilities().fenced_reads);
  EXPECT_EQ(cache->incarnation(), Incarnation{});

  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(*cache, "a"));
  EXPECT_TRUE(reply.leased);
  EXPECT_EQ(reply.incarnation, Incarnation{});
  EXPECT_THAT(fill(*cache, "a", Incarnation{7}), IsOkAndHolds(false));
  EXPECT_THAT(fill(*cache, "a", reply.incarnation), IsOkAndHolds(true));
  EXPECT_EQ(cache->healthCheck().state, HealthState::kPass);
}

// ---- The database ----

// B-33
TEST_F(RedisCacheTest, ADatabaseThatIsNotThereIsAClearError) {
  const auto cache = cacheOf({.url = redis().url() + "/99"});
  EXPECT_THAT(cache->get("a"), StatusIs(StatusCode::kFailedPrecondition, HasSubstr("database")));
  EXPECT_EQ(cache->healthCheck().state, HealthState::kFail);
}

TEST_F(RedisCacheTest, DatabasesAreSeparateAndTheirNumberIsKept) {
  const auto one = cacheOf({.url = redis().url() + "/1"});
  const auto two = cacheOf({.url = redis().unixUrl() + "?db=2"});
  ASSERT_OK(one->set("a", "in one", kLong));
  EXPECT_THAT(two->get("a"), IsOkAndHolds(Eq(std::nullopt)));
  command({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_THAT(one->get("a"), IsOkAndHolds(Optional(std::string("in one"))));
}

// ---- Scripts ----

TEST_F(RedisCacheTest, ScriptsAreNamedByTheirHash) {
  for (const auto& script : {internal::kCompareAndSetScript, internal::kGetOrLeaseScript}) {
    EXPECT_THAT(redis().command({"SCRIPT", "LOAD", std::string(script.source)}),
                IsOkAndHolds(Eq(script.sha)));
  }
}

TEST_F(RedisCacheTest, FillsGoOnAfterAScriptFlush) {
  const auto cache = cacheOf({.url = redis().url()});
  for (int round = 0; round < 3; ++round) {
    command({"SCRIPT", "FLUSH"});
    std::vector<std::string> keys;
    std::vector<CompareAndSet> fills;
    keys.reserve(300);
    for (int i = 0; i < 300; ++i) keys.push_back(std::to_string(i));
    for (const std::string& key : keys) {
      if (fills.size() % 2 == 0) {
        ASSERT_OK(lease(*cache, key));
      }
      fills.push_back({key, "L", "value", kLong});
    }
    const auto stored = cache->compareAndSet(fills);
    for (std::size_t i = 0; i < stored.size(); ++i) {
      EXPECT_THAT(stored[i], IsOkAndHolds(i % 2 == 0));
    }
    ASSERT_OK(cache->remove(keys));
  }
}

TEST_F(RedisCacheTest, AServerWithoutSetNxGetLeasesByScript) {
  // A server whose version is not known is taken for an old one.
  command({"ACL", "SETUSER", "bob", "on", ">secret", "~*", "+@all", "-info"});
  const auto cache = cacheOf({.url = urlAs("bob:secret")});
  ASSERT_OK_AND_ASSIGN(const LeaseReply first, lease(*cache, "a", "L-first"));
  EXPECT_TRUE(first.leased);
  EXPECT_EQ(first.found, std::nullopt);
  ASSERT_OK_AND_ASSIGN(const LeaseReply second, lease(*cache, "a", "L-second"));
  EXPECT_FALSE(second.leased);
  EXPECT_THAT(second.found, Optional(std::string("L-first")));
  EXPECT_THAT(redis().command({"PTTL", "a"}), IsOkAndHolds(Not(Eq("-1"))));
  // Like the native command, the script is refused by a replica even where there is something.
  command({"REPLICAOF", "127.0.0.1", "1"});
  EXPECT_THAT(lease(*cache, "a"), StatusIs(StatusCode::kUnavailable));
}

// ---- Many keys ----

// Four keys and more were read before they were leased, so that a fetch of keys that were not there
// took two round trips.
TEST_F(RedisCacheTest, ManyKeysThatWereNotThereTakeOneRoundTrip) {
  const auto cache = cacheOf({.url = redis().url()});
  ASSERT_OK(cache->ping());
  const auto statistic = [this](const std::string& section, const std::string& name) {
    const std::string info = redis().command({"INFO", section}).value_or("");
    const std::size_t at = info.find(name);
    return at == std::string::npos ? 0 : std::atoi(info.c_str() + at + name.size());
  };
  // Times that the server found commands on a connection.
  const auto reads_between = [&](const auto& call) {
    const int before = statistic("stats", "total_reads_processed:");
    call();
    return statistic("stats", "total_reads_processed:") - before;
  };
  const int by_asking = reads_between([] {});
  const auto reads_during = [&](const auto& call) { return reads_between(call) - by_asking; };
  for (const std::size_t count : {4UL, 5UL, 15UL, 16UL, 64UL}) {
    std::vector<std::string> keys;
    for (std::size_t i = 0; i < count; ++i) keys.push_back(absl::StrCat("of", count, ":", i));
    std::vector<LeaseRequest> requests;
    for (const std::string& key : keys) requests.push_back({key, "L"});
    const auto fetch = [&](bool is_leased) {
      return reads_during([&] {
        for (const auto& reply : cache->getOrLease(requests, kLong)) {
          ASSERT_OK(reply);
          EXPECT_EQ(reply->leased, is_leased);
        }
      });
    };
    EXPECT_EQ(fetch(true), 1) << count << " that were never there";
    for (const std::string& key : keys) ASSERT_THAT(fill(*cache, key), IsOkAndHolds(true));
    EXPECT_EQ(fetch(false), 1) << count;
    const int leases = statistic("commandstats", "cmdstat_set:calls=");
    EXPECT_EQ(fetch(false), 1) << count;
    EXPECT_EQ(statistic("commandstats", "cmdstat_set:calls="), leases) << "read, which is cheaper";
    ASSERT_OK(cache->remove(keys));
    EXPECT_EQ(fetch(true), 1) << count << " that this client has removed";
    EXPECT_EQ(fetch(false), 1) << count;
    command({"UNLINK", keys.back()});
    EXPECT_EQ(reads_during([&] { EXPECT_TRUE(cache->getOrLease(requests, kLong).back()->leased); }),
              2)
        << count << ", of which another client has removed one";
  }
}

// ---- What is stored ----

TEST_F(RedisCacheTest, SomethingElseThanATextIsAnErrorOfItsKeyAlone) {
  command({"LPUSH", "list", "x"});
  const auto cache = cacheOf({.url = redis().url()});
  const std::vector<LeaseRequest> requests{{"a", "L"}, {"list", "L"}, {"b", "L"}};
  const auto replies = cache->getOrLease(requests, kLong);
  ASSERT_OK(replies[0]);
  EXPECT_TRUE(replies[0]->leased);
  EXPECT_THAT(replies[1], StatusIs(StatusCode::kInternal, Not(HasSubstr("list"))));
  ASSERT_OK(replies[2]);
  EXPECT_TRUE(replies[2]->leased);

  EXPECT_THAT(fill(*cache, "list"), StatusIs(StatusCode::kInternal));
  const auto values = cache->getMany(std::vector<std::string>{"list", "a"});
  EXPECT_THAT(values[0], IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_THAT(values[1], IsOkAndHolds(Optional(std::string("L"))));
  EXPECT_OK(removeFrom(*cache, "list"));
}

// B-13
TEST_F(RedisCacheTest, NothingIsEverStoredWithoutATimeToLive) {
  const auto cache = cacheOf({.url = redis().url()});
  ASSERT_OK(cache->set("set", "x", kLong));
  ASSERT_OK(cache->set("longest", "x", absl::Hours(1e9)));
  ASSERT_OK(lease(*cache, "leased"));
  ASSERT_OK(lease(*cache, "filled"));
  EXPECT_THAT(fill(*cache, "filled"), IsOkAndHolds(true));
  for (const char* key : {"set", "longest", "leased", "filled"}) {
    ASSERT_OK_AND_ASSIGN(const std::string millis, redis().command({"PTTL", key}));
    EXPECT_GT(std::stoll(millis), 0) << key;
  }
  EXPECT_THAT(cache->set("a", "x", absl::InfiniteDuration()),
              StatusIs(StatusCode::kInvalidArgument));
}

// B-31
TEST_F(RedisCacheTest, AFlushVoidsLeases) {
  const auto cache = cacheOf({.url = redis().url()});
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(*cache, "a"));
  command({"FLUSHALL"});
  EXPECT_THAT(fill(*cache, "a", reply.incarnation), IsOkAndHolds(false));
  EXPECT_THAT(cache->get("a"), IsOkAndHolds(Eq(std::nullopt)));
}

// ---- A server that cannot store ----

// B-31
TEST_F(RedisCacheTest, OutOfMemoryItStillReadsAndRemovesButLeasesNothing) {
  const auto cache = cacheOf({.url = redis().url()});
  ASSERT_OK(cache->set("a", "x", kLong));
  command({"CONFIG", "SET", "maxmemory", "1"});

  const std::vector<LeaseRequest> requests{{"a", "L"}, {"absent", "L"}};
  const auto replies = cache->getOrLease(requests, kLong);
  ASSERT_OK(replies[0]);
  EXPECT_THAT(replies[0]->found, Optional(std::string("x")));
  EXPECT_FALSE(replies[0]->leased);
  EXPECT_EQ(replies[0]->incarnation, cache->incarnation());
  ASSERT_OK(replies[1]);
  EXPECT_EQ(replies[1]->found, std::nullopt);
  EXPECT_FALSE(replies[1]->leased);

  EXPECT_THAT(cache->set("b", "x", kLong), StatusIs(StatusCode::kResourceExhausted));
  const CompareAndSet fill{"a", "x", "y", kLong};
  EXPECT_THAT(cache->compareAndSet({&fill, 1}).front(), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(cache->get("a"), IsOkAndHolds(Optional(std::string("x"))));
  EXPECT_OK(removeFrom(*cache, "a"));
  EXPECT_EQ(cache->healthCheck().state, HealthState::kPass);
}

TEST_F(RedisCacheTest, AServerThatCannotSaveStillReads) {
  startWith({.redis_args = {"--save", "3600", "1000000", "--dbfilename", "blocked"}});
  const auto cache = cacheOf({.url = redis().url()});
  ASSERT_OK(cache->set("a", "x", kLong));
  // Saving ends in renaming a file to this name.
  std::filesystem::create_directories(servers_->folder() + "/redis/blocked/occupied");
  command({"BGSAVE"});
  EXPECT_TRUE(eventually([&] {
    const auto info = redis().command({"INFO", "persistence"});
    return info.ok() && info->find("rdb_last_bgsave_status:err") != std::string::npos;
  }));
  EXPECT_THAT(cache->set("b", "x", kLong), StatusIs(StatusCode::kResourceExhausted));
  ASSERT_OK_AND_ASSIGN(const LeaseReply reply, lease(*cache, "a"));
  EXPECT_THAT(reply.found, Optional(std::string("x")));
  EXPECT_FALSE(reply.leased);
}

// B-32
TEST_F(RedisCacheTest, AFullReplicaIsNotReadFromAlthoughItAnswersOutOfMemoryFirst) {
  const auto cache = cacheOf({.url = redis().url()});
  ASSERT_OK(cache->set("a", "x", kLong));
  command({"CONFIG", "SET", "replica-ignore-maxmemory", "no"});
  command({"REPLICAOF", "127.0.0.1", "1"});
  command({"CONFIG", "SET", "maxmemory", "1"});
  EXPECT_THAT(redis().command({"SET", "b", "x"}),
              StatusIs(StatusCode::kInternal, HasSubstr("OOM")));
  EXPECT_THAT(lease(*cache, "a"), StatusIs(StatusCode::kUnavailable, HasSubstr("replica")));
}

// ---- Connections ----

// B-80
TEST_F(RedisCacheTest, CreatingOneConnectsToNothing) {
  startWith({.proxied = true});
  const auto cache = cacheOf({.url = redis().url()});
  EXPECT_EQ(cache->incarnation(), Incarnation{});
  EXPECT_EQ(redis().proxy()->acceptedConnections(), 0U);
}

TEST_F(RedisCacheTest, OneCallerUsesOneConnection) {
  startWith({.proxied = true});
  const auto cache = cacheOf({.url = redis().url()});
  for (int i = 0; i < 100; ++i) ASSERT_OK(cache->set("a", "x", kLong));
  ASSERT_OK(cache->ping());
  EXPECT_EQ(redis().proxy()->acceptedConnections(), 1U);
}

TEST_F(RedisCacheTest, ManyCallersShareTheConnectionsThereMayBe) {
  startWith({.proxied = true});
  const auto cache = cacheOf({.url = redis().url(), .max_connections = 3});
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> threads;
    threads.reserve(16);
    for (int i = 0; i < 16; ++i) {
      threads.emplace_back([&, i] {
        const std::string key = std::to_string(i);
        for (int n = 0; n < 50; ++n) {
          if (!cache->set(key, key, kLong).ok()) ++failed;
          const auto value = cache->get(key);
          if (!value.ok() || *value != key) ++failed;
        }
      });
    }
  }
  EXPECT_EQ(failed, 0);
  EXPECT_LE(redis().proxy()->acceptedConnections(), 3U);
}

TEST_F(RedisCacheTest, AConnectionThatDiedUnusedIsReplacedUnnoticed) {
  const auto cache = cacheOf({.url = redis().url()});
  ASSERT_OK(cache->set("a", "x", kLong));
  for (int i = 0; i < 20; ++i) {
    command({"CLIENT", "KILL", "TYPE", "normal"});
    // Looked at only after a millisecond without use.
    const MonotonicTime killed = Clock::system().now();
    while (Clock::system().now() - killed < absl::Milliseconds(2)) command({"PING"});
    EXPECT_THAT(cache->get("a"), IsOkAndHolds(Optional(std::string("x"))));
  }
}

}  // namespace
}  // namespace strata
