// Transports that tell a RecordingEventReceiver, and what tests of their faults ask of them.
#pragma once

#include <gtest/gtest.h>
#include <malloc.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "strata/testing/fakes/recording_event_receiver.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::testing {

struct EventNode {
  explicit EventNode(std::unique_ptr<EventTransport> made) : transport(std::move(made)) {}

  absl::Status start() const { return transport->start(receiver, Deadline::in(absl::Seconds(20))); }
  absl::Status listenTo(const std::string& channel) const {
    transport->subscribe(channel);
    return transport->waitUntilSubscribed(channel, Deadline::in(absl::Seconds(20)));
  }
  absl::Status send(const std::string& channel, const std::string& payload) const {
    const EventMessage message{channel, payload};
    return transport->send({&message, 1}, Deadline::in(absl::Seconds(5)));
  }
  // Again and again, as a hub does, until it has been sent.
  [[nodiscard]] bool sends(const std::string& channel, const std::string& payload) const {
    return eventually([&] { return send(channel, payload).ok(); }, absl::Seconds(60));
  }
  [[nodiscard]] bool isToldOfGaps(int count) const {
    return eventually([&] { return receiver.gaps() >= count; }, absl::Seconds(60));
  }
  // `channel`: one that it listens to.
  [[nodiscard]] bool noticesThatItIsLost(const std::string& channel) const {
    return eventually([&] {
      return absl::IsUnavailable(
          transport->waitUntilSubscribed(channel, Deadline::in(absl::ZeroDuration())));
    });
  }

  mutable RecordingEventReceiver receiver;
  const std::unique_ptr<EventTransport> transport;
};

// Alice sends, and Bob listens to "a" and "b". Whoever derives from it makes both.
class EventFaults : public ::testing::Test {
 protected:
  explicit EventFaults(const LocalServersOptions& options)
      : servers_(LocalServers::start(options).value()) {}

  void SetUp() override {
    ASSERT_OK(alice_->start());
    ASSERT_OK(bob_->start());
    ASSERT_OK(bob_->listenTo("a"));
    ASSERT_OK(bob_->listenTo("b"));
    hearsInOrder("before");
  }
  // The second of three is more than fits a NOTIFY.
  void hearsInOrder(const std::string& word) const {
    const std::string long_one = word + std::string(9000, '.');
    for (const std::string channel : {"a", "b"}) {
      ASSERT_TRUE(alice_->sends(channel, word + " 1"));
      ASSERT_TRUE(alice_->sends(channel, long_one));
      ASSERT_TRUE(alice_->sends(channel, word + " 2"));
      ASSERT_TRUE(bob_->receiver.hears(channel, word + " 2"));
      const auto heard = bob_->receiver.heard(channel);
      EXPECT_EQ(heard[heard.size() - 2], long_one);
    }
  }
  // `proxy`: the one that Bob listens through.
  void isToldOfOneGapForEachCut(TcpProxy& proxy) const {
    for (int cuts = 1; cuts <= 3; ++cuts) {
      proxy.resetConnections();
      ASSERT_TRUE(bob_->isToldOfGaps(cuts));
      hearsInOrder("after " + std::to_string(cuts));
      EXPECT_EQ(bob_->receiver.gaps(), cuts);
    }
  }
  // While the server is away: what is subscribed to and left leaves no trace.
  void keepsNothingOfChannelsThatComeAndGo() const {
    constexpr int kChannels = 10'000;
    const std::string prefix(400, 'x');
    const auto bytes_in_use = [] {
      const auto heap = ::mallinfo2();
      return heap.uordblks + heap.hblkhd;
    };
    const std::size_t before = bytes_in_use();
    for (int i = 0; i < kChannels; ++i) {
      bob_->transport->subscribe(prefix + std::to_string(i));
      bob_->transport->unsubscribe(prefix + std::to_string(i));
    }
    EXPECT_LT(bytes_in_use(), before + kChannels * prefix.size() / 4);
    bob_->transport->unsubscribe("b");
    bob_->transport->subscribe("c");
  }
  // Once it is back.
  void hearsTheChannelsThatAreLeft() const {
    using std::string_literals::operator""s;
    ASSERT_TRUE(bob_->isToldOfGaps(1));
    ASSERT_OK(bob_->listenTo("c"));
    for (const std::string& channel : {"b"s, std::string(400, 'x') + "7", "a"s, "c"s}) {
      ASSERT_TRUE(alice_->sends(channel, "new"));
    }
    ASSERT_TRUE(bob_->receiver.hears("a", "new"));
    ASSERT_TRUE(bob_->receiver.hears("c", "new"));
    EXPECT_EQ(bob_->receiver.heard("b").back(), "before 2");
    EXPECT_TRUE(bob_->receiver.heard(std::string(400, 'x') + "7").empty());
  }
  void endsPromptly() {
    const MonotonicTime started = Clock::system().now();
    bob_.reset();
    EXPECT_LT(Clock::system().now() - started, absl::Seconds(3));
  }

  const std::unique_ptr<LocalServers> servers_;
  std::unique_ptr<EventNode> alice_;
  std::unique_ptr<EventNode> bob_;
};

}  // namespace strata::testing
