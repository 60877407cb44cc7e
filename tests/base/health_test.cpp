#include "strata/base/health.h"

#include <gtest/gtest.h>

#include <sstream>

#include "src/base/health_check.h"
#include "strata/testing/fakes/fake_clock.h"

namespace strata {
namespace {

const Health kHealth{.component = "store",
                     .backend = "postgres",
                     .state = HealthState::kWarn,
                     .latency = absl::Microseconds(1250),
                     .error = "cache: \"down\"",
                     .children = {{.component = "cache",
                                   .backend = "redis",
                                   .state = HealthState::kFail,
                                   .latency = absl::Milliseconds(50),
                                   .error = "\"down\""}}};

// B-68
TEST(Health, IsDescribedInALineForEachPart) {
  EXPECT_EQ(describe(kHealth),
            "store warn (postgres, 1.2 ms): cache: \"down\"\n"
            "  cache fail (redis, 50.0 ms): \"down\"");
}

TEST(Health, IsServingUnlessItFails) {
  EXPECT_TRUE(kHealth.healthy());
  EXPECT_FALSE(kHealth.children[0].healthy());
}

TEST(Health, OfACheckIsItsStatusAndHowLongItTook) {
  testing::FakeClock clock;
  const auto after = [&](absl::Duration time, absl::Status status) {
    return internal::healthByCheck("cache", "redis", clock, [&] {
      clock.advance(time);
      return status;
    });
  };
  EXPECT_EQ(describe(after(absl::Milliseconds(2), absl::OkStatus())), "cache pass (redis, 2.0 ms)");
  EXPECT_EQ(describe(after(absl::Milliseconds(3), absl::UnavailableError("refused"))),
            "cache fail (redis, 3.0 ms): UNAVAILABLE: refused");
}

TEST(Health, IsOneJsonObject) {
  EXPECT_EQ(toJson(kHealth),
            R"({"component":"store","backend":"postgres","state":"warn","healthy":true,)"
            R"("latencyMs":1.25E0,"error":"cache: \"down\"","children":[)"
            R"({"component":"cache","backend":"redis","state":"fail","healthy":false,)"
            R"("latencyMs":5E1,"error":"\"down\""}]})");
}

}  // namespace
}  // namespace strata
