#include "strata/base/circuit_breaker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <latch>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/fakes/fake_executor.h"
#include "strata/testing/status_matchers.h"
#include "tests/base/thread_shortage.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using State = CircuitBreaker::State;
using testing::StatusIs;

const absl::Status kDown = absl::UnavailableError("connection refused");

class CircuitBreakerTest : public ::testing::Test {
 protected:
  void fail(int times) {
    for (int i = 0; i < times; ++i) breaker_.noteFailure(kDown);
  }
  State state() const { return breaker_.status().state; }
  std::int64_t transitions(const char* to) const {
    return metrics_->count("strata_breaker_transitions_total", {{"breaker", "cache"}, {"to", to}});
  }

  testing::FakeClock clock_;
  std::shared_ptr<testing::FakeExecutor> executor_ =
      std::make_shared<testing::FakeExecutor>(clock_);
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  absl::Status backend_ = kDown;
  int probes_ = 0;
  bool allowed_during_probe_ = false;
  CircuitBreaker breaker_{{},
                          [this] {
                            ++probes_;
                            allowed_during_probe_ = breaker_.allows();
                            return backend_;
                          },
                          metrics_,
                          clock_,
                          executor_};
};

// B-34
TEST_F(CircuitBreakerTest, ASuccessBetweenFailuresStartsTheCountAnew) {
  fail(2);
  EXPECT_EQ(breaker_.status().failures, 2);
  breaker_.noteSuccess();
  EXPECT_EQ(breaker_.status().failures, 0);
  fail(2);
  EXPECT_TRUE(breaker_.allows());
  EXPECT_EQ(state(), State::kClosed);
}

// B-35
TEST_F(CircuitBreakerTest, ThreeFailuresInARowOpenIt) {
  fail(3);
  EXPECT_FALSE(breaker_.allows());
  EXPECT_EQ(state(), State::kOpen);
  EXPECT_THAT(breaker_.refusal(),
              StatusIs(absl::StatusCode::kUnavailable,
                       AllOf(HasSubstr("cache"), HasSubstr("connection refused"))));
  const absl::Duration left = breaker_.status().time_to_probe;
  EXPECT_GE(left, absl::Seconds(13.5));
  EXPECT_LE(left, absl::Seconds(16.5));
}

// B-36
TEST_F(CircuitBreakerTest, OneProbeRunsInTheBackgroundWhileCallsAreStillRefused) {
  fail(3);
  executor_->advance(absl::Seconds(13.4));
  EXPECT_EQ(probes_, 0);
  executor_->advance(absl::Seconds(3.2));
  EXPECT_EQ(probes_, 1);
  EXPECT_FALSE(allowed_during_probe_);
}

// B-37
TEST_F(CircuitBreakerTest, AFailedProbeStartsAFullPeriodAndItRecoversHoweverLateTheBackendDoes) {
  fail(3);
  for (int i = 1; i <= 50; ++i) {
    executor_->advance(absl::Seconds(13.4));
    EXPECT_EQ(probes_, i - 1) << "each period is a full one";
    executor_->advance(breaker_.status().time_to_probe);
    EXPECT_EQ(probes_, i);
    EXPECT_EQ(state(), State::kOpen);
  }
  backend_ = absl::OkStatus();
  executor_->advance(absl::Seconds(17));
  EXPECT_EQ(state(), State::kClosed);
}

// B-38
TEST_F(CircuitBreakerTest, ASuccessfulProbeClosesItWithNothingCounted) {
  fail(3);
  backend_ = absl::OkStatus();
  executor_->advance(absl::Seconds(17));
  EXPECT_TRUE(breaker_.allows());
  EXPECT_EQ(breaker_.status().failures, 0);
  fail(2);
  EXPECT_TRUE(breaker_.allows());
  EXPECT_EQ(transitions("open"), 1);
  EXPECT_EQ(transitions("half-open"), 1);
  EXPECT_EQ(transitions("closed"), 1);
  EXPECT_EQ(metrics_->level("strata_breaker_state"), 0);
}

TEST_F(CircuitBreakerTest, AsManyProbesAsAskedMustSucceedInARow) {
  int left = 2;
  CircuitBreaker breaker(
      {.name = "limiter", .failures_to_open = 1, .probes_to_close = 3},
      [&] { return --left >= 0 ? absl::OkStatus() : kDown; }, Metrics::none(), clock_, executor_);
  breaker.noteFailure(kDown);
  executor_->advance(absl::Seconds(17));
  EXPECT_FALSE(breaker.allows()) << "the third probe failed";
  left = 3;
  executor_->advance(absl::Seconds(17));
  EXPECT_TRUE(breaker.allows());
}

