// Two processes whose hubs share a Redis, directly or over REST, or a PostgreSQL: what each is told of both.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/postgres/postgres_event_transport.h"
#include "strata/adapters/redis/redis_event_transport.h"
#include "strata/adapters/upstash/upstash_event_transport.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/upstash/upstash_proxy.h"
#include "tests/base/socket_messages.h"

namespace strata {
namespace {

using testing::eventually;
using testing::LocalServers;
using testing::receive;
using testing::send;
using testing::UpstashProxy;

constexpr int kProcesses = 2;
constexpr int kChannels = 4;
constexpr absl::Duration kPatience = absl::Minutes(2);

enum class Over : char { kRedis, kPostgres, kUpstash };

struct Orders {
  std::array<char, 200> url{};
  int number = 0;  // of the process
  Over over = Over::kRedis;
  bool is_cut = false;
  int events = 0;  // for each process to publish
};
struct Outcome {
  int events = 0;            // told, of both
  int gaps = 0;              // told
  int doubled = 0;           // or out of order
  int skipped = 0;           // no gap was told where there was one
  bool is_complete = false;  // the last of each publisher was told on every channel
};
enum class Word : char { kReady, kGo, kQuarter, kHalf, kTold };

EventChannel channel(int number) { return {"conversation", "shared:" + std::to_string(number)}; }

std::unique_ptr<EventTransport> transportFor(const Orders& orders) {
  const std::string url = orders.url.data();
  if (orders.over == Over::kUpstash) {
    UpstashOptions server{.url = url, .token = "the-token", .request_timeout = absl::Seconds(5)};
    return makeUpstashEventTransport({.server = std::move(server), .app = "chaos"}).value();
  }
  if (orders.over == Over::kPostgres) {
    return makePostgresEventTransport(PostgresPool::open({.url = url}).value(), {.url = url})
        .value();
  }
  return makeRedisEventTransport(
             {.url = url, .connect_timeout = absl::Seconds(2), .command_timeout = absl::Seconds(2)})
      .value();
}

// One subscriber, with the number of the next event of each publisher.
class Reader {
 public:
  Reader(EventHub& hub, int number, int events)
      : events_(events), subscription_(subscribed(hub, number)) {
    thread_ = std::thread([this] { read(); });
  }
  ~Reader() {
    subscription_->close();
    thread_.join();
  }

  bool isLive() { return subscription_->waitUntilLive(Deadline::in(kPatience)).ok(); }
  int gaps() const { return gaps_; }
  bool isComplete() const { return complete_ == kProcesses; }
  void addTo(Outcome& outcome) const {
    outcome.events += told_;
    outcome.gaps += gaps_;
    outcome.doubled += doubled_;
    outcome.skipped += skipped_;
    outcome.is_complete = outcome.is_complete && isComplete();
  }

 private:
  static std::unique_ptr<EventSubscription> subscribed(EventHub& hub, int number) {
    // Room for all: this is about what arrives.
    return hub.subscribe(channel(number), {.max_queued = 1'000'000}).value();
  }
  void read() {
    for (auto told = subscription_->next(); told.ok(); told = subscription_->next()) {
      if (told->event == nullptr) {
        may_skip_ = {true, true};
        ++gaps_;
      } else {
        take(*told->event);
      }
    }
  }
  // The i-th event of a process goes to channel i % kChannels.
  void take(const Event& event) {
    int from = 0;
    int i = 0;
    if (std::sscanf(event.data.text().c_str(), R"({"from":%d,"i":%d})", &from, &i) != 2)
      std::abort();
    int& next = next_[static_cast<std::size_t>(from)];
    bool& may_skip = may_skip_[static_cast<std::size_t>(from)];
    ++told_;
    if (i / kChannels < next) ++doubled_;
    if (i / kChannels > next && !may_skip) ++skipped_;
    may_skip = false;
    next = i / kChannels + 1;
    if (i + kChannels >= events_) ++complete_;
  }

