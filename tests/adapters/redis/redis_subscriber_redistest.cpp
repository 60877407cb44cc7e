// RedisSubscriber against a real Redis: what it hears, what it says when it may have missed
// something, and that it ends when it is told to.
#include "adapters/redis/client/subscriber.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "strata/base/clock.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/redis/scripted_redis.h"

namespace strata {
namespace {

using internal::IoTime;
using internal::RedisAddress;
using internal::RedisListener;
using internal::RedisSubscriber;
using internal::RedisSubscriberOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::ElementsAre;
using testing::eventually;
using testing::IsOk;
using testing::LocalRedis;
using testing::LocalServers;
using testing::TcpProxy;

// What "promptly" may mean on a busy machine.
constexpr absl::Duration kSoon = absl::Seconds(2);

// Writes down what it is told: "+" subscribed, "+gap", "channel:payload", "-" lost.
class Diary final : public RedisListener {
 public:
  void onSubscribed(Incarnation server, bool after_gap) override {
    EXPECT_NE(server, Incarnation{});
    write(after_gap ? "+gap" : "+");
  }
  void onMessage(std::string_view channel, std::string_view payload) override {
    write(std::string(channel) + ":" + std::string(payload));
  }
  void onLost(const absl::Status& why) override {
    EXPECT_THAT(why, ::testing::Not(IsOk()));
    write("-");
  }

  std::vector<std::string> entries() const {
    const std::lock_guard lock(mutex_);
    return entries_;
  }
  std::ptrdiff_t count(const std::string& entry) const {
    const auto all = entries();
    return std::count(all.begin(), all.end(), entry);
  }

 private:
  void write(std::string entry) {
    const std::lock_guard lock(mutex_);
    entries_.push_back(std::move(entry));
  }

  mutable std::mutex mutex_;
  std::vector<std::string> entries_;
};

template <typename Call>
absl::Duration timeOf(Call call) {
  const MonotonicTime started = Clock::system().now();
  call();
  return Clock::system().now() - started;
}

class RedisSubscriberTest : public ::testing::Test {
 protected:
  LocalRedis& redis() { return servers_->redis(); }
  TcpProxy& proxy() { return *redis().proxy(); }
  void publish(const std::string& channel, const std::string& payload) {
    EXPECT_THAT(redis().command({"PUBLISH", channel, payload}), IsOk());
  }
  RedisSubscriberOptions options(seconds heartbeat = seconds(30)) {
    std::vector<RedisAddress> addresses{{.host = "127.0.0.1", .port = redis().port()}};
    return {.find = [addresses](IoTime /*until*/) -> absl::StatusOr<std::vector<RedisAddress>> {
              return addresses;
            },
            .connect_timeout = seconds(2),
            .heartbeat = heartbeat};
  }
  void listenTo(std::set<std::string> channels, RedisSubscriberOptions how) {
    subscriber_.emplace(std::move(how), std::move(channels), diary_);
  }
  bool hears(const std::string& entry, std::ptrdiff_t times = 1) {
    return eventually([&] { return diary_.count(entry) >= times; });
  }
  // Waits until whatever was published or subscribed to before this call has taken effect.
  bool catchesUp() {
    const IoTime now = steady_clock::now();
    return eventually([&] { return subscriber_->confirmed() > now; });
  }
  void endsPromptly() {
    EXPECT_LT(timeOf([&] { subscriber_.reset(); }), kSoon);
  }

  std::unique_ptr<LocalServers> servers_ =
      LocalServers::start({.redis = true, .proxied = true}).value();
  Diary diary_;
  std::optional<RedisSubscriber> subscriber_;
};

TEST_F(RedisSubscriberTest, HearsItsChannelsInTheOrderOfTheMessages) {
  listenTo({"a", "b"}, options());
  ASSERT_TRUE(hears("+"));
  publish("other", "x");
  for (int i = 0; i < 50; ++i) publish(i % 3 == 0 ? "a" : "b", std::to_string(i));
  publish("a", std::string("\0\r\n*1", 5));
  ASSERT_TRUE(eventually([&] { return diary_.entries().size() >= 52; }));
  const auto entries = diary_.entries();
  ASSERT_EQ(entries.size(), 52U);
  EXPECT_EQ(entries[0], "+");
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(entries[static_cast<std::size_t>(i) + 1],
              (i % 3 == 0 ? "a:" : "b:") + std::to_string(i));
  }
  EXPECT_EQ(entries[51], "a:" + std::string("\0\r\n*1", 5));
  EXPECT_EQ(proxy().acceptedConnections(), 1U);
}

TEST_F(RedisSubscriberTest, ChannelsComeAndGoWithoutAGapForTheOthers) {
  listenTo({"steady"}, options(seconds(1)));
  ASSERT_TRUE(hears("+"));
  for (int i = 0; i < 20; ++i) {
    const std::string channel = "c" + std::to_string(i);
    subscriber_->subscribe(channel);
    publish("steady", std::to_string(2 * i));
    ASSERT_TRUE(eventually([&] {
      return redis().elements({"PUBSUB", "NUMSUB", channel}).value().back() == "1";
    }));
    publish(channel, "x");
    publish("steady", std::to_string(2 * i + 1));
    subscriber_->unsubscribe(channel);
    ASSERT_TRUE(eventually([&] {
      return redis().elements({"PUBSUB", "NUMSUB", channel}).value().back() == "0";
    }));
    publish(channel, "too late");
  }
  ASSERT_TRUE(hears("steady:39"));
  for (int i = 0; i < 40; ++i) EXPECT_EQ(diary_.count("steady:" + std::to_string(i)), 1);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(diary_.count("c" + std::to_string(i) + ":x"), 1);
    EXPECT_EQ(diary_.count("c" + std::to_string(i) + ":too late"), 0);
  }
  EXPECT_EQ(diary_.count("-"), 0);
  EXPECT_EQ(proxy().acceptedConnections(), 1U);
}

