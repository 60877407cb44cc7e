// A Redis whose host name has several addresses, or is not to be resolved.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strata/adapters/redis/redis_cache.h"
#include "strata/adapters/redis/redis_event_transport.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/net/loopback.h"

namespace strata {
namespace {

using absl::StatusCode;
using internal::Listener;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;
using Hosts = absl::StatusOr<std::vector<std::string>>;

constexpr absl::Duration kPatient = absl::Seconds(4);

testing::LocalRedis& redis() { return testing::sharedServers().redis(); }

RedisOptions optionsOf(HostResolver resolver) {
  return {.url = "redis://cache.test:" + std::to_string(redis().port()),
          .connect_timeout = kPatient,
          .command_timeout = kPatient,
          .resolver = std::move(resolver)};
}

HostResolver finding(std::vector<std::string> addresses) {
  return [addresses = std::move(addresses)](const std::string& host) -> Hosts {
    EXPECT_EQ(host, "cache.test");
    return addresses;
  };
}

// The second address was never tried.
TEST(RedisNames, TheSecondAddressIsUsedWhereNobodyIsAtTheFirst) {
  const Listener gone(Listener::Answers::kNever, redis().port(), 2);
  const auto cache = RedisCache::create(optionsOf(finding({"127.0.0.2", "127.0.0.1"}))).value();
  EXPECT_THAT(cache->ping(), IsOk());
}

TEST(RedisNames, TheSecondAddressIsUsedWhereTheFirstAcceptsAndIsSilent) {
  const Listener silent(Listener::Answers::kYes, redis().port(), 2);
  const auto cache = RedisCache::create(optionsOf(finding({"127.0.0.2", "127.0.0.1"}))).value();
  EXPECT_THAT(cache->ping(), IsOk());
}

TEST(RedisNames, TheDefaultTimeoutIsEnoughForTwoAddresses) {
  const Listener gone(Listener::Answers::kNever, redis().port(), 2);
  RedisOptions options = optionsOf(finding({"127.0.0.2", "127.0.0.1"}));
  options.connect_timeout = RedisOptions().connect_timeout;
  const auto cache = RedisCache::create(options).value();
  // A busy machine may need more than one attempt.
  EXPECT_TRUE(eventually([&] { return cache->ping().ok(); }));
}

TEST(RedisNames, AnEventHubListensAtTheSecondAddressToo) {
  const Listener gone(Listener::Answers::kNever, redis().port(), 2);
  EventHubOptions options;
  options.app = "names";
  const auto hub =
      makeEventHub(makeRedisEventTransport(optionsOf(finding({"127.0.0.2", "127.0.0.1"}))).value(),
                   options)
          .value();
  const EventChannel channel{"conversation", "one"};
  const auto events = hub->subscribe(channel).value();
  EXPECT_THAT(events->waitUntilLive(Deadline::in(absl::Minutes(1))), IsOk());
}

// A wrong password is told at once: another address would say the same, or nothing.
TEST(RedisNames, WhatOneAddressRefusesIsNotAskedOfTheNext) {
  const Listener gone(Listener::Answers::kNever, redis().port(), 2);
  RedisOptions options = optionsOf(finding({"127.0.0.1", "127.0.0.2"}));
  options.password = "wrong";
  EXPECT_THAT(RedisCache::create(options).value()->ping(), StatusIs(StatusCode::kPermissionDenied));
}

TEST(RedisNames, ANameOfNoAddressIsUnavailable) {
  EXPECT_THAT(RedisCache::create(optionsOf(finding({}))).value()->ping(),
              StatusIs(StatusCode::kUnavailable, HasSubstr("the host has no address")));
}

// Every call waited for the name servers.
TEST(RedisNames, ANameThatIsNotResolvedTakesNoLongerThanConnecting) {
  std::latch let_go(1);
  RedisOptions options = optionsOf([&](const std::string&) -> Hosts {
    let_go.wait();
    return std::vector<std::string>{"127.0.0.1"};
  });
  options.connect_timeout = absl::Milliseconds(50);
  const auto cache = RedisCache::create(options).value();
  EXPECT_THAT(cache->ping(),
              StatusIs(StatusCode::kDeadlineExceeded, HasSubstr("not resolved in time")));
  let_go.count_down();
  EXPECT_TRUE(eventually([&] { return cache->ping().ok(); }));
}

}  // namespace
}  // namespace strata
