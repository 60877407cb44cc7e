// The conformance of rate limit logs over the REST adapter, a proxy like Upstash's and a real
// Redis, and its failures.
#include "strata/adapters/upstash/upstash_rate_limit_log.h"
#include "strata/testing/conformance/rate_limit_log_conformance.h"
#include "strata/testing/servers/local_servers.h"
#include "tests/adapters/upstash/upstash_proxy.h"

namespace strata::testing {
namespace {

class UpstashHarness final : public RateLimitLogHarness {
 public:
  RateLimitLog& log() override { return *log_; }

 private:
  std::unique_ptr<UpstashProxy> proxy_ =
      UpstashProxy::start({.redis_socket = sharedServers().redis().socketPath()});
  std::shared_ptr<UpstashRateLimitLog> log_ =
      UpstashRateLimitLog::create({.url = proxy_->url(),
                                   .token = "the-token",
                                   .connect_timeout = absl::Seconds(10),
                                   .request_timeout = absl::Seconds(10)})
          .value();
};

const RateLimitLogUnderTest kUpstash{"Rest", [] { return std::make_unique<UpstashHarness>(); }};
INSTANTIATE_TEST_SUITE_P(Upstash, RateLimitLogConformance, ::testing::Values(kUpstash),
                         nameOfRateLimitLog);

TEST(UpstashRateLimitLog, TellsAWrongTokenAndAWrongType) {
  const auto proxy = UpstashProxy::start({.redis_socket = sharedServers().redis().socketPath()});
  const auto log = UpstashRateLimitLog::create({.url = proxy->url(), .token = "another"}).value();
  EXPECT_THAT(log->ping(), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(log->healthCheck().state, HealthState::kFail);

  // A token that may only read was told to be well, while all limits were off.
  const auto reader =
      UpstashRateLimitLog::create({.url = proxy->url(), .token = "the-read-only-token"}).value();
  EXPECT_THAT(reader->ping(), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(reader->healthCheck().state, HealthState::kFail);

  ASSERT_OK(sharedServers().redis().command({"SET", "text", "x"}));
  const auto right = UpstashRateLimitLog::create({.url = proxy->url(), .token = "the-token"});
  const RateLimitLog::Call call{"text", 1, absl::Seconds(1)};
  EXPECT_THAT((*right)->record({&call, 1}).front(), StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(UpstashRateLimitLog::create({.url = proxy->url(), .token = ""}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace strata::testing
