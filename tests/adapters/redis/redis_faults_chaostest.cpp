// 64 threads on one RedisCache while its network and its server misbehave in every way: no answer
// is mixed up with another, no call takes longer than it may, and all works again afterwards.
//
//   STRATA_CHAOS_SECONDS=60   how long each fault is kept up; 2 where it is not set
//   STRATA_SEED=7             repeats the choices of a run, though not its timing
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/redis/redis_cache.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::eventually;
using testing::LocalRedis;
using testing::LocalServers;
using testing::TcpProxy;
using How = TcpProxy::How;
using Way = TcpProxy::Way;
using Random = std::mt19937_64;

constexpr int kThreads = 64;
constexpr std::size_t kKeys = 200;
constexpr absl::Duration kLong = absl::Hours(1);
// Beyond its limit a call may take what a busy machine with 64 threads takes.
constexpr absl::Duration kSlack = absl::Seconds(4);
// For a call: its timeout and that of a connection, both twice, for it may be repeated once.
constexpr absl::Duration kCommandTimeout = absl::Milliseconds(50);
constexpr absl::Duration kConnectTimeout = absl::Milliseconds(100);
constexpr absl::Duration kLimit = absl::Milliseconds(300);

std::uint64_t numberIn(const char* variable, std::uint64_t otherwise) {
  const char* const text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::uint64_t below(Random& random, std::uint64_t end) {
  return std::uniform_int_distribution<std::uint64_t>(0, end - 1)(random);
}

struct Fault {
  std::string name;
  // Makes it worse. Called again and again, with a pause of some milliseconds.
  std::function<void(LocalRedis&, Random&)> worsen;

  friend void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }
};

class RedisChaosTest : public ::testing::TestWithParam<Fault> {
 protected:
  // What the threads saw.
  struct Tally {
    std::atomic<std::uint64_t> calls = 0;
    std::atomic<std::uint64_t> answers = 0;
    std::atomic<std::uint64_t> mixed_up = 0;
    std::atomic<std::uint64_t> too_slow = 0;
    std::atomic<std::uint64_t> unexpected = 0;
    std::atomic<std::int64_t> slowest_over_limit = 0;  // in microseconds
  };

  static std::string anyKey(Random& random) { return "key" + std::to_string(below(random, kKeys)); }
  // Whatever is stored names its key, and is of a size of its own.
  static std::string valueFor(const std::string& key, Random& random) {
    return key + "=" + std::string(below(random, 8) == 0 ? below(random, 20000) : 10, '.');
  }
  void check(const std::string& key, const std::optional<std::string>& found) {
    if (found && !found->starts_with(key + "=")) ++tally_.mixed_up;
  }
  bool answered(const absl::Status& status) {
    if (status.ok()) {
      ++tally_.answers;
    } else if (!absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status)) {
      ++tally_.unexpected;
      std::cout << status << std::endl;
    }
    return status.ok();
  }

  void read(Random& random, Deadline deadline) {
    std::vector<std::string> keys(1 + below(random, 5));
    for (std::string& key : keys) key = anyKey(random);
    const auto values = cache_->getMany(keys, deadline);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (answered(values[i].status())) check(keys[i], *values[i]);
    }
  }
  void leaseAndFill(Random& random, Deadline deadline) {
    std::vector<std::string> keys(1 + below(random, 6));
    for (std::string& key : keys) key = anyKey(random);
    std::vector<std::string> cells;
    for (const std::string& key : keys) cells.push_back(key + "=lease");
    std::vector<LeaseRequest> leases;
    for (std::size_t i = 0; i < keys.size(); ++i) leases.push_back({keys[i], cells[i]});
    const auto replies = cache_->getOrLease(leases, kLong, deadline);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!answered(replies[i].status())) continue;
      check(keys[i], replies[i]->found);
      if (!replies[i]->leased) continue;
      const std::string value = valueFor(keys[i], random);
      const CompareAndSet fill{keys[i], cells[i], value, kLong, replies[i]->incarnation};
      answered(cache_->compareAndSet({&fill, 1}, deadline).front().status());
    }
  }
  void write(Random& random, Deadline deadline) {
    const std::string key = anyKey(random);
    answered(cache_->set(key, valueFor(key, random), kLong, deadline));
  }
  void removeSome(Random& random, Deadline deadline) {
    const std::string key = anyKey(random);
    answered(cache_->remove({&key, 1}, deadline));
  }

  void call(Random& random) {
    const bool has_deadline = below(random, 2) == 0;
    const auto limit = has_deadline ? absl::Microseconds(100 + below(random, 100000)) : kLimit;
    const MonotonicTime started = Clock::system().now();
    const Deadline deadline = has_deadline ? Deadline::in(limit) : Deadline::never();
    const std::uint64_t kind = below(random, 10);
    if (kind < 5) {
      read(random, deadline);
    } else if (kind < 8) {
      leaseAndFill(random, deadline);
    } else if (kind < 9) {
      write(random, deadline);
    } else {
      removeSome(random, deadline);
    }
    // Up to six fills follow a lease.
    const absl::Duration allowed = has_deadline || kind < 5 || kind >= 8 ? limit : 7 * limit;
    const absl::Duration over = Clock::system().now() - started - allowed;
    ++tally_.calls;
    if (over > kSlack) ++tally_.too_slow;
    std::int64_t slowest = tally_.slowest_over_limit;
    while (slowest < absl::ToInt64Microseconds(over) &&
           !tally_.slowest_over_limit.compare_exchange_weak(slowest,
                                                            absl::ToInt64Microseconds(over))) {
    }
  }

  void expectRecovery() {
    EXPECT_TRUE(eventually([&] { return cache_->ping().ok(); }));
    const std::uint64_t before = tally_.answers;
    EXPECT_TRUE(eventually([&] { return tally_.answers > before + 10 * kThreads; }));
    EXPECT_TRUE(eventually([&] { return proxy().openConnections() <= 2; }));
  }
  void report(std::uint64_t seed) {
    std::cout << GetParam().name << ": seed " << seed << ", " << tally_.calls << " calls, "
              << tally_.answers << " answers, " << proxy().acceptedConnections()
              << " connections, slowest " << absl::Microseconds(tally_.slowest_over_limit.load())
              << " over its limit\n";
  }

  LocalRedis& redis() { return servers_->redis(); }
  TcpProxy& proxy() { return *redis().proxy(); }

  std::unique_ptr<LocalServers> servers_ =
      LocalServers::start({.redis = true, .proxied = true}).value();
  std::shared_ptr<RedisCache> cache_ = RedisCache::create({.url = redis().url(),
                                                           .connect_timeout = kConnectTimeout,
                                                           .command_timeout = kCommandTimeout})
                                           .value();
  Tally tally_;
};

