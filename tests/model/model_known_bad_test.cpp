// What the protocol would be without each of its rules: variants that are known to be wrong, some
// of them popular. If the model found nothing wrong with one, it would be the model that is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <iostream>

#include "tests/model/explorer.h"
#include "tests/model/protocol.h"
#include "tests/model/telling.h"

namespace strata::model {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// Finds the shortest way to break this promise, and prints it. The length is what docs/model.md
// says.
void expectBroken(const Variant& variant, const Scope& scope, Promise promise, std::size_t length) {
  const Exploration found = exploreAndTell(variant, scope, promise);
  std::cout << found.story() << "\n";
  EXPECT_NE(found.violation, "");
  ASSERT_THAT(found.trace, SizeIs(length));
  EXPECT_THAT(found.trace.back(), HasSubstr(": returns"));
}

void expectKept(const Variant& variant, const Scope& scope, Promise promise) {
  const Exploration found = exploreAndTell(variant, scope, promise);
  EXPECT_TRUE(found.finished) << found.story();
}

// No restart, no open breaker: a network that delays is enough.
const Scope kTwoReaders{.readers = {0, 0}, .writers = {0}, .restarts = 0, .openings = 0};
const Scope kThreeReaders{.readers = {0, 0, 0}, .writers = {0}, .restarts = 0, .openings = 0};
const Scope kOpenBreaker{.readers = {0, 1}, .writers = {0}, .restarts = 0, .openings = 1};

TEST(KnownBad, PlainCacheAsidePutsAnOldValueBackAfterTheDelete) {
  // Races 1, 4, 8
  const Variant plain{.fill = FillRule::kAlways};
  expectBroken(plain, kTwoReaders, Promise::kSession, 11);
  expectBroken(plain, kTwoReaders, Promise::kFence, 11);
}

TEST(KnownBad, DelayedDoubleDeleteLosesToAFillThatIsDelayedLonger) {
  // Races 1, 4. Even if the write is acknowledged only after the second delete.
  const Variant twice{.fill = FillRule::kAlways, .deletes_twice = true};
  expectBroken(twice, kTwoReaders, Promise::kSession, 13);
  expectBroken(twice, kTwoReaders, Promise::kFence, 11);
}

TEST(KnownBad, VersionCompareWithoutTombstoneFindsNothingToCompareWith) {
  // Races 1, 3
  const Variant versions{.fill = FillRule::kWhereNothingNewer};
  expectBroken(versions, kTwoReaders, Promise::kSession, 11);
  expectBroken(versions, kTwoReaders, Promise::kFence, 11);
}

TEST(KnownBad, TokenPerProcessLetsOneReaderFillInTheNameOfAnother) {
  // Race 2
  const Variant token{.nonce_per_process = true};
  expectBroken(token, kThreeReaders, Promise::kSession, 13);
  expectBroken(token, kThreeReaders, Promise::kFence, 13);
}

TEST(KnownBad, AcknowledgingInSpiteOfALostDeleteBreaksTheSession) {
  // Race 18
  const Variant forgets{.remembers_failed_deletes = false};
  expectBroken(forgets, kOpenBreaker, Promise::kSession, 6);
  expectKept(forgets, kOpenBreaker, Promise::kFence);  // which speaks of acknowledged deletes
}

TEST(KnownBad, RetryThatForgetsALaterFailureBreaksTheSession) {
  // Race 18
  const Scope two_writes{.readers = {0, 1}, .writers = {0, 0}, .restarts = 0, .openings = 0};
  const Variant forgets{.retry_minds_later_failures = false};
  expectBroken(forgets, two_writes, Promise::kSession, 18);
  expectKept(forgets, two_writes, Promise::kFence);
}

TEST(KnownBad, OrdinarySingleFlightSharesWhatWasReadBeforeTheWrite) {
  // Race 7
  const Variant single_flight{.joins_any_load = true};
  expectBroken(single_flight, kTwoReaders, Promise::kSession, 10);
  expectBroken(single_flight, kTwoReaders, Promise::kFence, 10);
}

TEST(KnownBad, WithoutIncarnationTheCacheComesBackFromThePast) {
  // Races 27, 28
  const Scope restart{.readers = {0, 1}, .writers = {0}, .restarts = 1, .openings = 0};
  const Variant believes{.checks_life = false};
  expectBroken(believes, restart, Promise::kSession, 6);
  expectBroken(believes, restart, Promise::kFence, 6);
}

TEST(KnownBad, BelievingAnOlderBinarysValueInventsAMember) {
  // Race 11
  const Scope deploy{
      .readers = {0, 1}, .writers = {0}, .restarts = 0, .openings = 0, .members = {1, 3}};
  const Variant believes{.checks_members = false};
  expectBroken(believes, deploy, Promise::kMembers, 2);
  expectKept(believes, deploy, Promise::kBoth);
}

TEST(KnownBad, SkippingTheDeleteWhileTheBreakerIsOpenBreaksTheSession) {
  // Race 19
  const Variant skips{.remembers_unsent_deletes = false};
  expectBroken(skips, kOpenBreaker, Promise::kSession, 7);
  expectKept(skips, kOpenBreaker, Promise::kFence);
}

TEST(KnownBad, ReadingBeforeTheDrainBreaksTheSession) {
  // Race 20. With reads that ask the pending set too it would hold: see model_protocol_test.cpp.
  const Variant closes{.gate = Gate::kBreaker, .drains_before_closing = false};
  expectBroken(closes, kOpenBreaker, Promise::kSession, 8);
  expectKept(closes, kOpenBreaker, Promise::kFence);
  const Exploration found = explore(Protocol(closes, kOpenBreaker, Promise::kSession));
  EXPECT_THAT(found.trace, Contains(HasSubstr(kCloses)));
}

}  // namespace
}  // namespace strata::model
