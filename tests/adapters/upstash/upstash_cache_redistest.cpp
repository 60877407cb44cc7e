// The REST adapter on a proxy like Upstash's: what it stores, whom it trusts, many at once.
#include <atomic>
#include <barrier>
#include <thread>

#include "tests/adapters/upstash/upstash_fixture.h"

namespace strata {
namespace {

using absl::StatusCode;
using ::testing::AnyOf;
using ::testing::Eq;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::Not;
using ::testing::Optional;
using testing::StatusIs;
using testing::UpstashProxy;

TEST_F(UpstashTest, IsUsedLikeThis) {
  const Secret url = proxy_->url();
  const Secret token = "the-token";
  auto cache = UpstashCache::create({.url = url, .token = token, .max_connections = 8});
  ASSERT_THAT(cache, IsOk());  // InvalidArgument says what is wrong with an option
  const absl::Status answers = (*cache)->ping();
  EXPECT_THAT(answers, IsOk());
}

// ---- What is stored ----

TEST_F(UpstashTest, StoresWhatOtherClientsOfTheDatabaseCanFind) {
  ASSERT_OK(cache_->set("schön", "{\"plain\": true}", kLong));
  EXPECT_THAT(redis().command({"GET", "schön"}), IsOkAndHolds("{\"plain\": true}"));
  ASSERT_OK(cache_->set("\xff", "\xff", kLong));
  EXPECT_THAT(redis().command({"GET", "%bytes:ÿ"}), IsOkAndHolds("ÿ"));
}

TEST_F(UpstashTest, ReturnsWhatAnotherProgramStoredAsItIs) {
  for (const std::string& foreign :
       {std::string("€"), std::string("\xff\xfe"), std::string("OK")}) {
    ASSERT_OK(redis().command({"SET", "a", foreign}));
    EXPECT_THAT(cache_->get("a"), IsOkAndHolds(Optional(foreign)));
    EXPECT_THAT(lease(*cache_, "a")->found, Optional(foreign));
  }
}

TEST_F(UpstashTest, SomethingElseThanATextIsAnErrorOfThatKeyAlone) {
  ASSERT_OK(redis().command({"LPUSH", "list", "x"}));
  ASSERT_OK(cache_->set("text", "x", kLong));
  const std::vector<LeaseRequest> requests{{"list", "L"}, {"text", "L"}};
  const auto replies = cache_->getOrLease(requests, kLong);
  EXPECT_THAT(replies[0], StatusIs(StatusCode::kInternal, HasSubstr("WRONGTYPE")));
  EXPECT_THAT(replies[1], IsOk());
  EXPECT_THAT(fill(*cache_, "list"), StatusIs(StatusCode::kInternal));
  EXPECT_THAT(cache_->get("list"), IsOkAndHolds(Eq(std::nullopt)));
}

// What decides whether a fill is stored is a comparison of texts; it must be one of bytes.
TEST_F(UpstashTest, FillsWhatBeginsAsExpectedForPrefixesOfEveryLength) {
  std::string cell = "L";
  for (int i = 0; i < 60; ++i) cell.push_back(static_cast<char>(i * 37 + 120));
  for (std::size_t length = 0; length <= cell.size(); ++length) {
    const std::string prefix = cell.substr(0, length);
    ASSERT_OK(cache_->set("a", cell, kLong));
    if (length > 0) {
      for (const int difference : {1, 0x40, 0x80}) {
        std::string other = prefix;
        other.back() = static_cast<char>(other.back() ^ difference);
        EXPECT_THAT(fill(*cache_, "a", other), IsOkAndHolds(false)) << length;
      }
    }
    EXPECT_THAT(fill(*cache_, "a", cell + "\x01"), IsOkAndHolds(false));
    EXPECT_THAT(fill(*cache_, "a", prefix), IsOkAndHolds(true)) << length;
  }
}

TEST_F(UpstashTest, RefusesAFillForTheLifeOfAServerWithoutAskingIt) {
  ASSERT_OK(cache_->set("a", "L", kLong));
  const std::size_t before = proxy_->requests();
  EXPECT_THAT(fill(*cache_, "a", "L", Incarnation{7}), IsOkAndHolds(false));
  EXPECT_EQ(proxy_->requests(), before);
}

TEST_F(UpstashTest, SendsManyInFewRequestsOnOneConnection) {
  std::vector<std::string> keys;
  std::vector<LeaseRequest> requests;
  for (int i = 0; i < 600; ++i) keys.push_back("key" + std::to_string(i));
  for (const std::string& key : keys) requests.push_back({key, "L"});
  for (const auto& reply : cache_->getOrLease(requests, kLong)) ASSERT_THAT(reply, IsOk());
  EXPECT_EQ(proxy_->requests(), 3U);
  EXPECT_EQ(proxy_->lastTarget(), "/pipeline");
  for (const auto& value : cache_->getMany(keys)) {
    EXPECT_THAT(value, IsOkAndHolds(Optional(std::string("L"))));
  }
  EXPECT_OK(cache_->remove(keys));
  EXPECT_EQ(proxy_->requests(), 5U);
  EXPECT_EQ(proxy_->connections(), 1U);
}

TEST_F(UpstashTest, SplitsWhatIsTooMuchForOneRequest) {
  const std::string big(300 << 10, 'x');
  const std::vector<std::string> keys{"a", "b", "c"};
  std::vector<LeaseRequest> requests;
  for (const std::string& key : keys) requests.push_back({key, big});
  for (const auto& reply : cache_->getOrLease(requests, kLong)) EXPECT_TRUE(reply->leased);
  EXPECT_EQ(proxy_->requests(), 3U);
}

TEST_F(UpstashTest, CarriesTheNewestSyncToken) {
  ASSERT_OK(cache_->ping());
  ASSERT_OK(cache_->set("a", "x", kLong));
  ASSERT_OK(cache_->get("a"));
  EXPECT_THAT(proxy_->syncTokens(), ::testing::ElementsAre("", "token-1", "token-2"));
}

TEST_F(UpstashTest, KeepsThePathOfTheUrl) {
  UpstashOptions options = optionsFor(*proxy_);
  options.url = proxy_->url() + "/echo/";
  const auto cache = UpstashCache::create(options).value();
  EXPECT_OK(cache->ping());
  EXPECT_EQ(proxy_->lastTarget(), "/echo/");
}

// ---- Who may ----

// B-33, B-79
TEST_F(UpstashTest, AWrongTokenIsRefusedAndNotPrinted) {
  UpstashOptions options = optionsFor(*proxy_);
  options.token = "wrong-secret";
  const auto cache = UpstashCache::create(options).value();
  for (const absl::Status& status : everyCall(*cache)) {
    EXPECT_THAT(status, StatusIs(StatusCode::kPermissionDenied, HasSubstr("token")));
    EXPECT_THAT(describe(status), Not(HasSubstr("wrong-secret")));
  }
  const Health health = cache->healthCheck();
  EXPECT_EQ(health.state, HealthState::kFail);
  EXPECT_EQ(health.backend, "upstash");
  EXPECT_THAT(health.error, Not(HasSubstr("wrong-secret")));
}

// A cache that could not be filled was healthy.
TEST_F(UpstashTest, AReadOnlyTokenMayNotLeaseAndHealthSaysSo) {
  UpstashOptions options = optionsFor(*proxy_);
  options.token = "the-read-only-token";
  const auto cache = UpstashCache::create(options).value();
  EXPECT_THAT(cache->ping(), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_EQ(cache->healthCheck().state, HealthState::kFail);
  EXPECT_THAT(lease(*cache, "a"), StatusIs(StatusCode::kPermissionDenied));
  const std::vector<LeaseRequest> two{{"a", "L"}, {"b", "L"}};
  for (const auto& reply : cache->getOrLease(two, kLong)) {
    EXPECT_THAT(reply, StatusIs(StatusCode::kPermissionDenied));
  }
}

TEST_F(UpstashTest, SpeaksTlsToAServerThatItTrusts) {
  const auto proxy = encryptedProxy();
  const auto cache = UpstashCache::create(optionsFor(*proxy)).value();
  EXPECT_OK(cache->set("a", std::string(1 << 20, '\xff'), kLong));
  EXPECT_THAT(cache->get("a"), IsOkAndHolds(Optional(std::string(1 << 20, '\xff'))));
  EXPECT_EQ(proxy->connections(), 1U);
}

// B-33
TEST_F(UpstashTest, RefusesACertificateThatItDoesNotTrust) {
  const auto proxy = encryptedProxy();
  UpstashOptions options = optionsFor(*proxy);
  for (const std::string& ca_file : {std::string(), certificates().otherCaFile()}) {
    options.tls.ca_file = ca_file;
    const auto cache = UpstashCache::create(options).value();
    EXPECT_THAT(cache->ping(), StatusIs(StatusCode::kPermissionDenied, HasSubstr("certificate")));
    EXPECT_THAT(cache->healthCheck().error, HasSubstr("certificate"));
  }
  EXPECT_EQ(proxy->requests(), 0U) << "the token did not leave this process";
}

// B-33
TEST_F(UpstashTest, RefusesACertificateOfAnotherHostAndOneThatIsOver) {
  const auto elsewhere =
      encryptedProxy(certificates().otherHostCertificateFile(), certificates().otherHostKeyFile());
  EXPECT_THAT(UpstashCache::create(optionsFor(*elsewhere)).value()->ping(),
              StatusIs(StatusCode::kPermissionDenied));
  const auto expired =
      encryptedProxy(certificates().expiredCertificateFile(), certificates().expiredKeyFile());
  EXPECT_THAT(UpstashCache::create(optionsFor(*expired)).value()->ping(),
              StatusIs(StatusCode::kPermissionDenied, HasSubstr("expired")));
}

TEST_F(UpstashTest, ShowsItsOwnCertificateWhereAsked) {
  const auto proxy =
      UpstashProxy::start({.redis_socket = redis().socketPath(),
                           .certificate_file = certificates().serverCertificateFile(),
                           .key_file = certificates().serverKeyFile(),
                           .client_ca_file = certificates().caFile()});
  UpstashOptions options = optionsFor(*proxy);
  EXPECT_THAT(UpstashCache::create(options).value()->ping(),
              StatusIs(AnyOf(StatusCode::kPermissionDenied, StatusCode::kUnavailable)));
  options.tls.certificate_file = certificates().clientCertificateFile();
  options.tls.private_key_file = certificates().clientKeyFile();
  EXPECT_OK(UpstashCache::create(options).value()->ping());
}

// B-33
TEST_F(UpstashTest, TlsToAPlainPortAndTheOtherWayRoundAreClearErrors) {
  UpstashOptions options = optionsFor(*proxy_);
  options.url = "https://localhost:" + std::to_string(proxy_->port());
  EXPECT_THAT(UpstashCache::create(options).value()->ping(),
              StatusIs(StatusCode::kUnavailable, HasSubstr("TLS")));
  const auto encrypted = encryptedProxy();
  options.url = "http://localhost:" + std::to_string(encrypted->port());
  EXPECT_THAT(UpstashCache::create(options).value()->ping(),
              StatusIs(AnyOf(StatusCode::kInternal, StatusCode::kUnavailable)));
}

// ---- Many at once ----

// B-27
TEST_F(UpstashTest, ManyThreadsNeverGetEachOthersAnswers) {
  constexpr int kThreads = 64;
  const auto proxy = encryptedProxy();
  UpstashOptions options = optionsFor(*proxy);
  options.max_connections = 8;
  options.request_timeout = absl::Minutes(2);
  const auto cache = UpstashCache::create(options).value();
  std::atomic<int> wrong = 0;
  std::atomic<bool> done = false;
  std::barrier together(kThreads);
  const auto run = [&](int thread) {
    together.arrive_and_wait();
    for (int i = 0; i < 20; ++i) {
      const std::string key = "key-" + std::to_string(thread) + "-" + std::to_string(i % 3);
      // Connections are closed under way, so that a call may fail; an answer must be the right one.
      cache->set(key, "value of " + key, kLong).IgnoreError();
      const auto value = cache->get(key);
      if (value.ok() && *value && **value != "value of " + key) ++wrong;
      const auto reply = lease(*cache, key, "value of " + key);
      if (reply.ok() && reply->found && *reply->found != "value of " + key) ++wrong;
    }
  };
  {
    std::jthread breaker([&] {
      std::size_t seen = 0;
      while (!done) {
        const bool more =
            testing::eventually([&] { return done || proxy->requests() > seen + 200; });
        seen = proxy->requests();
        if (more) proxy->closeConnections();
      }
    });
    {
      std::vector<std::jthread> threads;
      threads.reserve(kThreads);
      for (int i = 0; i < kThreads; ++i) threads.emplace_back(run, i);
    }
    done = true;
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_OK(cache->ping());
  EXPECT_GE(proxy->requests(), 1000U);
}

TEST_F(UpstashTest, KeepsToItsNumberOfConnections) {
  UpstashOptions options = optionsFor(*proxy_);
  options.max_connections = 4;
  const auto cache = UpstashCache::create(options).value();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 32; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 10; ++round) EXPECT_OK(cache->ping());
      });
    }
  }
  EXPECT_LE(proxy_->connections(), 4U);
  EXPECT_EQ(proxy_->requests(), 320U);
}

}  // namespace
}  // namespace strata