// Races 4 and 12.
// B-26, B-27, B-28
TEST_P(RedisChaosTest, MixesNothingUpAndKeepsItsLimitsAndRecovers) {
  const std::uint64_t seed = numberIn("STRATA_SEED", std::random_device{}());
  const auto duration = absl::Seconds(numberIn("STRATA_CHAOS_SECONDS", 2));
  Random random(seed);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this, own = Random(seed + 1 + static_cast<std::uint64_t>(i))](
                             const std::stop_token& stop) mutable {
      while (!stop.stop_requested()) call(own);
    });
  }
  EXPECT_TRUE(eventually([&] { return tally_.answers > kThreads; }));

  const MonotonicTime end = Clock::system().now() + duration;
  const std::uint64_t before = tally_.answers;
  EXPECT_TRUE(eventually(
      [&] {
        GetParam().worsen(redis(), random);
        return Clock::system().now() >= end;
      },
      duration + absl::Minutes(1)));
  if (redis().frozen()) {
    EXPECT_OK(redis().resume());
  }
  proxy().heal();
  EXPECT_GT(tally_.answers, before);
  expectRecovery();
  threads.clear();

  report(seed);
  EXPECT_EQ(tally_.mixed_up, 0U);
  EXPECT_EQ(tally_.too_slow, 0U);
  EXPECT_EQ(tally_.unexpected, 0U);
}

// One time in so many, as the faults are made worse every few milliseconds.
bool oneIn(Random& random, std::uint64_t count) { return below(random, count) == 0; }

TcpProxy& network(LocalRedis& redis) { return *redis.proxy(); }

// On and off, so that there is something to be cut off.
auto silent(Way way) {
  return [way](LocalRedis& redis, Random& random) {
    if (oneIn(random, 30)) network(redis).setSilent(way, oneIn(random, 2));
  };
}
void closeConnections(LocalRedis& redis, Random& random) {
  if (oneIn(random, 2)) network(redis).closeConnections(oneIn(random, 2) ? How::kFin : How::kReset);
}

void delay(LocalRedis& redis, Random& random) {
  // Some of them longer than a call may take.
  const Way way = oneIn(random, 2) ? Way::kToServer : Way::kToClient;
  if (oneIn(random, 10)) network(redis).setDelay(way, absl::Milliseconds(below(random, 70)));
}
void cutInsideReplies(LocalRedis& redis, Random& random) {
  const How how = oneIn(random, 2) ? How::kFin : How::kReset;
  const Way way = oneIn(random, 4) ? Way::kToServer : Way::kToClient;
  network(redis).cutAfter(way, below(random, 30000), how);
}
void trickle(LocalRedis& redis, Random& random) {
  if (oneIn(random, 30)) network(redis).setTrickle(Way::kToClient, !oneIn(random, 3));
  if (oneIn(random, 30)) network(redis).setTrickle(Way::kToServer, oneIn(random, 2));
}
void silentBothWays(LocalRedis& redis, Random& random) {
  if (!oneIn(random, 30)) return;
  network(redis).setMode(oneIn(random, 2) ? TcpProxy::Mode::kSilent : TcpProxy::Mode::kForward);
}
void acceptAndHang(LocalRedis& redis, Random& random) {
  if (!oneIn(random, 30)) return;
  const bool hangs = oneIn(random, 2);
  network(redis).setMode(hangs ? TcpProxy::Mode::kSilent : TcpProxy::Mode::kForward);
  if (hangs) network(redis).resetConnections();
}
void refuse(LocalRedis& redis, Random& random) {
  if (!oneIn(random, 30)) return;
  network(redis).setMode(oneIn(random, 2) ? TcpProxy::Mode::kRefuse : TcpProxy::Mode::kForward);
}
void freeze(LocalRedis& redis, Random& random) {
  if (!oneIn(random, 30)) return;
  EXPECT_OK(redis.frozen() ? redis.resume() : redis.freeze());
}

std::string nameOfFault(const ::testing::TestParamInfo<Fault>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Redis, RedisChaosTest,
    ::testing::Values(Fault{"Delay", delay}, Fault{"SilentToServer", silent(Way::kToServer)},
                      Fault{"SilentToClient", silent(Way::kToClient)},
                      Fault{"SilentBothWays", silentBothWays}, Fault{"Closed", closeConnections},
                      Fault{"Cut", cutInsideReplies}, Fault{"Trickle", trickle},
                      Fault{"AcceptAndHang", acceptAndHang}, Fault{"Refuse", refuse},
                      Fault{"Frozen", freeze}),
    nameOfFault);

}  // namespace
}  // namespace strata