TEST_F(RedisSubscriberTest, WhatIsPublishedAfterConfirmationOfANewChannelArrives) {
  listenTo({}, options(seconds(1)));
  for (int i = 0; i < 6; ++i) {
    const std::string channel = "c" + std::to_string(i);
    subscriber_->subscribe(channel);
    ASSERT_TRUE(catchesUp());
    publish(channel, "x");
    ASSERT_TRUE(hears(channel + ":x"));
  }
}

TEST_F(RedisSubscriberTest, ALostStreamIsToldAndTakenUpAgain) {
  listenTo({"a"}, options());
  ASSERT_TRUE(hears("+"));
  EXPECT_THAT(redis().command({"CLIENT", "KILL", "TYPE", "pubsub"}), IsOk());
  ASSERT_TRUE(hears("+gap"));
  publish("a", "x");
  ASSERT_TRUE(hears("a:x"));
  EXPECT_THAT(diary_.entries(), ElementsAre("+", "-", "+gap", "a:x"));

  ASSERT_OK(redis().restart());
  ASSERT_TRUE(hears("+gap", 2));
  publish("a", "y");
  ASSERT_TRUE(hears("a:y"));
  EXPECT_EQ(diary_.count("-"), 2);
}

// B-27
TEST_F(RedisSubscriberTest, AMessageThatIsCutInTheMiddleIsNotHeard) {
  listenTo({"a"}, options());
  ASSERT_TRUE(hears("+"));
  for (const auto how : {TcpProxy::How::kFin, TcpProxy::How::kReset}) {
    const std::ptrdiff_t before = diary_.count("+gap");
    proxy().cutAfter(TcpProxy::Way::kToClient, 20, how);
    publish("a", "a payload that is longer than what gets through");
    ASSERT_TRUE(hears("+gap", before + 1));
  }
  EXPECT_EQ(diary_.count("-"), 2);
  EXPECT_EQ(diary_.entries().size(), 5U);  // "+", and "-" and "+gap" twice
}

// B-26
TEST_F(RedisSubscriberTest, AFrozenServerIsNoticedWithinAboutAHeartbeat) {
  listenTo({"a"}, options(seconds(1)));
  ASSERT_TRUE(hears("+"));
  ASSERT_OK(redis().freeze());
  EXPECT_LT(timeOf([&] { EXPECT_TRUE(hears("-")); }), absl::Seconds(1) + kSoon);
  EXPECT_EQ(subscriber_->confirmed(), std::nullopt);
  ASSERT_OK(redis().resume());
  ASSERT_TRUE(hears("+gap"));
  publish("a", "x");
  ASSERT_TRUE(hears("a:x"));
}

constexpr seconds kHeartbeat(1);

// Takes longer than a heartbeat to write a message down.
class SlowDiary final : public RedisListener {
 public:
  void onSubscribed(Incarnation server, bool after_gap) override {
    diary.onSubscribed(server, after_gap);
  }
  void onMessage(std::string_view channel, std::string_view payload) override {
    is_told.open();
    Clock::system().sleepFor(absl::FromChrono(2 * kHeartbeat));
    diary.onMessage(channel, payload);
  }
  void onLost(const absl::Status& why) override { diary.onLost(why); }

  Diary diary;
  Gate is_told;
};

// The server tells a message, and answers the PING while the listener is still at the message.
TEST(RedisSubscriberAlone, IsNotLostToAListenerWhoTakesLongerThanAHeartbeat) {
  SlowDiary slow;
  std::atomic<int> pings = 0;
  ScriptedRedis server([&](const ScriptedRedis::Words& words, ScriptedRedis::Connection& client) {
    if (words[0] == "SUBSCRIBE") client.send("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n");
    if (words[0] != "PING") return;
    if (++pings == 2) {
      client.send("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n");
      slow.is_told.pass();
    }
    client.send("*2\r\n$4\r\npong\r\n$0\r\n\r\n");
  });
  const std::vector<RedisAddress> addresses{{.host = "127.0.0.1", .port = server.port()}};
  const RedisSubscriber subscriber(
      {.find = [&](IoTime /*until*/) -> absl::StatusOr<std::vector<RedisAddress>> {
         return addresses;
       },
       .connect_timeout = seconds(2),
       .heartbeat = kHeartbeat},
      {"a"}, slow);
  ASSERT_TRUE(eventually([&] { return pings >= 4; }));
  EXPECT_THAT(slow.diary.entries(), ElementsAre("+", "a:x"));
}

