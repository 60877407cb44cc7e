// The checker is itself checked: it accepts histories that keep the promise and finds every kind of
// violation that is planted in one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/chaos/checker.h"
#include "tests/chaos/record.h"

namespace strata::chaos {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::int64_t kMs = 1'000'000;

// Key 7, times in milliseconds. Number n is what the put of number n wrote.
class CheckedHistory : public ::testing::Test {
 protected:
  static constexpr std::uint32_t kKey = 7;

  Operation& add(int process, Op op, std::int64_t invoked, std::int64_t returned) {
    Operation operation;
    operation.slot = static_cast<std::uint16_t>(process);
    operation.entry = {.invoked = invoked * kMs,
                       .returned = returned * kMs,
                       .key = kKey,
                       .op = op,
                       .outcome = Outcome::kOk};
    return evidence_.operations.emplace_back(operation);
  }

  Operation& put(int process, std::int64_t invoked, std::int64_t returned, std::int64_t version,
                 std::uint64_t number) {
    evidence_.commits.push_back({kKey, version, number, false});
    Operation& operation = add(process, Op::kPut, invoked, returned);
    operation.entry.version = version;
    operation.entry.number = number;
    return operation;
  }

  void remove(int process, std::int64_t invoked, std::int64_t returned, std::int64_t version) {
    evidence_.commits.push_back({kKey, version, 0, true});
    add(process, Op::kRemove, invoked, returned).entry.version = version;
  }

  Operation& read(int process, std::int64_t invoked, std::int64_t returned, std::int64_t version,
                  std::uint64_t number) {
    Operation& operation = add(process, Op::kGet, invoked, returned);
    operation.entry.version = version;
    operation.entry.number = number;
    return operation;
  }

  Operation& readNothing(int process, std::int64_t invoked, std::int64_t returned) {
    return read(process, invoked, returned, 0, 0);
  }

  std::vector<std::string> violated() {
    verdict_ = check(evidence_, rules_);
    std::vector<std::string> invariants;
    for (const Violation& violation : verdict_.violations) {
      invariants.push_back(violation.invariant);
    }
    return invariants;
  }