  const int events_;
  const std::unique_ptr<EventSubscription> subscription_;
  std::array<int, kProcesses> next_{};
  std::array<bool, kProcesses> may_skip_{};
  std::atomic<int> told_ = 0;
  std::atomic<int> gaps_ = 0;
  std::atomic<int> doubled_ = 0;
  std::atomic<int> skipped_ = 0;
  std::atomic<int> complete_ = 0;
  std::thread thread_;
};

void publish(EventHub& hub, const Orders& orders, int from, int to) {
  for (int i = from; i < to; ++i) {
    const auto data = Json::parse(fmt::format(R"({{"from":{},"i":{}}})", orders.number, i));
    if (!hub.publish(channel(i % kChannels), "message", *data).ok()) std::abort();
  }
}

bool all(const std::vector<std::unique_ptr<Reader>>& readers, bool (*holds)(const Reader&)) {
  return eventually(
      [&] {
        for (const auto& reader : readers) {
          if (!holds(*reader)) return false;
        }
        return true;
      },
      kPatience);
}

Outcome publishAndListen(const Orders& orders, int socket) {
  EventHubOptions options;
  options.app = "chaos";
  options.max_outbox = 1'000'000;
  const auto hub = makeEventHub(transportFor(orders), options).value();
  std::vector<std::unique_ptr<Reader>> readers;
  for (int i = 0; i < kChannels; ++i) {
    readers.push_back(std::make_unique<Reader>(*hub, i, orders.events));
  }
  for (const auto& reader : readers) {
    if (!reader->isLive()) std::abort();
  }
  send(socket, Word::kReady);
  receive<Word>(socket);
  publish(*hub, orders, 0, orders.events / 4);
  send(socket, Word::kQuarter);
  publish(*hub, orders, orders.events / 4, orders.events / 2);
  if (orders.is_cut) {
    all(readers, [](const Reader& reader) { return reader.gaps() > 0; });
    send(socket, Word::kHalf);
    receive<Word>(socket);
  }
  publish(*hub, orders, orders.events / 2, orders.events);
  all(readers, [](const Reader& reader) { return reader.isComplete(); });
  // A hub that ends has a second to send the rest, which the other may still be waiting for.
  send(socket, Word::kTold);
  receive<Word>(socket);
  Outcome outcome{.is_complete = true};
  for (const auto& reader : readers) reader->addTo(outcome);
  return outcome;
}

// A process that waits for its orders.
struct Child {
  Child() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    pid = ::fork();
    socket = ends[pid == 0 ? 1 : 0];
    ::close(ends[pid == 0 ? 0 : 1]);
    if (pid != 0) return;
    Orders orders{};
    while (::recv(socket, &orders, sizeof orders, MSG_WAITALL) == sizeof orders) {
      send(socket, publishAndListen(orders, socket));
    }
    ::_exit(0);
  }
  Child(const Child&) = delete;
  ~Child() {
    ::close(socket);
    ::waitpid(pid, nullptr, 0);
  }

  int socket = -1;
  pid_t pid = -1;
};
using Children = std::array<Child, kProcesses>;

// Forked before this process has a second thread, and before it starts a server.
Children& children() {
  static Children all;
  return all;
}
const Children& forked = children();

class EventHubOfTwoProcesses : public ::testing::Test {
 protected:
  // Returns the URL.
  std::string startServers(Over over) {
    const bool is_postgres = over == Over::kPostgres;
    servers_ =
        LocalServers::start({.postgres = is_postgres, .redis = !is_postgres, .proxied = true})
            .value();
    if (over == Over::kUpstash) {
      api_ = UpstashProxy::start({.redis_socket = servers_->redis().socketPath()});
      return api_->url();
    }
    return is_postgres ? servers_->postgres().url() : servers_->redis().url();
  }
  void cut(Over over) {
    if (over == Over::kUpstash) return api_->closeConnections();
    (over == Over::kRedis ? servers_->redis().proxy() : servers_->postgres().proxy())
        ->resetConnections();
  }