TEST_F(RedisSubscriberTest, APartitionOfEitherWayIsNoticed) {
  listenTo({"a"}, options(seconds(1)));
  ASSERT_TRUE(hears("+"));
  std::ptrdiff_t lost = 0;
  for (const auto way : {TcpProxy::Way::kToServer, TcpProxy::Way::kToClient}) {
    proxy().setSilent(way, true);
    ASSERT_TRUE(hears("-", ++lost));
    EXPECT_EQ(subscriber_->confirmed(), std::nullopt);
    proxy().heal();
    ASSERT_TRUE(hears("+gap", lost));
  }
}

TEST_F(RedisSubscriberTest, ConfirmationAdvancesOnlyWhilePingsAreAnswered) {
  listenTo({"a"}, options(seconds(1)));
  ASSERT_TRUE(hears("+"));
  ASSERT_TRUE(catchesUp());
  ASSERT_TRUE(catchesUp());
  const IoTime cut_off = steady_clock::now();
  proxy().setSilent(TcpProxy::Way::kToClient, true);
  // What is confirmed now was asked for before.
  EXPECT_TRUE(eventually([&] {
    const auto confirmed = subscriber_->confirmed();
    EXPECT_LE(confirmed.value_or(IoTime{}), cut_off + milliseconds(5));
    return !confirmed;
  }));
  proxy().heal();
  EXPECT_TRUE(catchesUp());
}

TEST_F(RedisSubscriberTest, AReplicaIsNotListenedTo) {
  ASSERT_OK(redis().command({"REPLICAOF", "127.0.0.1", "1"}));
  listenTo({"a"}, options());
  EXPECT_TRUE(eventually([&] { return proxy().acceptedConnections() >= 3; }));
  EXPECT_EQ(diary_.entries().size(), 0U);
  ASSERT_OK(redis().command({"REPLICAOF", "NO", "ONE"}));
  EXPECT_TRUE(hears("+"));
}

// The first one that hung took all the time there was.
TEST_F(RedisSubscriberTest, OfSeveralAddressesOneThatHangsIsPassedOver) {
  const auto hung = LocalServers::start({.redis = true}).value();
  ASSERT_OK(hung->redis().freeze());
  auto how = options();
  std::vector<RedisAddress> addresses{{.host = "127.0.0.1", .port = hung->redis().port()},
                                      {.host = "127.0.0.1", .port = redis().port()}};
  how.find = [addresses](IoTime /*until*/) -> absl::StatusOr<std::vector<RedisAddress>> {
    return addresses;
  };
  how.connect_timeout = milliseconds(500);
  listenTo({"a"}, how);
  EXPECT_TRUE(hears("+"));
}

// ---- The end ----

TEST_F(RedisSubscriberTest, EndsPromptlyWhileItListens) {
  listenTo({"a"}, options());
  ASSERT_TRUE(hears("+"));
  endsPromptly();
  EXPECT_EQ(diary_.count("-"), 1);
}

TEST_F(RedisSubscriberTest, EndsPromptlyWhileNobodyListensThere) {
  proxy().setMode(TcpProxy::Mode::kRefuse);
  listenTo({"a"}, options());
  endsPromptly();
}

TEST_F(RedisSubscriberTest, EndsPromptlyWhileTheServerIsFrozen) {
  listenTo({"a"}, options());
  ASSERT_TRUE(hears("+"));
  ASSERT_OK(redis().freeze());
  endsPromptly();
  ASSERT_OK(redis().resume());
}

TEST_F(RedisSubscriberTest, EndsWithinTheTimeForConnectingWhileItConnects) {
  ASSERT_OK(redis().freeze());
  auto how = options();
  how.connect_timeout = milliseconds(300);
  listenTo({"a"}, how);
  EXPECT_TRUE(eventually([&] { return proxy().acceptedConnections() >= 1; }));
  endsPromptly();
  ASSERT_OK(redis().resume());
}

TEST_F(RedisSubscriberTest, EndsPromptlyWhileItPausesBetweenAttempts) {
  listenTo({"a"}, options());
  ASSERT_TRUE(hears("+"));
  ASSERT_OK(redis().stop());
  ASSERT_TRUE(hears("-"));
  // By now it pauses for a good part of a second.
  const std::size_t before = proxy().acceptedConnections();
  EXPECT_TRUE(eventually([&] { return proxy().acceptedConnections() >= before + 5; }));
  endsPromptly();
}

}  // namespace
}  // namespace strata
