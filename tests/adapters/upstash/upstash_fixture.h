// What the tests of the REST adapter on servers have in common.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "strata/adapters/upstash/upstash_cache.h"
#include "strata/base/status.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/servers/tcp_proxy.h"
#include "strata/testing/servers/test_certificates.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/upstash/upstash_proxy.h"

namespace strata {

inline constexpr absl::Duration kLong = absl::Hours(1);
// What "at once" and "about the timeout" may mean on a busy machine.
inline constexpr absl::Duration kSoon = absl::Seconds(5);

inline absl::StatusOr<LeaseReply> lease(Cache& cache, std::string_view key,
                                        std::string_view cell = "L") {
  const LeaseRequest request{key, cell};
  return cache.getOrLease({&request, 1}, kLong).front();
}

inline absl::StatusOr<bool> fill(Cache& cache, std::string_view key,
                                 std::string_view expected = "L", Incarnation incarnation = {}) {
  const CompareAndSet request{key, expected, "value", kLong, incarnation};
  return cache.compareAndSet({&request, 1}).front();
}

inline absl::Status removeFrom(Cache& cache, const std::string& key) {
  return cache.remove({&key, 1});
}

template <typename Call>
absl::Duration timeOf(Call call) {
  const MonotonicTime started = Clock::system().now();
  call();
  return Clock::system().now() - started;
}

// Every operation once; what each came to.
inline std::vector<absl::Status> everyCall(Cache& cache) {
  const std::vector<std::string> keys{"the-key", "the-other-key"};
  const LeaseRequest request{keys[0], "the-value"};
  return {cache.get(keys[0]).status(),
          cache.getMany(keys).back().status(),
          cache.set(keys[0], "the-value", kLong),
          cache.remove(keys),
          cache.getOrLease({&request, 1}, kLong).front().status(),
          fill(cache, keys[0], "the-value").status(),
          cache.ping()};
}

class UpstashTest : public ::testing::Test {
 protected:
  static testing::LocalRedis& redis() { return testing::sharedServers().redis(); }
  static const testing::TestCertificates& certificates() {
    static const testing::TestCertificates made =
        testing::TestCertificates::create(redis().socketPath() + ".certificates").value();
    return made;
  }
  static UpstashOptions optionsFor(const testing::UpstashProxy& proxy) {
    return {.url = proxy.url(),
            .token = "the-token",
            .tls = {.ca_file = certificates().caFile()},
            .connect_timeout = absl::Seconds(10),
            .request_timeout = absl::Seconds(10)};
  }
  static std::unique_ptr<testing::UpstashProxy> encryptedProxy(
      const std::string& certificate = certificates().serverCertificateFile(),
      const std::string& key = certificates().serverKeyFile()) {
    return testing::UpstashProxy::start(
        {.redis_socket = redis().socketPath(), .certificate_file = certificate, .key_file = key});
  }
  std::shared_ptr<UpstashCache> cacheWith(absl::Duration request_timeout) {
    UpstashOptions options = optionsFor(*proxy_);
    options.request_timeout = request_timeout;
    return UpstashCache::create(options).value();
  }
  void inject(testing::UpstashFault::Kind kind) { proxy_->inject({.kind = kind}); }

  void SetUp() override { ASSERT_OK(redis().command({"FLUSHALL"})); }

  std::unique_ptr<testing::UpstashProxy> proxy_ =
      testing::UpstashProxy::start({.redis_socket = redis().socketPath()});
  std::shared_ptr<UpstashCache> cache_ = UpstashCache::create(optionsFor(*proxy_)).value();
};

}  // namespace strata