  std::array<Outcome, kProcesses> outcomesOf(Over over, int events, bool is_cut) {
    const std::string url = startServers(over);
    Orders orders{.over = over, .is_cut = is_cut, .events = events};
    EXPECT_LT(url.size(), orders.url.size());
    std::memcpy(orders.url.data(), url.data(), url.size());
    for (const Child& child : children()) {
      send(child.socket, orders);
      ++orders.number;
    }
    hear(Word::kReady);
    say(Word::kGo);
    hear(Word::kQuarter);
    if (is_cut) {
      cut(over);
      hear(Word::kHalf);
      say(Word::kGo);
    }
    hear(Word::kTold);
    say(Word::kGo);
    std::array<Outcome, kProcesses> outcomes;
    for (std::size_t i = 0; i < kProcesses; ++i) {
      outcomes[i] = receive<Outcome>(children()[i].socket);
    }
    return outcomes;
  }

 private:
  static void say(Word word) {
    for (const Child& child : children()) send(child.socket, word);
  }
  static void hear(Word word) {
    for (const Child& child : children()) EXPECT_EQ(receive<Word>(child.socket), word);
  }

  std::unique_ptr<LocalServers> servers_;
  std::unique_ptr<UpstashProxy> api_;
};

void expectEachOnce(const Outcome& outcome, int events) {
  EXPECT_TRUE(outcome.is_complete);
  EXPECT_EQ(outcome.events, kProcesses * events);
  EXPECT_EQ(outcome.doubled, 0);
  EXPECT_EQ(outcome.skipped, 0);
  EXPECT_EQ(outcome.gaps, 0);
}

void expectAGapAndNothingTwice(const Outcome& outcome) {
  EXPECT_TRUE(outcome.is_complete);
  EXPECT_EQ(outcome.doubled, 0);
  EXPECT_EQ(outcome.skipped, 0);
  EXPECT_GE(outcome.gaps, kChannels);
}

// B-88
TEST_F(EventHubOfTwoProcesses, AreToldAHundredThousandEventsOnceAndInOrderOverRedis) {
  constexpr int kEvents = 50'000;
  for (const Outcome& outcome : outcomesOf(Over::kRedis, kEvents, false))
    expectEachOnce(outcome, kEvents);
}

// B-88
TEST_F(EventHubOfTwoProcesses, AreToldTenThousandEventsOnceAndInOrderOverPostgres) {
  constexpr int kEvents = 5'000;
  for (const Outcome& outcome : outcomesOf(Over::kPostgres, kEvents, false)) {
    expectEachOnce(outcome, kEvents);
  }
}

// B-90
TEST_F(EventHubOfTwoProcesses, AreToldOfTheGapOfACutAndNothingTwiceOverRedis) {
  for (const Outcome& outcome : outcomesOf(Over::kRedis, 20'000, true)) {
    expectAGapAndNothingTwice(outcome);
  }
}

// B-90
TEST_F(EventHubOfTwoProcesses, AreToldOfTheGapOfACutAndNothingTwiceOverPostgres) {
  for (const Outcome& outcome : outcomesOf(Over::kPostgres, 4'000, true)) {
    expectAGapAndNothingTwice(outcome);
  }
}

// B-88
TEST_F(EventHubOfTwoProcesses, AreToldTenThousandEventsOnceAndInOrderOverUpstash) {
  constexpr int kEvents = 5'000;
  for (const Outcome& outcome : outcomesOf(Over::kUpstash, kEvents, false)) {
    expectEachOnce(outcome, kEvents);
  }
}

// B-90
TEST_F(EventHubOfTwoProcesses, AreToldOfTheGapOfACutAndNothingTwiceOverUpstash) {
  for (const Outcome& outcome : outcomesOf(Over::kUpstash, 4'000, true)) {
    expectAGapAndNothingTwice(outcome);
  }
}

}  // namespace
}  // namespace strata