  Evidence evidence_;
  CheckRules rules_{
      .session = true, .worst_staleness = absl::Seconds(5), .longest_call = absl::Seconds(1)};
  Verdict verdict_;
};

TEST_F(CheckedHistory, KeepsThePromiseWhenReadsFollowWrites) {
  readNothing(1, 0, 1);
  put(1, 2, 4, 10, 100);
  read(1, 5, 6, 10, 100);
  remove(1, 7, 8, 11);
  readNothing(1, 9, 10);
  put(2, 11, 12, 12, 101);
  read(1, 13, 14, 12, 101);
  EXPECT_THAT(violated(), IsEmpty());
  EXPECT_EQ(verdict_.reads, 4U);
  EXPECT_EQ(verdict_.writes, 3U);
  EXPECT_THAT(verdict_.staleness, IsEmpty());
}

TEST_F(CheckedHistory, LetsAReadThatOverlapsAWriteSeeEither) {
  put(1, 0, 1, 10, 100);
  put(1, 5, 9, 11, 101);
  read(1, 6, 7, 10, 100);
  read(1, 6, 12, 11, 101);
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(CheckedHistory, FindsAReadOlderThanAWriteOfItsOwnProcess) {
  put(1, 0, 1, 10, 100);
  put(1, 2, 3, 11, 101);
  read(1, 4, 5, 10, 100);
  EXPECT_THAT(violated(), ElementsAre("I1"));
}

TEST_F(CheckedHistory, AllowsThatReadAtTheLevelEventualAndTellsHowOldItWas) {
  rules_.session = false;
  put(1, 0, 1, 10, 100);
  put(1, 2, 3, 11, 101);
  read(1, 40, 50, 10, 100);
  EXPECT_THAT(violated(), IsEmpty());
  EXPECT_THAT(verdict_.staleness, ElementsAre(37 * kMs));
}

TEST_F(CheckedHistory, FindsAnAbsenceOlderThanAWriteOfItsOwnProcess) {
  remove(2, 0, 1, 9);
  put(1, 2, 3, 10, 100);
  readNothing(1, 4, 5);
  EXPECT_THAT(violated(), ElementsAre("I1"));
}

TEST_F(CheckedHistory, FindsARemovedValueThatIsReadAfterTheRemoval) {
  put(1, 0, 1, 10, 100);
  remove(1, 2, 3, 11);
  read(1, 4, 5, 10, 100);
  EXPECT_THAT(violated(), ElementsAre("I1"));
}

TEST_F(CheckedHistory, AllowsAnAbsenceAfterSomebodyElsesLaterRemoval) {
  put(1, 0, 1, 10, 100);
  remove(2, 2, 9, 11);
  readNothing(1, 4, 5);
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(CheckedHistory, TakesARemovalThatWasNeverAnsweredForAnAbsence) {
  put(1, 0, 1, 10, 100);
  remove(2, 2, 0, 11);
  evidence_.operations.back().entry.outcome = Outcome::kPending;
  evidence_.operations.back().entry.version = 0;
  readNothing(1, 4, 5);
  EXPECT_THAT(violated(), IsEmpty());
  EXPECT_EQ(verdict_.indeterminate, 1U);
}

TEST_F(CheckedHistory, LetsOtherProcessesBeBehindAndTellsHowFar) {
  put(1, 0, 1, 10, 100);
  put(1, 2, 3, 11, 101);
  put(1, 4, 5, 12, 102);
  read(2, 33, 34, 10, 100);
  EXPECT_THAT(violated(), IsEmpty());
  EXPECT_THAT(verdict_.staleness, ElementsAre(30 * kMs));
}

TEST_F(CheckedHistory, FindsAReadBeyondTheLongestLifeOfACopy) {
  put(1, 0, 1, 10, 100);
  put(1, 2, 3, 11, 101);
  read(2, 5'004, 5'005, 10, 100);
  EXPECT_THAT(violated(), ElementsAre("T9"));
}

TEST_F(CheckedHistory, ForgetsWhatAProcessWroteBeforeItWasKilled) {
  put(1, 0, 1, 10, 100);
  put(1, 2, 3, 11, 101);
  read(1, 4, 5, 10, 100).entry.life = 1;
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(CheckedHistory, FindsAVersionThatNobodyCommitted) {
  put(1, 0, 1, 10, 100);
  read(2, 2, 3, 11, 101);
  EXPECT_THAT(violated(), ElementsAre("I3"));
}

TEST_F(CheckedHistory, FindsAValueUnderTheVersionOfAnother) {
  put(1, 0, 1, 10, 100);
  put(1, 2, 3, 11, 101);
  read(2, 4, 5, 11, 100);
  EXPECT_THAT(violated(), ElementsAre("I3"));
}

TEST_F(CheckedHistory, FindsAReadOfAWriteThatHadNotBegun) {
  put(1, 5, 6, 10, 100);
  read(2, 0, 2, 10, 100);
  EXPECT_THAT(violated(), ElementsAre("I3"));
}

TEST_F(CheckedHistory, FindsAnAbsenceThatNobodyMade) {
  evidence_.initial.push_back({kKey, 5, 50, false});
  readNothing(1, 0, 2);
  EXPECT_THAT(violated(), ElementsAre("I3"));
}

TEST_F(CheckedHistory, FindsACommitOfAWriteThatWasRefused) {
  put(1, 0, 1, 10, 100).entry.outcome = Outcome::kRefused;
  evidence_.faults.push_back({.name = "postgres", .end = kMs, .excuses = true});
  EXPECT_THAT(violated(), ElementsAre("I3"));
}

TEST_F(CheckedHistory, LetsAWriteThatWasNeverAnsweredBeSeenOrNot) {
  put(1, 0, 0, 10, 100).entry.outcome = Outcome::kPending;
  read(1, 3, 4, 10, 100);
  read(1, 5, 6, 10, 100);
  EXPECT_THAT(violated(), IsEmpty());
}

TEST_F(CheckedHistory, FindsARecordThatIsNotWhatWasWritten) {
  put(1, 0, 1, 10, 100);
  read(1, 2, 3, 10, 100).entry.intact = false;
  EXPECT_THAT(violated(), ElementsAre("I4"));
}

TEST_F(CheckedHistory, FindsAWriteThatIsOlderThanOneThatReturnedBeforeIt) {
  put(1, 0, 1, 11, 100);
  put(2, 2, 3, 10, 101);
  EXPECT_THAT(violated(), ElementsAre("I5"));
}

TEST_F(CheckedHistory, FindsAnAcknowledgedWriteThatIsLost) {
  put(1, 0, 1, 10, 100);
  evidence_.commits.clear();
  EXPECT_THAT(violated(), ElementsAre("I5"));
}

TEST_F(CheckedHistory, FindsAWriteThatHappenedTwice) {
  put(1, 0, 1, 10, 100);
  evidence_.commits.push_back({kKey, 12, 100, false});
  EXPECT_THAT(violated(), ElementsAre("I5"));
}

TEST_F(CheckedHistory, FindsAReadBelowTheVersionItAskedFor) {
  put(1, 0, 1, 10, 100);
  put(1, 2, 9, 11, 101);
  read(2, 3, 4, 10, 100).entry.at_least = 11;
  EXPECT_THAT(violated(), ElementsAre("I6"));
}

TEST_F(CheckedHistory, FindsALatestReadThatIsNotTheLatest) {
  put(1, 0, 1, 10, 100);
  put(1, 2, 3, 11, 101);
  read(2, 4, 5, 10, 100).entry.latest = true;
  EXPECT_THAT(violated(), ElementsAre("I6"));
}

TEST_F(CheckedHistory, FindsAFailureWhileOnlyTheCacheIsBroken) {
  evidence_.faults.push_back({.name = "redis_freeze", .begin = 0, .end = 9 * kMs});
  readNothing(1, 4, 5).entry.outcome = Outcome::kRefused;
  EXPECT_THAT(violated(), ElementsAre("I8"));
  EXPECT_EQ(verdict_.errors, 1U);
}

TEST_F(CheckedHistory, ExcusesAFailureWhileTheDatabaseOfThatClientIsBroken) {
  evidence_.faults.push_back(
      {.name = "database_link", .slot = 1, .begin = 0, .end = 9 * kMs, .excuses = true});
  readNothing(1, 4, 5).entry.outcome = Outcome::kRefused;
  EXPECT_THAT(violated(), IsEmpty());
  EXPECT_EQ(verdict_.excused_errors, 1U);
  readNothing(2, 4, 5).entry.outcome = Outcome::kRefused;
  EXPECT_THAT(violated(), ElementsAre("I8"));
}

TEST_F(CheckedHistory, FindsACallThatTookTooLong) {
  readNothing(1, 0, 1'200);
  EXPECT_THAT(violated(), ElementsAre("I8"));
  EXPECT_EQ(verdict_.longest_call, absl::Milliseconds(1'200));
}

TEST_F(CheckedHistory, CountsWhatWasThereAtTheStartAsWritten) {
  evidence_.initial.push_back({kKey, 5, 50, false});
  read(1, 0, 1, 5, 50);
  EXPECT_THAT(violated(), IsEmpty());
  read(1, 6'000, 6'001, 4, 49);
  EXPECT_THAT(violated(), ElementsAre("T9"));
}

TEST(ChaosRecord, IsIntactOnlyAsItWasMade) {
  ChaosRecord record = makeRecord(7, 12345);
  EXPECT_TRUE(isIntact(record, 7));
  EXPECT_FALSE(isIntact(record, 8));
  record.number = 12346;
  EXPECT_FALSE(isIntact(record, 7));
  EXPECT_EQ(keyOfId(makeRecord(7, 1).id), 7U);
}

}  // namespace
}  // namespace strata::chaos
