// EventHub against the same by hand: PUBLISH and SUBSCRIBE with hiredis, pg_notify and LISTEN with
// libpq. By hand, too, one thread reads, parses the envelope and hands the event to whoever waits
// for it, and another one sends, so that the publisher waits for nothing. Rows named "_inline" have
// no budget: their publisher does wait, and is spared the way to another thread.
#include <hiredis/hiredis.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/comparison.h"
#include "src/events/envelope.h"
#include "strata/adapters/postgres/postgres_event_transport.h"
#include "strata/adapters/redis/redis_event_transport.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::bench {
namespace {

constexpr const char* kByHand = "bench_by_hand";
// In one round trip, as the hub does.
constexpr int kPipelined = 128;

const Json& data() {
  static const Json made =
      *Json::parse(R"({"messageId": "5b0f", "role": "assistant", "text": "Hello, world."})");
  return made;
}

template <typename T>
T orFail(absl::StatusOr<T> result) {
  if (!result.ok()) fail(result.status().ToString());
  return *std::move(result);
}

std::string envelope(std::uint64_t sequence) {
  const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
  return internal::encodeEnvelope({.name = "message",
                                   .data = data(),
                                   .timestamp = now,
                                   .instance_id = "by hand",
                                   .sequence = sequence});
}

// What a reader's thread has parsed, for whoever waits.
class Inbox {
 public:
  void push(std::string_view payload) {
    Event event = orFail(internal::decodeEnvelope(payload));
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_one();
  }
  Event next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !events_.empty(); });
    Event event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Event> events_;
};

// Sends by `side`, on a thread of its own, whatever was given to it meanwhile at once.
template <typename ByHand>
class WithSender {
 public:
  WithSender() : thread_([this] { run(); }) {}
  ~WithSender() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
      changed_.notify_one();
    }
    thread_.join();
  }
  void publish(int count) {
    const std::lock_guard lock(mutex_);
    waiting_ += count;
    changed_.notify_one();
  }
  Event next() { return side_.next(); }

 private:
  void run() {
    while (true) {
      int count = 0;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return ends_ || waiting_ > 0; });
        if (ends_) return;
        count = std::min(waiting_, kPipelined);
        waiting_ -= count;
      }
      side_.publish(count);
    }
  }

  ByHand side_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool ends_ = false;
  std::thread thread_;
};

// ---- By hand, Redis ----

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

class RedisByHand {
 public:
  RedisByHand() : sender_(connected()), reader_(connected()) {
    Reply subscribed(
        static_cast<redisReply*>(redisCommand(reader_.get(), "SUBSCRIBE %s", kByHand)));
    if (subscribed == nullptr) fail("SUBSCRIBE");
    thread_ = std::thread([this] { read(); });
  }
  ~RedisByHand() {
    ::shutdown(reader_->fd, SHUT_RDWR);
    thread_.join();
  }

  void publish(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string payload = envelope(++sequence_);
      redisAppendCommand(sender_.get(), "PUBLISH %s %b", kByHand, payload.data(), payload.size());
    }
    for (int i = 0; i < count; ++i) {
      void* reply = nullptr;
      if (redisGetReply(sender_.get(), &reply) != REDIS_OK) fail("PUBLISH");
      freeReplyObject(reply);
    }
  }
  Event next() { return inbox_.next(); }

 private:
  using Context = std::unique_ptr<redisContext, FreeContext>;

  static Context connected() {
    Context made(redisConnect("127.0.0.1", testing::sharedServers().redis().port()));
    if (made == nullptr || made->err != 0) fail("hiredis cannot connect");
    return made;
  }
  void read() {
    void* got = nullptr;
    while (redisGetReply(reader_.get(), &got) == REDIS_OK) {
      const Reply reply(static_cast<redisReply*>(got));
      inbox_.push({reply->element[2]->str, reply->element[2]->len});
    }
  }

  const Context sender_;
  const Context reader_;
  std::uint64_t sequence_ = 0;
  Inbox inbox_;
  std::thread thread_;
};

// ---- By hand, PostgreSQL ----

struct FreeConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};

class PostgresByHand {
 public:
  PostgresByHand() : sender_(connected()), reader_(connected()) {
    PQclear(PQprepare(sender_.get(), "notify", "SELECT pg_notify($1, $2)", 2, nullptr));
    PQclear(PQexec(reader_.get(), (std::string("LISTEN ") + kByHand).c_str()));
    thread_ = std::thread([this] { read(); });
  }
  ~PostgresByHand() {
    ::shutdown(PQsocket(reader_.get()), SHUT_RDWR);
    thread_.join();
  }

  void publish(int count) {
    for (int i = 0; i < count; ++i) {
      const std::string payload = envelope(++sequence_);
      const std::array<const char*, 2> values{kByHand, payload.c_str()};
      PGresult* result =
          PQexecPrepared(sender_.get(), "notify", 2, values.data(), nullptr, nullptr, 0);
      if (PQresultStatus(result) != PGRES_TUPLES_OK) fail("pg_notify");
      PQclear(result);
    }
  }
  Event next() { return inbox_.next(); }

