// How callers share a connection (adapters/redis/client/link.h): what goes over the wire, who gets
// which reply, and what ends a connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/cord.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/redis/scripted_redis.h"

namespace strata {
namespace {

using absl::StatusCode;
using ::testing::AnyOf;
using ::testing::Each;
using testing::eventually;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::LocalServers;
using ::testing::Optional;
using testing::StatusIs;
using testing::TcpProxy;
using Connection = ScriptedRedis::Connection;
using Words = ScriptedRedis::Words;

constexpr absl::Duration kLong = absl::Hours(1);
constexpr absl::Duration kPatient = absl::Seconds(10);
// What "at once" and "about the timeout" may mean on a busy machine.
constexpr absl::Duration kSoon = absl::Seconds(2);

std::shared_ptr<RedisCache> cacheOf(RedisOptions options) {
  return RedisCache::create(std::move(options)).value();
}

// Of one connection, to be seen in order on it.
std::shared_ptr<RedisCache> patientCache(const std::string& url,
                                         absl::Duration command_timeout = kPatient) {
  return cacheOf({.url = url,
                  .max_connections = 1,
                  .connect_timeout = kPatient,
                  .command_timeout = command_timeout});
}

auto holds(const std::string& text) { return IsOkAndHolds(Optional(text)); }

// Every key holds itself; whatever else is asked is done.
std::string echo(const Words& words) {
  if (words[0] == "PING") return "+PONG\r\n";
  if (words[0] != "MGET") return "+OK\r\n";
  std::string reply = "*" + std::to_string(words.size() - 1) + "\r\n";
  for (std::size_t i = 1; i < words.size(); ++i) {
    reply += "$" + std::to_string(words[i].size()) + "\r\n" + words[i] + "\r\n";
  }
  return reply;
}

bool isAbout(const Words& words, std::string_view key) {
  return words.size() > 1 && words[1] == key;
}

template <typename Call>
absl::Duration timeOf(Call call) {
  const MonotonicTime started = Clock::system().now();
  call();
  return Clock::system().now() - started;
}

void waitUntil(MonotonicTime time) {
  EXPECT_TRUE(eventually([&] { return Clock::system().now() >= time; }));
}

// ---- What goes over the wire ----

TEST(RedisLink, ALoneCallerNeedsOneConnectionAndOneSendForEachCall) {
  ScriptedRedis server([](const Words& words, Connection& to) { to.send(echo(words)); });
  const auto cache =
      cacheOf({.url = server.url(), .connect_timeout = kPatient, .command_timeout = kPatient});
  ASSERT_OK(cache->set("a", "x", kLong));
  for (int i = 0; i < 100; ++i) EXPECT_THAT(cache->get("a"), holds("a"));
  EXPECT_EQ(server.accepted(), 1U);
  EXPECT_EQ(server.arrivals(), std::vector<std::size_t>(101, 1));
}

TEST(RedisLink, WhatGathersDuringARoundTripIsSentTogether) {
  std::atomic<int> started = 0;
  ScriptedRedis server([&](const Words& words, Connection& to) {
    // The first holds up its reply until all others are on their way.
    if (isAbout(words, "0")) {
      EXPECT_TRUE(eventually([&] { return started >= 16; }));
    }
    to.send(echo(words));
  });
  const auto cache = patientCache(server.url());
  // Whether they have come as far as to be gathered, nobody can tell.
  EXPECT_TRUE(eventually([&] {
    started = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 16; ++i) {
        threads.emplace_back([&, key = std::to_string(i)] {
          ++started;
          EXPECT_THAT(cache->get(key), holds(key));
        });
      }
    }
    const auto arrivals = server.arrivals();
    return *std::max_element(arrivals.begin(), arrivals.end()) >= 8;
  }));
  EXPECT_EQ(server.accepted(), 1U);
}

