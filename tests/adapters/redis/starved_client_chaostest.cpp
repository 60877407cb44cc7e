// A client that gets no processor, beside a Redis that is well: neither its breaker nor its event
// hub may take the server for dead.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/redis/redis_cache.h"
#include "strata/adapters/redis/redis_event_transport.h"
#include "strata/cache/guarded_cache.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/base/socket_messages.h"

namespace strata {
namespace {

using testing::eventually;
using testing::LocalServers;
using testing::receive;
using testing::send;

constexpr int kCallers = 8;
constexpr int kBusyLoops = 6;
constexpr absl::Duration kPatience = absl::Minutes(2);

struct Orders {
  std::array<char, 200> url{};
};
struct Outcome {
  std::int64_t calls = 0;
  std::int64_t answered = 0;
  std::int64_t transitions = 0;  // of any breaker
  std::int64_t gaps = 0;
  std::int64_t published = 0;
  std::int64_t received = 0;
  std::int64_t starved = 0;
};
enum class Word : char { kReady, kEnough };

std::unique_ptr<EventHub> hubOn(const std::string& url, const std::shared_ptr<Metrics>& metrics) {
  EventHubOptions options;
  options.app = "starved";
  return makeEventHub(makeRedisEventTransport({.url = url}).value(), options, metrics).value();
}

// What a process does all day: with the timeouts that it gets when it says nothing.
class Client {
 public:
  explicit Client(const std::string& url)
      : cache_(
            GuardedCache::create(RedisCache::create({.url = url}).value(), {}, metrics_).value()),
        publisher_(hubOn(url, metrics_)),
        subscriber_(hubOn(url, metrics_)),
        events_(subscriber_->subscribe(kChannel, {.max_queued = 1'000'000}).value()) {
    if (!events_->waitUntilLive(Deadline::in(kPatience)).ok()) std::abort();
    for (int i = 0; i < kCallers; ++i) {
      callers_.emplace_back([this, i](const std::stop_token& stop) { call(stop, i); });
    }
  }

  bool isBusy() const { return calls_ > 1000; }
  Outcome finish() {
    callers_.clear();
    Outcome outcome{.calls = calls_, .answered = answered_, .published = published_};
    // The last event says that there is no other.
    publish(-1);
    for (auto told = next(); told.ok(); told = next()) {
      if (told->event == nullptr) {
        ++outcome.gaps;
      } else if (told->event->data.text() == "-1") {
        break;
      } else {
        ++outcome.received;
      }
    }
    outcome.transitions = metrics_->count("strata_breaker_transitions_total");
    outcome.starved = metrics_->count("strata_starved_waits_total");
    return outcome;
  }

 private:
  static inline const EventChannel kChannel{"conversation", "one"};

  absl::StatusOr<EventDelivery> next() { return events_->next(Deadline::in(kPatience)); }
  void publish(int number) {
    const auto data = Json::parse(std::to_string(number));
    if (!publisher_->publish(kChannel, "message", *data).ok()) std::abort();
  }
  void call(const std::stop_token& stop, int caller) {
    for (int i = 0; !stop.stop_requested(); ++i) {
      const std::string key = std::to_string(caller) + "-" + std::to_string(i % 100);
      const bool answered = cache_->getMany({&key, 1}, {}).front().ok() &&
                            cache_->set(key, "value", absl::Minutes(1), {}).ok();
      ++calls_;
      if (answered) ++answered_;
      if (caller > 0 || i % 10 > 0) continue;
      publish(i);
      ++published_;
    }
  }

  const std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  const std::shared_ptr<GuardedCache> cache_;
  const std::unique_ptr<EventHub> publisher_;
  const std::unique_ptr<EventHub> subscriber_;
  const std::unique_ptr<EventSubscription> events_;
  std::atomic<std::int64_t> calls_ = 0;
  std::atomic<std::int64_t> answered_ = 0;
  std::atomic<std::int64_t> published_ = 0;
  std::vector<std::jthread> callers_;
};

void serve(int socket) {
  Orders orders{};
  while (::recv(socket, &orders, sizeof orders, MSG_WAITALL) == sizeof orders) {
    Client client(orders.url.data());
    if (!eventually([&] { return client.isBusy(); }, kPatience)) std::abort();
    send(socket, Word::kReady);
    receive<Word>(socket);
    send(socket, client.finish());
  }
}

// A process that ends with this one.
class Process {
 public:
  template <typename Run>
  explicit Process(Run run) : pid_(::fork()) {
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run();
    ::_exit(0);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  void signal(int number) const { ::kill(pid_, number); }

 private:
  const pid_t pid_;
};

// Forked before this process has a second thread, and before it starts a server.
struct ClientProcess {
  ClientProcess() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    process = std::make_unique<Process>([this] { serve(ends[1]); });
    ::close(ends[1]);
  }

  int socket() const { return ends[0]; }

  std::array<int, 2> ends{};
  std::unique_ptr<Process> process;
};
ClientProcess& client() {
  static ClientProcess forked;
  return forked;
}
const ClientProcess& forked_at_start = client();

class StarvedClient : public ::testing::Test {
 protected:
  StarvedClient() {
    Orders orders;
    const std::string url = servers_->redis().url();
    EXPECT_LT(url.size(), orders.url.size());
    std::memcpy(orders.url.data(), url.data(), url.size());
    send(client().socket(), orders);
    EXPECT_EQ(receive<Word>(client().socket()), Word::kReady);
  }

  static void stopFor(absl::Duration time) {
    client().process->signal(SIGSTOP);
    pass(time);
    client().process->signal(SIGCONT);
  }
  static void pass(absl::Duration time) {
    const MonotonicTime end = Clock::system().now() + time;
    EXPECT_TRUE(eventually([&] { return Clock::system().now() >= end; }, kPatience));
  }
  static Outcome finish() {
    send(client().socket(), Word::kEnough);
    return receive<Outcome>(client().socket());
  }
  static void expectNothingHappened(const Outcome& outcome) {
    EXPECT_EQ(outcome.transitions, 0);
    EXPECT_EQ(outcome.gaps, 0);
    EXPECT_EQ(outcome.received, outcome.published);
    EXPECT_GT(outcome.received, 0);
    RecordProperty("calls", std::to_string(outcome.calls));
    RecordProperty("unanswered", std::to_string(outcome.calls - outcome.answered));
    RecordProperty("starved", std::to_string(outcome.starved));
  }

  const std::unique_ptr<LocalServers> servers_ = LocalServers::start({.redis = true}).value();
};

// The breaker opened, and reads went past a cache that was well.
TEST_F(StarvedClient, ThatWasStoppedTakesNoServerForDead) {
  stopFor(absl::Seconds(3));
  for (int i = 0; i < 10; ++i) {
    stopFor(absl::Milliseconds(200));
    pass(absl::Milliseconds(50));
  }
  expectNothingHappened(finish());
}

// The same beside more work than the processors can do.
TEST_F(StarvedClient, BesideBusyLoopsTakesNoServerForDead) {
  std::vector<std::unique_ptr<Process>> busy;
  for (int i = 0; i < kBusyLoops; ++i) {
    busy.push_back(std::make_unique<Process>([] {
      for (volatile unsigned turns = 0;;) turns = turns + 1;
    }));
  }
  pass(absl::Seconds(15));
  expectNothingHappened(finish());
}

}  // namespace
}  // namespace strata