 private:
  using Pg = std::unique_ptr<PGconn, FreeConnection>;

  static Pg connected() {
    Pg made(PQconnectdb(testing::sharedServers().postgres().url().c_str()));
    if (PQstatus(made.get()) != CONNECTION_OK) fail("libpq cannot connect");
    return made;
  }
  void read() {
    pollfd file{.fd = PQsocket(reader_.get()), .events = POLLIN, .revents = 0};
    while (::poll(&file, 1, -1) > 0 && PQconsumeInput(reader_.get()) == 1) {
      while (PGnotify* notify = PQnotifies(reader_.get())) {
        inbox_.push(notify->extra);
        PQfreemem(notify);
      }
    }
  }

  const Pg sender_;
  const Pg reader_;
  std::uint64_t sequence_ = 0;
  Inbox inbox_;
  std::thread thread_;
};

// ---- Ours ----

std::unique_ptr<EventTransport> redisTransport() {
  return orFail(makeRedisEventTransport({.url = testing::sharedServers().redis().url()}));
}

std::unique_ptr<EventTransport> postgresTransport() {
  const std::string url = testing::sharedServers().postgres().url();
  return orFail(makePostgresEventTransport(orFail(PostgresPool::open({.url = url})), {.url = url}));
}

// One hub publishes, another one has the subscriber, as two processes would.
class Hubs {
 public:
  explicit Hubs(std::unique_ptr<EventTransport> (*transport)())
      : publisher_(made(transport())),
        listener_(made(transport())),
        subscription_(orFail(listener_->subscribe(channel_, {.max_queued = 1'000'000}))) {
    const absl::Status live = subscription_->waitUntilLive(Deadline::in(absl::Seconds(10)));
    if (!live.ok()) fail(live.ToString());
  }

  void publish(int count) {
    for (int i = 0; i < count; ++i) {
      if (!publisher_->publish(channel_, "message", data()).ok()) fail("publish");
    }
  }
  void next() {
    if (orFail(subscription_->next(Deadline::in(absl::Seconds(10)))).event == nullptr)
      fail("a gap");
  }

 private:
  static std::unique_ptr<EventHub> made(std::unique_ptr<EventTransport> transport) {
    EventHubOptions options;
    options.app = "bench";
    options.max_outbox = 1'000'000;
    return orFail(makeEventHub(std::move(transport), options));
  }

  const EventChannel channel_{"conversation", "bench:1"};
  const std::unique_ptr<EventHub> publisher_;
  const std::unique_ptr<EventHub> listener_;
  const std::unique_ptr<EventSubscription> subscription_;
};

// ---- Measurements ----

constexpr Budget kNoBudget{};

template <typename ByHand>
Row latency(const char* name, std::unique_ptr<EventTransport> (*transport)(), Budget budget) {
  Hubs hubs(transport);
  ByHand by_hand;
  return compareLatency(
      name, budget,
      [&] {
        hubs.publish(1);
        hubs.next();
      },
      [&] {
        by_hand.publish(1);
        by_hand.next();
      });
}

// From the first publish until the last event is there.
template <typename Side>
double eventsPerSecond(Side& side, int count) {
  const MonotonicTime started = Clock::system().now();
  for (int sent = 0; sent < count; sent += kPipelined) side.publish(kPipelined);
  for (int i = 0; i < count; ++i) side.next();
  return count / absl::ToDoubleSeconds(Clock::system().now() - started);
}

template <typename ByHand>
Row throughput(const char* name, std::unique_ptr<EventTransport> (*transport)(), int count) {
  Hubs hubs(transport);
  ByHand by_hand;
  return compareRuns(name, {Budget::Kind::kAtLeast, 0.8}, "calls/s", 7, [&](bool is_ours) {
    return is_ours ? eventsPerSecond(hubs, count) : eventsPerSecond(by_hand, count);
  });
}

constexpr Budget kLatency{Budget::Kind::kAtMost, 1.25};

Row redisLatency() {
  return latency<WithSender<RedisByHand>>("event_redis_latency", redisTransport, kLatency);
}
Row redisInline() { return latency<RedisByHand>("event_redis_inline", redisTransport, kNoBudget); }
Row redisThroughput() {
  return throughput<WithSender<RedisByHand>>("event_redis_throughput", redisTransport,
                                             200 * kPipelined);
}
Row postgresLatency() {
  return latency<WithSender<PostgresByHand>>("event_postgres_latency", postgresTransport, kLatency);
}
Row postgresInline() {
  return latency<PostgresByHand>("event_postgres_inline", postgresTransport, kNoBudget);
}
Row postgresThroughput() {
  return throughput<WithSender<PostgresByHand>>("event_postgres_throughput", postgresTransport,
                                                20 * kPipelined);
}

}  // namespace

std::vector<Benchmark> eventHubBenchmarks() {
  return {{"event_redis_latency", redisLatency},
          {"event_redis_inline", redisInline},
          {"event_redis_throughput", redisThroughput},
          {"event_postgres_latency", postgresLatency},
          {"event_postgres_inline", postgresInline},
          {"event_postgres_throughput", postgresThroughput}};
}

}  // namespace strata::bench
