// What a test program says of the event transports that it runs event_transport_conformance.h on,
// and the fixture of that suite.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/clock.h"
#include "strata/events/event_transport.h"
#include "strata/testing/fakes/recording_event_receiver.h"
#include "strata/testing/status_matchers.h"

namespace strata::testing {

struct EventTransportUnderTest {
  std::string name;
  // A new one that is not started. All of them reach each other.
  std::function<std::unique_ptr<EventTransport>()> make;

  friend void PrintTo(const EventTransportUnderTest& transport, std::ostream* out) {
    *out << transport.name;
  }
};

inline std::string nameOfEventTransport(
    const ::testing::TestParamInfo<EventTransportUnderTest>& info) {
  return info.param.name;
}

class EventTransportConformance : public ::testing::TestWithParam<EventTransportUnderTest> {
 protected:
  static Deadline soon() { return Deadline::in(absl::Seconds(30)); }

  // A transport that is started, and what it tells.
  struct Node {
    RecordingEventReceiver receiver;
    std::unique_ptr<EventTransport> transport;

    void listenTo(const std::string& channel) const {
      transport->subscribe(channel);
      ASSERT_OK(transport->waitUntilSubscribed(channel, soon()));
    }
    void send(const std::string& channel, const std::string& payload) const {
      const EventMessage message{channel, payload};
      ASSERT_OK(transport->send({&message, 1}, soon()));
    }
  };

  std::unique_ptr<Node> node() {
    auto made = std::make_unique<Node>();
    made->transport = GetParam().make();
    EXPECT_OK(made->transport->start(made->receiver, soon()));
    return made;
  }
  // Of this life of this test alone.
  static std::string channel(std::string_view name) {
    return "conformance:events:" +
           std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) + ":" +
           std::to_string(absl::ToUnixNanos(absl::Now())) + ":" + std::string(name);
  }
  static std::vector<std::string> numbers(int count) {
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i) all.push_back(std::to_string(i));
    return all;
  }
};

}  // namespace strata::testing
