#include "strata/probes/probes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "strata/base/metrics.h"
#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/status_matchers.h"
#include "tests/base/thread_shortage.h"

namespace strata {
namespace {

using ::testing::Contains;
using testing::eventually;
using testing::FakeClock;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using ::testing::Pair;
using testing::StatusIs;

// A dependency that is in whatever state a test says, and counts how often it is asked.
struct Dependency {
  Health ask() {
    ++asked;
    if (hanging) released.wait();
    return {.component = "database",
            .backend = "postgres",
            .state = state,
            .latency = absl::Milliseconds(2),
            .error = state == HealthState::kPass ? "" : "connection refused"};
  }
  Probes::Check check() {
    return [this] { return ask(); };
  }

  std::atomic<HealthState> state{HealthState::kPass};
  std::atomic<int> asked{0};
  std::atomic<bool> hanging{false};
  std::latch released{1};
};

class ProbesTest : public ::testing::Test {
 protected:
  ProbesTest() {
    EXPECT_THAT(probes_.add("postgres", postgres_.check()), IsOk());
    EXPECT_THAT(probes_.add("redis", redis_.check(), FailureTier::kImportant), IsOk());
  }
  // Its probes wait for the checks that are running.
  ~ProbesTest() override {
    if (postgres_.hanging) postgres_.released.count_down();
  }

  FakeClock clock_;
  Dependency postgres_;
  Dependency redis_;
  Probes probes_{{}, clock_};
};

// B-68
TEST_F(ProbesTest, AllUpIsReadyWithLatencyAndBackendOfEachPart) {
  const ProbeAnswer ready = probes_.answer("/readyz");
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(ready.body, "ok\n");
  const ProbeAnswer health = probes_.answer("/healthz");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(health.content_type, "application/json");
  const auto json = boost::json::parse(health.body);
  EXPECT_EQ(json.at("state").as_string(), "pass");
  const auto& postgres = json.at("children").at(0);
  EXPECT_EQ(postgres.at("component").as_string(), "postgres");
  EXPECT_EQ(postgres.at("backend").as_string(), "postgres");
  EXPECT_EQ(postgres.at("latencyMs").to_number<double>(), 2);
}

// B-69
TEST_F(ProbesTest, WithoutTheCacheItIsReadyWithAWarning) {
  redis_.state = HealthState::kFail;
  EXPECT_EQ(probes_.answer("/readyz").status, 200);
  EXPECT_EQ(probes_.answer("/readyz?verbose").body,
            "[+] postgres ok\n"
            "[!] redis warn: connection refused\n"
            "ok\n");
  const ProbeAnswer health = probes_.answer("/healthz");
  EXPECT_EQ(health.status, 200);
  EXPECT_EQ(boost::json::parse(health.body).at("state").as_string(), "warn");
}

// B-70
TEST_F(ProbesTest, WithoutTheDatabaseItIsAliveAndNotReady) {
  postgres_.state = HealthState::kFail;
  const ProbeAnswer ready = probes_.answer("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.body,
            "[-] postgres fail: connection refused\n"
            "[+] redis ok\n"
            "not ready\n");
  EXPECT_EQ(probes_.answer("/healthz").status, 503);
  EXPECT_EQ(probes_.answer("/livez").status, 200);
}

// B-71
TEST_F(ProbesTest, ACheckThatHangsHoldsNobodyUpAndIsNotMadeAgain) {
  postgres_.hanging = true;
  std::jthread asking([&] {
    const ProbeAnswer ready = probes_.answer("/readyz");
    EXPECT_EQ(ready.status, 503);
    EXPECT_THAT(ready.body, HasSubstr("[-] postgres fail: no answer within 1s\n[+] redis ok\n"));
  });
  ASSERT_TRUE(eventually([&] { return postgres_.asked == 1 && redis_.asked == 1; }));
  EXPECT_EQ(probes_.answer("/livez").status, 200);  // while the other waits
  clock_.advance(absl::Seconds(1));
  asking.join();

  // Whoever comes later does not wait at all: the clock stands still.
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(probes_.answer("/readyz").status, 503);
    EXPECT_EQ(probes_.answer("/readyz?exclude=postgres").status, 200);
  }
  EXPECT_EQ(postgres_.asked, 1);
  clock_.advance(absl::Hours(1));
  EXPECT_EQ(probes_.answer("/readyz").status, 503);
  EXPECT_EQ(postgres_.asked, 1);

