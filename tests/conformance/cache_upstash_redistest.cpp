// The cache conformance suite over the REST adapter, a proxy like Upstash's and a real Redis.
#include "strata/adapters/upstash/upstash_cache.h"
#include "strata/testing/conformance/cache_conformance.h"
#include "strata/testing/conformance/fenced_cache_conformance.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/servers/test_certificates.h"
#include "tests/adapters/upstash/upstash_proxy.h"

namespace strata::testing {
namespace {

const TestCertificates& certificates() {
  static LocalRedis& redis = sharedServers().redis();
  static const std::string folder = redis.socketPath() + ".certificates";
  static const TestCertificates made = TestCertificates::create(folder).value();
  return made;
}

UpstashProxyOptions proxyOptions(bool encrypted) {
  UpstashProxyOptions options{.redis_socket = sharedServers().redis().socketPath()};
  if (encrypted) {
    options.certificate_file = certificates().serverCertificateFile();
    options.key_file = certificates().serverKeyFile();
  }
  return options;
}

class UpstashHarness final : public CacheHarness {
 public:
  explicit UpstashHarness(bool encrypted)
      : proxy_(UpstashProxy::start(proxyOptions(encrypted))),
        // Generous: this is about answers, not about how fast a busy machine gives them.
        cache_(UpstashCache::create({.url = proxy_->url(),
                                     .token = "the-token",
                                     .tls = {.ca_file = encrypted ? certificates().caFile() : ""},
                                     .connect_timeout = absl::Seconds(10),
                                     .request_timeout = absl::Seconds(10)})
                   .value()) {}
  Cache& cache() override { return *cache_; }

 private:
  std::unique_ptr<UpstashProxy> proxy_;
  std::shared_ptr<UpstashCache> cache_;
};

std::unique_ptr<CacheHarness> overTls() { return std::make_unique<UpstashHarness>(true); }
std::unique_ptr<CacheHarness> inTheClear() { return std::make_unique<UpstashHarness>(false); }

const auto kCaches =
    ::testing::Values(CacheUnderTest{"Tls", overTls}, CacheUnderTest{"InTheClear", inTheClear});

INSTANTIATE_TEST_SUITE_P(Upstash, CacheConformance, kCaches, nameOfCache);
INSTANTIATE_TEST_SUITE_P(Upstash, FencedCacheConformance, kCaches, nameOfCache);

}  // namespace
}  // namespace strata::testing