// B-40
TEST_F(CircuitBreakerTest, TheWallClockHasNoEffect) {
  fail(3);
  clock_.jumpWallClock(absl::Hours(24));
  executor_->runDue();
  EXPECT_EQ(probes_, 0);
  clock_.jumpWallClock(-absl::Hours(48));
  executor_->advance(absl::Seconds(17));
  EXPECT_EQ(probes_, 1);
}

// B-41
TEST_F(CircuitBreakerTest, AnOperatorForcesItOpenOrClosedUntilAReset) {
  backend_ = absl::OkStatus();
  breaker_.forceOpen();
  EXPECT_FALSE(breaker_.allows());
  EXPECT_TRUE(breaker_.status().forced);
  EXPECT_EQ(breaker_.status().time_to_probe, absl::InfiniteDuration());
  executor_->advance(absl::Hours(1));
  EXPECT_FALSE(breaker_.allows());
  EXPECT_EQ(probes_, 0);
  breaker_.reset();
  EXPECT_TRUE(breaker_.allows());

  breaker_.forceClosed();
  fail(100);
  EXPECT_TRUE(breaker_.allows());
  breaker_.reset();
  fail(3);
  EXPECT_FALSE(breaker_.allows());
}

// Its log lines, `name=value`, without what stands before the event.
class BreakerLogTest : public CircuitBreakerTest {
 protected:
  BreakerLogTest() {
    auto logger = std::make_shared<spdlog::logger>(
        "strata", std::make_shared<spdlog::sinks::ostream_sink_mt>(out_));
    logger->set_pattern("%l %v");
    spdlog::register_logger(std::move(logger));
  }
  ~BreakerLogTest() override { spdlog::drop("strata"); }
  std::string lines() {
    std::string all = out_.str();
    out_.str("");
    return all;
  }

  std::ostringstream out_;
};

// B-41
TEST_F(BreakerLogTest, HasALineForEachTransitionAndNoneForARefusedCall) {
  fail(3);
  EXPECT_THAT(lines(), ::testing::StartsWith("warning strata.breaker.transition breaker=cache "
                                             "to=open why=\"UNAVAILABLE: connection refused\""));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(breaker_.allows());
  fail(10);
  EXPECT_EQ(lines(), "");
  backend_ = absl::OkStatus();
  executor_->advance(absl::Seconds(17));
  EXPECT_EQ(lines(),
            "info strata.breaker.transition breaker=cache to=half-open\n"
            "info strata.breaker.transition breaker=cache to=closed\n");
}

// What an operator did left no line.
TEST_F(BreakerLogTest, HasALineForWhatAnOperatorDoes) {
  breaker_.forceOpen();
  breaker_.forceClosed();
  breaker_.reset();
  EXPECT_EQ(lines(),
            "warning strata.breaker.transition breaker=cache to=open by=operator forced=true\n"
            "warning strata.breaker.transition breaker=cache to=closed by=operator forced=true\n"
            "info strata.breaker.transition breaker=cache to=closed by=operator forced=false\n");
}

TEST_F(CircuitBreakerTest, AnOperatorIsFasterThanAProbeThatIsUnderWay) {
  CircuitBreaker* of_probe = nullptr;
  CircuitBreaker breaker(
      {.failures_to_open = 1},
      [&] {
        of_probe->forceOpen();
        return absl::OkStatus();
      },
      Metrics::none(), clock_, executor_);
  of_probe = &breaker;
  breaker.noteFailure(kDown);
  executor_->advance(absl::Seconds(17));
  EXPECT_FALSE(breaker.allows());
  EXPECT_TRUE(breaker.status().forced);
}

// B-42
TEST_F(CircuitBreakerTest, SixtyFourThreadsAtTheHalfOpenInstantMakeNoProbe) {
  fail(3);
  clock_.advance(absl::Seconds(17));
  std::atomic<int> allowed = 0;
  {
    std::latch start(65);
    std::vector<std::jthread> threads;
    for (int i = 0; i < 64; ++i) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        for (int k = 0; k < 1000; ++k) allowed += breaker_.allows() ? 1 : 0;
      });
    }
    start.arrive_and_wait();
    executor_->runDue();
  }
  EXPECT_EQ(allowed, 0);
  EXPECT_EQ(probes_, 1);
}