  postgres_.hanging = false;
  postgres_.released.count_down();
  EXPECT_TRUE(eventually([&] { return probes_.answer("/readyz").status == 200; }));
}

// B-72
TEST_F(ProbesTest, ListsExcludesAndSinglesOutChecks) {
  postgres_.state = HealthState::kFail;
  EXPECT_EQ(probes_.answer("/readyz?verbose&exclude=postgres").body, "[+] redis ok\nok\n");
  EXPECT_EQ(probes_.answer("/readyz?exclude=postgres&exclude=redis").body, "ok\n");
  EXPECT_EQ(probes_.answer("/readyz?verbose&exclude=postgres&exclude=mysql").body,
            "[+] redis ok\n[?] mysql is excluded and is no check\nok\n");
  EXPECT_EQ(probes_.answer("/readyz/postgres").status, 503);
  EXPECT_EQ(probes_.answer("/readyz/redis").body, "[+] redis ok\nok\n");
  EXPECT_EQ(probes_.answer("/readyz/mysql").status, 404);
  EXPECT_EQ(probes_.answer("/readyz/").status, 404);
  EXPECT_EQ(probes_.answer("/").status, 404);
}

// B-73
TEST_F(ProbesTest, AStormAsksADependencyOncePerInterval) {
  for (int interval = 1; interval <= 3; ++interval) {
    std::latch all_there(8);
    std::vector<std::jthread> storm;
    for (int i = 0; i < 8; ++i) {
      storm.emplace_back([&] {
        all_there.arrive_and_wait();
        for (int n = 0; n < 50; ++n) {
          EXPECT_EQ(probes_.answer("/readyz").status, 200);
          EXPECT_EQ(probes_.answer("/healthz").status, 200);
        }
      });
    }
    storm.clear();
    EXPECT_EQ(postgres_.asked, interval);
    EXPECT_EQ(redis_.asked, interval);
    clock_.advance(absl::Seconds(1));
  }
}

TEST_F(ProbesTest, ASingleCheckAsksNoOther) {
  EXPECT_EQ(probes_.answer("/readyz/redis").status, 200);
  EXPECT_EQ(postgres_.asked, 0);
}

// B-74
TEST_F(ProbesTest, IsNotReadyAsSoonAsItIsAboutToEnd) {
  EXPECT_EQ(probes_.answer("/readyz").status, 200);
  EXPECT_FALSE(probes_.draining());
  postgres_.hanging = true;  // it does not matter any more
  clock_.advance(absl::Seconds(1));
  probes_.beginDrain();
  EXPECT_TRUE(probes_.draining());
  const ProbeAnswer ready = probes_.answer("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(ready.body, "[-] shutdown fail: the process is about to end\nnot ready\n");
  EXPECT_EQ(probes_.answer("/livez").status, 200);
  EXPECT_EQ(postgres_.asked, 1);
}

TEST_F(ProbesTest, HandsOutMetricsAsTheyAreNow) {
  EXPECT_EQ(probes_.answer("/metrics").status, 404);
  int scraped = 0;
  probes_.setMetrics([&] { return "scraped " + std::to_string(++scraped) + "\n"; });
  EXPECT_EQ(probes_.answer("/metrics").body, "scraped 1\n");
  const ProbeAnswer second = probes_.answer("/metrics");
  EXPECT_EQ(second.body, "scraped 2\n");
  EXPECT_EQ(second.content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(ProbesTest, ShowsAPersonWhatItKnows) {
  redis_.state = HealthState::kFail;
  ASSERT_EQ(probes_.answer("/readyz").status, 200);
  clock_.advance(absl::Milliseconds(400));
  const ProbeAnswer page = probes_.answer("/statusz");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page.headers, Contains(Pair("Cache-Control", "no-store")));
  EXPECT_THAT(page.headers, Contains(Pair("X-Content-Type-Options", "nosniff")));
  EXPECT_THAT(page.headers, Contains(Pair("Content-Security-Policy",
                                          "default-src 'none'; style-src 'unsafe-inline'")));
  EXPECT_THAT(page.body, HasSubstr("✓ ready<"));
  EXPECT_THAT(page.body, HasSubstr(">postgres<"));
  EXPECT_THAT(page.body, HasSubstr(">2.0 ms<"));
  EXPECT_THAT(page.body, HasSubstr(">0.4 s ago<"));
  EXPECT_THAT(page.body, HasSubstr(">! warn<"));
  EXPECT_THAT(page.body, HasSubstr(">important<"));
  EXPECT_THAT(page.body, HasSubstr(">connection refused<"));
  EXPECT_THAT(page.body, HasSubstr("since 2026-01-01 00:00:00 UTC"));
  EXPECT_EQ(postgres_.asked, 1);  // within the interval
}

TEST_F(ProbesTest, ThePageIsReadyWhereReadyzIs) {
  postgres_.state = HealthState::kFail;
  const ProbeAnswer failing = probes_.answer("/statusz");
  EXPECT_EQ(failing.status, 503);
  EXPECT_THAT(failing.body, HasSubstr("✗ not ready<"));
  EXPECT_THAT(failing.body, HasSubstr("<li>postgres fails: connection refused</li>"));

  postgres_.state = HealthState::kPass;
  clock_.advance(absl::Seconds(1));
  EXPECT_EQ(probes_.answer("/statusz").status, 200);
  clock_.advance(absl::Seconds(1));
  probes_.beginDrain();
  const ProbeAnswer draining = probes_.answer("/statusz");
  EXPECT_EQ(draining.status, 503);
  EXPECT_THAT(draining.body, HasSubstr("<li>the process is about to end</li>"));
  EXPECT_THAT(draining.body, HasSubstr("✓ pass"));  // checks go on
  EXPECT_EQ(postgres_.asked, 3);
}

TEST_F(ProbesTest, ThePageShowsACheckThatHangsAsFailed) {
  postgres_.hanging = true;
  std::jthread asking([&] {
    const ProbeAnswer page = probes_.answer("/statusz");
    EXPECT_EQ(page.status, 503);
    EXPECT_THAT(page.body, HasSubstr("<li>postgres fails: no answer within 1s</li>"));
  });
  ASSERT_TRUE(eventually([&] { return postgres_.asked == 1 && redis_.asked == 1; }));
  clock_.advance(absl::Seconds(1));
  asking.join();
  clock_.advance(absl::Seconds(2));
  const ProbeAnswer later = probes_.answer("/statusz");  // at once: the clock stands still
  EXPECT_EQ(later.status, 503);
  EXPECT_THAT(later.body, HasSubstr(">3.0 s ago<"));
  EXPECT_EQ(postgres_.asked, 1);
}

TEST_F(ProbesTest, ThePageLoadsItselfAnewOnlyWhenAskedTo) {
  const auto refresh = [&](const char* query) {
    const ProbeAnswer page = probes_.answer(std::string("/statusz") + query);
    EXPECT_EQ(page.status, 200);
    return page.body;
  };
  EXPECT_THAT(refresh("?refresh=5"), HasSubstr(R"(http-equiv="refresh" content="5")"));
  EXPECT_THAT(refresh("?verbose&refresh=3600"), HasSubstr(R"(content="3600")"));
  for (const char* query :
       {"", "?", "?refresh", "?refresh=", "?refresh=0", "?refresh=-1", "?refresh=3601",
        "?refresh=5s", "?refresh=%35", "?refresh=99999999999999999999",
        "?refresh=1;url=https://example.com", "?other=5&<script>"}) {
    const std::string body = refresh(query);
    EXPECT_THAT(body, Not(HasSubstr("http-equiv"))) << query;
    EXPECT_THAT(body, Not(HasSubstr("<script"))) << query;
  }
  EXPECT_EQ(probes_.answer("/statusz/").status, 404);
}

TEST_F(ProbesTest, ThePageLinksToMetricsWhereThereAreSome) {
  EXPECT_THAT(probes_.answer("/statusz").body, Not(HasSubstr(R"(href="metrics")")));
  probes_.setMetrics([] { return std::string(); });
  EXPECT_THAT(probes_.answer("/statusz").body, HasSubstr(R"(href="metrics")"));
}

// B-79
TEST_F(ProbesTest, DoesNotTellWhatACheckThrows) {
  ASSERT_THAT(
      probes_.add("odd",
                  []() -> Health { throw std::runtime_error("postgresql://user:secret@host/db"); }),
      IsOk());
  for (const char* target : {"/readyz?verbose", "/readyz/odd", "/healthz", "/statusz"}) {
    const ProbeAnswer answer = probes_.answer(target);
    EXPECT_EQ(answer.status, 503);
    EXPECT_THAT(answer.body, HasSubstr("the check threw an exception of type std::runtime_error"));
    EXPECT_THAT(answer.body, Not(HasSubstr("secret")));
  }
}

TEST_F(ProbesTest, MetricsThatThrowAreAnErrorOfTheServer) {
  probes_.setMetrics([]() -> std::string { throw std::runtime_error("secret"); });
  const ProbeAnswer answer = probes_.answer("/metrics");
  EXPECT_EQ(answer.status, 500);
  EXPECT_THAT(answer.body, Not(HasSubstr("secret")));
}

// The exception of the executor left `answer`, and a check that had counted as begun was never begun
// again.
TEST(ProbesWithoutThreads, ACheckThatNoThreadCanMakeFailsAtOnceAndIsMadeLater) {
  FakeClock clock;
  const auto executor = std::make_shared<testing::RefusingExecutor>(Executor::shared());
  Probes probes({}, clock, executor);
  ASSERT_THAT(probes.add("odd", [] { return Health{}; }), IsOk());
  EXPECT_THAT(probes.answer("/readyz").body, HasSubstr("no thread could be started"));
  executor->refuses = false;
  clock.advance(absl::Seconds(1));
  EXPECT_EQ(probes.answer("/readyz").status, 200);
}

TEST_F(ProbesTest, KeepsEachCheckOnALineOfItsOwn) {
  ASSERT_THAT(
      probes_.add("two-lines",
                  [] { return Health{.state = HealthState::kWarn, .error = "one\r\n[+] two"}; }),
      IsOk());
  EXPECT_EQ(probes_.answer("/readyz/two-lines").body, "[!] two-lines warn: one  [+] two\nok\n");
}

TEST_F(ProbesTest, RefusesNamesThatCannotStandInAUrl) {
  const auto check = [] { return Health{}; };
  for (const char* name : {"", "Postgres", "a/b", "a b", "a?b"}) {
    EXPECT_THAT(probes_.add(name, check), StatusIs(absl::StatusCode::kInvalidArgument)) << name;
  }
  EXPECT_THAT(probes_.add(std::string(65, 'a'), check),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(probes_.add("none", nullptr), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(probes_.add("redis", check), StatusIs(absl::StatusCode::kAlreadyExists));
}

TEST(Probes, OfNothingIsReady) {
  Probes probes;
  EXPECT_EQ(probes.answer("/readyz").status, 200);
  EXPECT_EQ(probes.answer("/healthz").status, 200);
}

}  // namespace
}  // namespace strata
