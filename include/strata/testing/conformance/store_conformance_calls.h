// B-11, versions and deadlines: how calls follow one another, and what their options do. Include
// store_conformance.h.
#pragma once

#include <latch>
#include <thread>
#include <vector>

#include "strata/testing/conformance/store_conformance_fixture.h"

namespace strata::testing {

template <typename H>
class StoreCalls : public StoreConformance<H> {
 protected:
  using Record = typename H::Record;
  static constexpr int kThreads = 8;
  static constexpr int kRounds = 60;

  static Deadline passed() { return Deadline::at(MonotonicTime::fromNanos(1)); }

  // Calls of every kind, on an id of this thread's own and on one that all threads share.
  void callEverything(int thread) {
    const Id& own = this->id(static_cast<std::size_t>(thread) + 1);
    const Id& shared = this->id(0);
    for (int round = 1; round <= kRounds; ++round) {
      EXPECT_THAT(this->store().put(this->sample(own, round)), IsOk());
      EXPECT_THAT(this->store().put(this->sample(shared, thread * kRounds + round)), IsOk());
      this->expectHolds(own, this->sample(own, round));
      EXPECT_THAT(this->store().getMany({own, shared, own}), ::testing::Each(IsOk()));
      if (round % 3 == 0) {
        EXPECT_THAT(this->store().remove(shared), IsOk());
      }
      if (round % 5 == 0) {
        EXPECT_THAT(this->store().remove(own), IsOk());
        this->expectAbsent(own);
      }
    }
    EXPECT_THAT(this->store().put(this->sample(own, kRounds + 1)), IsOk());
  }

  void inEveryThread() {
    std::latch start(kThreads);
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([this, &start, thread] {
        start.arrive_and_wait();
        callEverything(thread);
      });
    }
  }
};
TYPED_TEST_SUITE_P(StoreCalls);

// B-11
TYPED_TEST_P(StoreCalls, EightThreadsOfMixedCallsAndTheLastWriteWins) {
  this->inEveryThread();
  for (int thread = 0; thread < this->kThreads; ++thread) {
    const Id& own = this->id(static_cast<std::size_t>(thread) + 1);
    this->expectHolds(own, this->sample(own, this->kRounds + 1));
  }
  const Id& shared = this->id(0);
  ASSERT_THAT(this->store().put(this->sample(shared, 1)), IsOk());
  this->expectHolds(shared, this->sample(shared, 1));
}

TYPED_TEST_P(StoreCalls, VersionsGrowWithEveryWrite) {
  if (this->cannot(StoreLimit::kVersions)) return;
  const Id& id = this->id(0);
  ASSERT_OK_AND_ASSIGN(const Version first, this->store().put(this->sample(id, 1)));
  ASSERT_OK_AND_ASSIGN(const Version second, this->store().put(this->sample(id, 2)));
  ASSERT_OK_AND_ASSIGN(const Version removed, this->store().remove(id));
  ASSERT_OK_AND_ASSIGN(const Version third, this->store().put(this->sample(id, 1)));
  EXPECT_GT(first, Version{});
  EXPECT_GT(second, first);
  EXPECT_GT(removed, second);
  EXPECT_GT(third, removed);
}

TYPED_TEST_P(StoreCalls, AnAnswerHasTheVersionThatItsPutReturned) {
  if (this->cannot(StoreLimit::kVersions)) return;
  const Id& id = this->id(0);
  ASSERT_THAT(this->store().put(this->sample(id, 1)), IsOk());
  ASSERT_OK_AND_ASSIGN(const Version version, this->store().put(this->sample(id, 2)));
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto found, this->store().get(id));
    EXPECT_EQ(found.version(), version);
    ASSERT_OK_AND_ASSIGN(const auto one_of_many, this->store().getMany({id}).at(0));
    EXPECT_EQ(one_of_many.version(), version);
  }
}

TYPED_TEST_P(StoreCalls, NothingOlderThanTheLeastVersionIsAnswered) {
  if (this->cannot(StoreLimit::kVersions)) return;
  const Id& id = this->id(0);
  ASSERT_THAT(this->store().put(this->sample(id, 1)), IsOk());
  ASSERT_THAT(this->store().get(id), IsOk());
  ASSERT_OK_AND_ASSIGN(const Version version, this->store().put(this->sample(id, 2)));
  ASSERT_OK_AND_ASSIGN(const auto found, this->store().get(id, {.min_version = version}));
  this->expectEqual(found, this->sample(id, 2));
  EXPECT_GE(found.version(), version);
  ASSERT_OK_AND_ASSIGN(const Version removed, this->store().remove(id));
  EXPECT_THAT(this->store().get(id, {.min_version = removed}), IsOkAndHolds(nullptr));
}

TYPED_TEST_P(StoreCalls, TheLatestIsWhatWasWrittenLast) {
  const Id& id = this->id(0);
  ASSERT_THAT(this->store().put(this->sample(id, 1)), IsOk());
  ASSERT_THAT(this->store().get(id), IsOk());
  ASSERT_THAT(this->store().put(this->sample(id, 2)), IsOk());
  for (const Consistency consistency : {Consistency::kSession, Consistency::kLatest}) {
    ASSERT_OK_AND_ASSIGN(const auto found, this->store().get(id, {.consistency = consistency}));
    this->expectEqual(found, this->sample(id, 2));
  }
}

TYPED_TEST_P(StoreCalls, APassedDeadlineIsRefusedAndNothingIsWritten) {
  if (this->cannot(StoreLimit::kDeadlines)) return;
  const auto exceeded = StatusIs(absl::StatusCode::kDeadlineExceeded);
  const Id& id = this->id(0);
  ASSERT_THAT(this->store().put(this->sample(id, 1)), IsOk());
  EXPECT_THAT(this->store().get(id, {.deadline = this->passed()}), exceeded);
  EXPECT_THAT(this->store().getMany({id, this->id(1)}, {.deadline = this->passed()}),
              ::testing::ElementsAre(exceeded, exceeded));
  EXPECT_THAT(this->store().put(this->sample(id, 2), {.deadline = this->passed()}), exceeded);
  EXPECT_THAT(this->store().remove(id, {.deadline = this->passed()}), exceeded);
  this->expectHolds(id, this->sample(id, 1));
}

TYPED_TEST_P(StoreCalls, ADistantDeadlineChangesNothing) {
  const Id& id = this->id(0);
  const Deadline deadline = Deadline::in(absl::Hours(1));
  ASSERT_THAT(this->store().put(this->sample(id), {.deadline = deadline}), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto found, this->store().get(id, {.deadline = deadline}));
  this->expectEqual(found, this->sample(id));
  ASSERT_THAT(this->store().remove(id, {.deadline = deadline}), IsOk());
  this->expectAbsent(id);
}

REGISTER_TYPED_TEST_SUITE_P(StoreCalls, EightThreadsOfMixedCallsAndTheLastWriteWins,
                            VersionsGrowWithEveryWrite, AnAnswerHasTheVersionThatItsPutReturned,
                            NothingOlderThanTheLeastVersionIsAnswered,
                            TheLatestIsWhatWasWrittenLast,
                            APassedDeadlineIsRefusedAndNothingIsWritten,
                            ADistantDeadlineChangesNothing);

}  // namespace strata::testing