TEST_F(CircuitBreakerTest, OneThatIsGoneDoesNotShowAsOpen) {
  {
    CircuitBreaker gone(
        {.name = "gone"}, [] { return kDown; }, metrics_, clock_, executor_);
    gone.forceOpen();
    EXPECT_EQ(metrics_->level("strata_breaker_state", {{"breaker", "gone"}}), 1);
  }
  EXPECT_EQ(metrics_->level("strata_breaker_state", {{"breaker", "gone"}}), 0);
}

TEST_F(CircuitBreakerTest, ManyThreadsThatFailTogetherOpenItOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 16; ++i) {
    threads.emplace_back([&] { fail(100); });
  }
  threads.clear();
  EXPECT_EQ(transitions("open"), 1);
  EXPECT_EQ(executor_->size(), 1U);
}

TEST(CircuitBreaker, RefusesOptionsOutOfTheirRange) {
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(validate(CircuitBreakerOptions{.failures_to_open = 0}), refused);
  EXPECT_THAT(validate(CircuitBreakerOptions{.open_time = absl::ZeroDuration()}), refused);
  EXPECT_THAT(validate(CircuitBreakerOptions{.open_time = absl::InfiniteDuration()}), refused);
  EXPECT_THAT(validate(CircuitBreakerOptions{.probes_to_close = 0}), refused);
  EXPECT_THAT(validate(CircuitBreakerOptions{}), testing::IsOk());
}

// The probe was lost with the exception of the executor, which left noteFailure, and the breaker
// stayed open until the process ended.
TEST_F(CircuitBreakerTest, AProbeThatNoThreadCouldRunComesOnceThereIsOne) {
  const auto refusing = std::make_shared<testing::RefusingExecutor>(executor_);
  bool is_up = false;
  CircuitBreaker breaker(
      {}, [&] { return is_up ? absl::OkStatus() : kDown; }, metrics_, clock_, refusing);
  for (int i = 0; i < 3; ++i) breaker.noteFailure(kDown);
  EXPECT_FALSE(breaker.allows());
  EXPECT_EQ(executor_->size(), 0U);
  refusing->refuses = false;
  EXPECT_TRUE(testing::eventually([&] { return !breaker.allows() && executor_->size() == 1; }));
  refusing->refuses = true;  // the next period finds none, either
  executor_->advance(absl::Seconds(17));
  EXPECT_EQ(breaker.status().state, State::kOpen);
  is_up = true;
  refusing->refuses = false;
  EXPECT_TRUE(testing::eventually([&] { return !breaker.allows() && executor_->size() == 1; }));
  executor_->advance(absl::Seconds(17));
  EXPECT_TRUE(breaker.allows());
}

TEST_F(CircuitBreakerTest, OpensAndClosesInAProcessThatHadNoThreadForAWhile) {
  EXPECT_TRUE(testing::holdsWithoutThreads([](testing::ThreadShortage& shortage) {
    CircuitBreaker breaker(
        {.open_time = absl::Milliseconds(1)}, [] { return absl::OkStatus(); }, Metrics::none(),
        Clock::system(), Executor::withThreads(1));
    for (int i = 0; i < 3; ++i) breaker.noteFailure(kDown);
    const bool opened = !breaker.allows();
    shortage.end();
    return opened && testing::eventually([&] { return breaker.allows(); });
  }));
}

// A probe that threw left the breaker half-open, which no call and no probe ends.
TEST_F(CircuitBreakerTest, AProbeThatThrowsHasFailed) {
  bool throws = true;
  CircuitBreaker breaker(
      {},
      [&]() -> absl::Status {
        if (throws) throw std::runtime_error("hunter2");
        return absl::OkStatus();
      },
      metrics_, clock_, executor_);
  for (int i = 0; i < 3; ++i) breaker.noteFailure(kDown);
  executor_->advance(absl::Seconds(17));
  EXPECT_EQ(breaker.status().state, State::kOpen);
  EXPECT_THAT(breaker.refusal(), StatusIs(absl::StatusCode::kUnavailable,
                                          AllOf(HasSubstr("std::runtime_error"),
                                                ::testing::Not(HasSubstr("hunter2")))));
  throws = false;
  executor_->advance(absl::Seconds(17));
  EXPECT_TRUE(breaker.allows());
}

}  // namespace
}  // namespace strata
