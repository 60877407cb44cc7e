// SharedAsks: one question about a user for all who ask at the same time.
#include "src/validation/shared_asks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/status_matchers.h"
#include "tests/decorators/waiting_clock.h"

namespace strata {
namespace {

using testing::eventually;
using testing::FakeClock;
using testing::IsOkAndHolds;
using testing::StatusIs;

Validation good(std::string tenant = "t1") {
  return {.is_valid = true, .checked_at = FakeClock::kDefaultStart, .tenant_id = std::move(tenant)};
}

auto isThrown() {
  return StatusIs(absl::StatusCode::kInternal,
                  ::testing::AllOf(::testing::HasSubstr("std::runtime_error"),
                                   ::testing::Not(::testing::HasSubstr("hunter2"))));
}
absl::StatusOr<Validation> throwSecret() { throw std::runtime_error("hunter2"); }

TEST(SharedAsks, ThoseWhoComeTooLateForOneQuestionShareTheNext) {
  internal::SharedAsks asks(Clock::system());
  std::atomic<int> asked = 0;
  std::latch out(1);
  std::latch answer(1);
  std::jthread first([&] {
    EXPECT_OK(asks.ask("alice",
                       [&]() -> absl::StatusOr<Validation> {
                         ++asked;
                         out.count_down();
                         answer.wait();
                         return good("before");
                       },
                       {}));
  });
  out.wait();
  std::atomic<int> arrived = 0;
  std::vector<std::jthread> crowd;
  for (int i = 0; i < 16; ++i) {
    crowd.emplace_back([&] {
      ++arrived;
      EXPECT_THAT(asks.ask("alice",
                           [&]() -> absl::StatusOr<Validation> {
                             ++asked;
                             return good("after");
                           },
                           {}),
                  IsOkAndHolds(good("after")));
    });
  }
  // Another user does not wait.
  EXPECT_OK(asks.ask("bob", [] { return absl::StatusOr<Validation>(good()); }, {}));
  EXPECT_THAT(asks.ask(
                  "alice", [] { return absl::StatusOr<Validation>(good()); },
                  Deadline::in(absl::Milliseconds(5))),
              StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(eventually([&] { return arrived == 16; }));
  answer.count_down();
  crowd.clear();
  // One question for those who had arrived; a straggler may have needed another.
  EXPECT_GE(asked, 2);
  EXPECT_LE(asked, 17);
}

// The question stayed open: whoever asked about the user from then on waited without end.
TEST(SharedAsks, AnAskThatThrowsIsInternalAndTheNextOneAsks) {
  internal::SharedAsks asks(Clock::system());
  EXPECT_THAT(asks.ask("alice", throwSecret, {}), isThrown());
  EXPECT_OK(asks.ask("alice", [] { return absl::StatusOr<Validation>(good()); }, {}));
}

TEST(SharedAsks, AnAskThatThrowsAnswersAllWhoWaitForIt) {
  internal::SharedAsks asks(Clock::system());
  std::latch out(1);
  std::latch answer(1);
  std::jthread first([&] {
    EXPECT_THAT(asks.ask("alice",
                         [&] {
                           out.count_down();
                           answer.wait();
                           return throwSecret();
                         },
                         {}),
                isThrown());
  });
  out.wait();
  std::vector<std::jthread> crowd;
  for (int i = 0; i < 8; ++i) {
    crowd.emplace_back([&] { EXPECT_THAT(asks.ask("alice", throwSecret, {}), isThrown()); });
  }
  answer.count_down();
}

// Threads that shared an answer shared the memory of its status.
TEST(SharedAsks, EachCallerHasAnErrorOfItsOwn) {
  gated::WaitingClock clock;
  internal::SharedAsks asks(clock);
  const auto ask = [&] {
    return asks.ask(
        "alice", [] { return absl::StatusOr<Validation>(absl::UnavailableError("nobody knows")); },
        {});
  };
  std::vector<absl::StatusOr<Validation>> answers(4);
  std::vector<std::jthread> crowd;
  std::latch out(1);
  std::latch answer(1);
  std::jthread first([&] {
    EXPECT_OK(asks.ask("alice",
                       [&]() -> absl::StatusOr<Validation> {
                         out.count_down();
                         answer.wait();
                         return good();
                       },
                       {}));
  });
  out.wait();
  for (auto& one : answers) crowd.emplace_back([&] { one = ask(); });
  EXPECT_TRUE(clock.awaitWaiting(answers.size()));
  answer.count_down();
  crowd.clear();
  std::set<const char*> places;
  for (const auto& one : answers) {
    EXPECT_THAT(one, StatusIs(absl::StatusCode::kUnavailable));
    places.insert(one.status().message().data());
  }
  EXPECT_EQ(places.size(), answers.size());
}

// The one who asked for all ran out of time, and its DeadlineExceeded was the answer of those who had
// time left as well.
TEST(SharedAsks, TheDeadlineOfTheOneWhoAsksIsItsOwnAlone) {
  gated::WaitingClock clock;
  internal::SharedAsks asks(clock);
  std::latch out(1);
  std::latch answer(1);
  std::jthread first([&] {
    EXPECT_OK(asks.ask("alice",
                       [&]() -> absl::StatusOr<Validation> {
                         out.count_down();
                         answer.wait();
                         return good();
                       },
                       {}));
  });
  out.wait();
  std::atomic<int> asked = 0;
  std::atomic<int> answered = 0;
  std::atomic<int> late = 0;
  const Deadline deadline = Deadline::in(absl::Milliseconds(100), clock);
  std::vector<std::jthread> crowd;
  for (int i = 0; i < 4; ++i) {
    crowd.emplace_back([&] {
      const auto verdict = asks.ask(
          "alice",
          [&]() -> absl::StatusOr<Validation> {
            if (asked++ > 0) return good();
            clock.advance(absl::Milliseconds(96));  // identity providers round as databases do
            return absl::DeadlineExceededError("no answer in time");
          },
          deadline);
      ++(verdict.ok() ? answered : late);
    });
  }
  EXPECT_TRUE(clock.awaitWaiting(4));
  answer.count_down();
  crowd.clear();
  EXPECT_EQ(answered, 3);
  EXPECT_EQ(late, 1);
}

}  // namespace
}  // namespace strata
