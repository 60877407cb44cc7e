#include "adapters/events/listened_channels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/status_matchers.h"

namespace strata::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::StatusIs;
using ::testing::UnorderedElementsAre;

constexpr int kMany = 10'000;

class ListenedChannelsTest : public ::testing::Test {
 protected:
  void comeAndGo(const std::string& prefix) {
    for (int i = 0; i < kMany; ++i) {
      channels_.want(prefix + std::to_string(i));
      channels_.unwant(prefix + std::to_string(i));
      ASSERT_LE(channels_.size(), 3U);
    }
  }

  testing::FakeClock clock_;
  ListenedChannels channels_{{"a", "b"}};
};

// Each channel that was subscribed and left while there was no connection was kept until there was
// one: the memory of a process grew as long as its server was away.
TEST_F(ListenedChannelsTest, ForgetsWhatCameAndWentWithoutAConnection) {
  comeAndGo("before");
  channels_.connected();
  EXPECT_THAT(channels_.takeChanges().listen, UnorderedElementsAre("a", "b"));
  channels_.lost(absl::UnavailableError("down"));
  comeAndGo("while");
  channels_.want("c");
  channels_.unwant("a");
  EXPECT_EQ(channels_.size(), 2U);
  channels_.connected();
  const auto changes = channels_.takeChanges();
  EXPECT_THAT(changes.listen, UnorderedElementsAre("b", "c"));
  EXPECT_THAT(changes.unlisten, IsEmpty());
}

// A connection that is there, over which nothing can be said at the moment.
TEST_F(ListenedChannelsTest, ForgetsWhatCameAndWentBeforeTheServerWasTold) {
  channels_.connected();
  channels_.takeChanges();
  comeAndGo("silent");
  const auto changes = channels_.takeChanges();
  EXPECT_THAT(changes.listen, IsEmpty());
  EXPECT_THAT(changes.unlisten, IsEmpty());
}

TEST_F(ListenedChannelsTest, WhatTheServerWasToldIsKeptUntilItIsToldToStop) {
  channels_.connected();
  channels_.takeChanges();
  channels_.confirm("a");
  channels_.confirm("b");
  channels_.unwant("a");
  EXPECT_EQ(channels_.size(), 2U);
  EXPECT_THAT(channels_.takeChanges().unlisten, ElementsAre("a"));
  EXPECT_EQ(channels_.size(), 1U);
}

// The connection that was to confirm them is gone.
TEST_F(ListenedChannelsTest, ForgetsWhatIsUnconfirmedWithItsConnection) {
  channels_.connected();
  channels_.takeChanges();
  channels_.unwant("a");
  EXPECT_THAT(channels_.takeChanges().unlisten, ElementsAre("a"));
  EXPECT_EQ(channels_.size(), 2U);
  channels_.lost(absl::UnavailableError("down"));
  EXPECT_EQ(channels_.size(), 1U);
  channels_.connected();
  EXPECT_THAT(channels_.takeChanges().listen, ElementsAre("b"));
  EXPECT_FALSE(channels_.allAreConfirmed());
  channels_.confirm("b");
  EXPECT_TRUE(channels_.allAreConfirmed());
  EXPECT_OK(channels_.await("b", Deadline::at(clock_.now()), clock_));
  EXPECT_THAT(channels_.await("a", Deadline::at(clock_.now()), clock_),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST_F(ListenedChannelsTest, LeavingAndComingBackBeforeTheServerWasToldChangesNothing) {
  channels_.connected();
  channels_.takeChanges();
  channels_.unwant("a");
  channels_.want("a");
  const auto changes = channels_.takeChanges();
  EXPECT_THAT(changes.listen, IsEmpty());
  EXPECT_THAT(changes.unlisten, IsEmpty());
  EXPECT_TRUE(channels_.wants("a"));
}

}  // namespace
}  // namespace strata::internal
