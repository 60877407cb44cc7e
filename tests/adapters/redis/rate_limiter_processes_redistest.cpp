// One limit, four processes of fifty threads each.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/redis/redis_rate_limit_log.h"
#include "strata/limits/rate_limiter.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/base/socket_messages.h"

namespace strata {
namespace {

using testing::receive;
using testing::send;

constexpr int kProcesses = 4;
constexpr int kThreads = 50;
constexpr int kCallsPerThread = 20;
constexpr std::int64_t kLimit = 1000;

struct Url {
  std::array<char, 200> text{};
};
struct Outcome {
  std::int64_t allowed = 0;
  std::int64_t denied = 0;
  std::int64_t failed = 0;
};

Outcome useUp(const std::string& url) {
  const auto log =
      RedisRateLimitLog::create(
          {.url = url, .connect_timeout = absl::Seconds(20), .command_timeout = absl::Seconds(20)})
          .value();
  const auto limiter =
      makeRateLimiter(log, {.name = "shared", .limit = kLimit, .window = absl::Hours(1)}, "app")
          .value();
  std::atomic<std::int64_t> allowed = 0;
  std::atomic<std::int64_t> denied = 0;
  std::atomic<std::int64_t> failed = 0;
  std::latch all_there(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        all_there.arrive_and_wait();
        for (int n = 0; n < kCallsPerThread; ++n) {
          const auto decision = limiter->check("everybody");
          ++(!decision.ok() ? failed : decision->allowed ? allowed : denied);
        }
      });
    }
  }
  return {allowed, denied, failed};
}

// A process that waits for the address of the server.
struct Child {
  Child() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    pid = ::fork();
    socket = ends[pid == 0 ? 1 : 0];
    ::close(ends[pid == 0 ? 0 : 1]);
    if (pid != 0) return;
    const Url url = receive<Url>(socket);
    send(socket, useUp(url.text.data()));
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

// B-85
TEST(RateLimiterOfManyProcesses, AllowsExactlyTheLimit) {
  // Forked while this process has one thread.
  std::array<Child, kProcesses> children;
  testing::LocalRedis& redis = testing::sharedServers().redis();
  Url url;
  ASSERT_LT(redis.url().size(), url.text.size());
  std::memcpy(url.text.data(), redis.url().data(), redis.url().size());
  for (const Child& child : children) send(child.socket, url);

  Outcome all;
  for (const Child& child : children) {
    const auto outcome = receive<Outcome>(child.socket);
    all.allowed += outcome.allowed;
    all.denied += outcome.denied;
    all.failed += outcome.failed;
  }
  EXPECT_EQ(all.failed, 0);
  EXPECT_EQ(all.allowed, kLimit);
  EXPECT_EQ(all.denied, kProcesses * kThreads * kCallsPerThread - kLimit);
  EXPECT_EQ(redis.command({"ZCARD", "app:ratelimit:shared:everybody"}).value(),
            std::to_string(kLimit));
}

}  // namespace
}  // namespace strata