TEST(RedisLink, OfSixtyFourThreadsEachGetsItsOwnAnswers) {
  const auto servers = LocalServers::start({.redis = true, .proxied = true}).value();
  const auto cache = cacheOf(
      {.url = servers->redis().url(), .connect_timeout = kPatient, .command_timeout = kPatient});
  std::atomic<int> wrong = 0;
  const auto run = [&](int thread) {
    for (int i = 0; i < 50; ++i) {
      const std::string key = std::to_string(thread) + "-" + std::to_string(i);
      // Replies of all sizes: some come in one piece, some in many.
      const std::string value = key + std::string(static_cast<std::size_t>(i * thread * 7), '.');
      if (!cache->set(key, value, kLong).ok()) ++wrong;
      const auto read = cache->get(key);
      if (!read.ok() || *read != value) ++wrong;
      if (!cache->remove({&key, 1}).ok()) ++wrong;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 64; ++i) threads.emplace_back(run, i);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(servers->redis().proxy()->acceptedConnections(), 2U);
}

// ---- Time ----

// Race 12. Its place in the line stays, and its reply is dropped.
// B-27, B-67
TEST(RedisLink, AReplyThatComesAfterItsCallerHasLeftIsGivenToNobody) {
  Gate gate;
  ScriptedRedis server([&](const Words& words, Connection& to) {
    if (isAbout(words, "held")) gate.pass();
    to.send(echo(words));
  });
  const auto cache = patientCache(server.url());
  ASSERT_OK(cache->ping());
  EXPECT_LT(timeOf([&] {
              EXPECT_THAT(cache->get("held", Deadline::in(absl::Milliseconds(20))),
                          StatusIs(StatusCode::kDeadlineExceeded));
            }),
            kSoon);
  std::jthread next([&] { EXPECT_THAT(cache->get("next"), holds("next")); });
  gate.awaitSomebody();
  gate.open();
  next.join();
  EXPECT_THAT(cache->get("last"), holds("last"));
  EXPECT_EQ(server.accepted(), 1U);
}

TEST(RedisLink, ShortDeadlinesEndAtOnceWhileOthersGoOn) {
  Gate gate;
  ScriptedRedis server([&](const Words& words, Connection& to) {
    if (isAbout(words, "held")) gate.pass();
    to.send(echo(words));
  });
  const auto cache = patientCache(server.url());
  ASSERT_OK(cache->ping());
  std::vector<std::jthread> patient;
  patient.emplace_back([&] { EXPECT_THAT(cache->get("held"), holds("held")); });
  gate.awaitSomebody();
  for (int i = 0; i < 8; ++i) {
    patient.emplace_back(
        [&, key = "patient" + std::to_string(i)] { EXPECT_THAT(cache->get(key), holds(key)); });
  }
  {
    std::vector<std::jthread> hasty;
    for (int i = 0; i < 32; ++i) {
      hasty.emplace_back([&, key = "hasty" + std::to_string(i), i] {
        EXPECT_LT(timeOf([&] {
                    EXPECT_THAT(cache->get(key, Deadline::in(absl::Milliseconds(1 + i))),
                                StatusIs(StatusCode::kDeadlineExceeded));
                  }),
                  kSoon);
      });
    }
  }
  gate.open();
  patient.clear();
  EXPECT_THAT(cache->get("last"), holds("last"));
  EXPECT_EQ(server.accepted(), 1U);
}

// B-26
TEST(RedisLink, AConnectionThatOwesAReplyPastItsTimeoutIsClosedAndAllOnItAreTold) {
  constexpr absl::Duration kTimeout = absl::Seconds(1);
  Gate gate;
  ScriptedRedis server([&](const Words& words, Connection& to) {
    if (isAbout(words, "held")) gate.pass();
    to.send(echo(words));
  });
  const auto cache = patientCache(server.url(), kTimeout);
  ASSERT_OK(cache->ping());
  const MonotonicTime started = Clock::system().now();
  EXPECT_THAT(cache->get("held", Deadline::in(absl::Milliseconds(10))),
              StatusIs(StatusCode::kDeadlineExceeded));
  // They are sent behind the one that is not answered, and have time left when it has none.
  waitUntil(started + kTimeout / 2);
  std::jthread reading([&] { EXPECT_THAT(cache->get("read"), holds("read")); });
  // A write is not repeated, for nobody knows whether it was done.
  EXPECT_THAT(cache->set("a", "x", kLong),
              AnyOf(StatusIs(StatusCode::kUnavailable, HasSubstr("unknown")), IsOk()));
  reading.join();
  EXPECT_LT(Clock::system().now() - started, kTimeout + kSoon);
  EXPECT_EQ(server.accepted(), 2U);
  gate.open();
  EXPECT_THAT(cache->get("last"), holds("last"));
}

TEST(RedisLink, WhatWasNotSentYetGoesOutOnTheNextConnection) {
  constexpr absl::Duration kTimeout = absl::Seconds(1);
  Gate gate;
  ScriptedRedis server([&](const Words& words, Connection& to) {
    if (isAbout(words, "held")) gate.pass();
    to.send(echo(words));
  });
  const auto cache = patientCache(server.url(), kTimeout);
  ASSERT_OK(cache->get("warm"));
  const MonotonicTime started = Clock::system().now();
  std::jthread leading(
      [&] { EXPECT_THAT(cache->get("held"), StatusIs(StatusCode::kDeadlineExceeded)); });
  gate.awaitSomebody();
  waitUntil(started + kTimeout / 2);
  // Queued behind the leader, which hears nothing.
  EXPECT_OK(cache->set("a", "x", kLong));
  leading.join();
  gate.open();
  EXPECT_EQ(server.accepted(), 2U);
  EXPECT_THAT(server.arrivals(), Each(1U));
}

// It went on for as long as bytes came, for each wait was short.
TEST(RedisLink, AReplyThatTricklesInTakesNoLongerThanOneThatDoesNotCome) {
  Gate end;
  ScriptedRedis server([&](const Words& words, Connection& to) {
    if (!isAbout(words, "slow")) return to.send(echo(words));
    for (const char byte : "*1\r\n$400\r\n" + std::string(400, '.')) {
      to.send({&byte, 1});
      if (end.passWithin(absl::Milliseconds(20))) return;
    }
  });
  const auto cache = patientCache(server.url(), absl::Milliseconds(200));
  ASSERT_OK(cache->set("a", "x", kLong));
  for (const Deadline deadline : {Deadline::never(), Deadline::in(absl::Milliseconds(300))}) {
    EXPECT_LT(timeOf([&] {
                EXPECT_THAT(cache->get("slow", deadline), StatusIs(StatusCode::kDeadlineExceeded));
              }),
              kSoon);
  }
  end.open();
}

// ---- Connections that end ----

TEST(RedisLink, AConnectionThatWasIdleForLongIsReplaced) {
  ScriptedRedis server([](const Words& words, Connection& to) { to.send(echo(words)); });
  const auto cache = cacheOf({.url = server.url(),
                              .connect_timeout = kPatient,
                              .command_timeout = kPatient,
                              .idle_timeout = absl::Milliseconds(20)});
  for (std::size_t round = 1; round <= 3; ++round) {
    EXPECT_THAT(cache->get("a"), holds("a"));
    EXPECT_EQ(server.accepted(), round);
    waitUntil(Clock::system().now() + absl::Milliseconds(25));
  }
}

// B-27
TEST(RedisLink, WhatNobodyAskedForClosesTheConnection) {
  ScriptedRedis server([](const Words& words, Connection& to) {
    to.send(echo(words) + (isAbout(words, "extra") ? "+stale\r\n" : ""));
  });
  const auto cache = patientCache(server.url());
  for (std::size_t round = 1; round <= 3; ++round) {
    EXPECT_THAT(cache->get("extra"), holds("extra"));
    EXPECT_THAT(cache->get("next"), holds("next"));
    EXPECT_EQ(server.accepted(), round + 1);
  }
}

// B-27
TEST(RedisLink, BytesThatAreNoReplyCloseTheConnectionAndAreUnavailable) {
  ScriptedRedis server([](const Words& words, Connection& to) {
    to.send(isAbout(words, "bad") ? "HTTP/1.1 400 Bad Request\r\n\r\n" : echo(words));
  });
  const auto cache = patientCache(server.url());
  EXPECT_THAT(cache->set("bad", "x", kLong), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(cache->get("good"), holds("good"));
  EXPECT_EQ(server.accepted(), 2U);
  // What does no harm is tried once more.
  EXPECT_THAT(cache->get("bad"), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(server.accepted(), 3U);
  EXPECT_THAT(cache->get("good"), holds("good"));
}

TEST(RedisLink, AReadThatAClosedConnectionCutOffIsRepeatedOnceAndAWriteIsNot) {
  std::atomic<int> reads = 0;
  std::atomic<int> writes = 0;
  ScriptedRedis server([&](const Words& words, Connection& to) {
    if (isAbout(words, "cut") && (words[0] == "MGET" ? ++reads : ++writes) < 3) return to.close();
    to.send(echo(words));
  });
  const auto cache = patientCache(server.url());
  EXPECT_THAT(cache->get("cut"), StatusIs(StatusCode::kUnavailable, HasSubstr("unknown")));
  EXPECT_EQ(reads, 2);
  EXPECT_THAT(cache->get("cut"), holds("cut"));
  EXPECT_THAT(cache->set("cut", "x", kLong), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(writes, 1);
}

// A server executed late what had been sent on a connection that was cut off. For a lease that had
// been sent again that meant: it came back after a deletion, and its reader's old value was stored.
TEST(RedisLink, ALeaseThatAClosedConnectionCutOffIsNotSentAgain) {
  std::atomic<int> leases = 0;
  ScriptedRedis server([&](const Words& words, Connection& to) {
    if (words[0] != "SET") return to.send(echo(words));
    ++leases;
    to.close();
  });
  const auto cache = patientCache(server.url());
  std::vector<LeaseRequest> requests{{"cut", "L"}};
  EXPECT_THAT(cache->getOrLease(requests, kLong).front(), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(leases, 1);
}

// ---- Leaving a dead server alone ----

// B-25, B-26
TEST(RedisLink, AServerThatHangsIsNotConnectedToByEveryCall) {
  const auto servers = LocalServers::start({.redis = true, .proxied = true}).value();
  TcpProxy& proxy = *servers->redis().proxy();
  // It answers, but nobody hears of it.
  proxy.setSilent(TcpProxy::Way::kToClient, true);
  const auto cache = cacheOf({.url = servers->redis().url()});
  // The fifth failure in a row earns it 160 ms at least.
  EXPECT_TRUE(eventually([&] {
    EXPECT_THAT(cache->get("a"),
                StatusIs(AnyOf(StatusCode::kUnavailable, StatusCode::kDeadlineExceeded)));
    return proxy.acceptedConnections() >= 5;
  }));
  const std::size_t before = proxy.acceptedConnections();
  const absl::Duration took = timeOf([&] {
    for (int i = 0; i < 200; ++i) {
      EXPECT_THAT(cache->get("a"),
                  StatusIs(AnyOf(StatusCode::kUnavailable, StatusCode::kDeadlineExceeded)));
    }
  });
  EXPECT_LE(proxy.acceptedConnections() - before, 1 + took / absl::Milliseconds(160));
  EXPECT_THAT(cache->get("a"), StatusIs(StatusCode::kUnavailable, HasSubstr("a moment ago")));

  // A ping insists.
  const std::size_t without = proxy.acceptedConnections();
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_FALSE(cache->ping().ok());
    EXPECT_EQ(proxy.acceptedConnections(), without + i);
  }
  proxy.heal();
  // B-28
  EXPECT_OK(cache->ping());
  EXPECT_OK(cache->set("a", "x", kLong));
}

// While a server is left alone, callers get the last failure in other words; what a program's own
// source of passwords had put into it was lost.
TEST(RedisLink, AFailureOfAMomentAgoKeepsItsPayloads) {
  const auto cache =
      cacheOf({.url = "redis://127.0.0.1:1", .password_source = []() -> absl::StatusOr<Secret> {
                 absl::Status failed = absl::PermissionDeniedError("sealed");
                 failed.SetPayload("example.com/ticket", absl::Cord("17"));
                 return failed;
               }});
  bool was_left_alone = false;
  EXPECT_TRUE(eventually([&] {
    const absl::Status failed = cache->get("a").status();
    EXPECT_EQ(failed.GetPayload("example.com/ticket"), absl::Cord("17")) << failed;
    was_left_alone |= failed.message().find("a moment ago") != std::string::npos;
    return was_left_alone;
  }));
}

TEST(RedisLink, AServerThatHangsUpAtTheFirstCommandIsLeftAloneBetweenConnections) {
  const ScriptedRedis server([](const Words&, auto& connection) { connection.close(); });
  // With time for a server that is a busy machine's thread: this is about what it does.
  const auto cache = patientCache(server.url());
  constexpr absl::Duration kHalfOfTheFirst = absl::Milliseconds(10);
  const MonotonicTime started = Clock::system().now();
  absl::Duration took;
  EXPECT_TRUE(eventually([&] {
    EXPECT_THAT(cache->get("a"), StatusIs(StatusCode::kUnavailable));
    took = Clock::system().now() - started;
    return took >= absl::Milliseconds(500) && server.accepted() >= 5;
  }));
  // Three at once; then after 20, 40, 80, 160 and 320 ms, or half of that.
  EXPECT_LE(static_cast<double>(server.accepted()), 6 + std::log2(took / kHalfOfTheFirst + 1.0));
}

}  // namespace
}  // namespace strata
