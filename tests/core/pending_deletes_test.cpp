#include "src/decorators/pending_deletes.h"

#include <gtest/gtest.h>

#include "strata/testing/eventually.h"
#include "strata/testing/fake_cache.h"
#include "strata/testing/fake_clock.h"

namespace strata::internal {
namespace {

using testing::eventually;
using testing::FakeCache;

class PendingDeletesTest : public ::testing::Test {
 protected:
  testing::FakeClock clock_;
  std::shared_ptr<FakeCache> cache_ = std::make_shared<FakeCache>(clock_);
  PendingDeletes pending_{cache_, absl::Seconds(330), clock_};
};

TEST_F(PendingDeletesTest, CoversAKeyUntilItsDeleteHasSucceeded) {
  cache_->setDown(true);
  cache_->plant("a", "old");
  pending_.add({"a"});
  EXPECT_TRUE(pending_.covers("a"));
  EXPECT_FALSE(pending_.covers("b"));
  cache_->setDown(false);
  EXPECT_TRUE(eventually([&] { return pending_.size() == 0; }));
  EXPECT_FALSE(pending_.covers("a"));
  EXPECT_EQ(cache_->peek("a"), std::nullopt);
}

// A retry that was under way when a later write's delete failed has deleted too early for it.
TEST_F(PendingDeletesTest, DoesNotForgetAKeyThatFailedAgainDuringItsRetry) {
  bool added_again = false;
  cache_->after(FakeCache::Operation::kRemove, "a", [&] {
    cache_->plant("a", "filled by another process meanwhile");
    pending_.add({"a"});
    added_again = true;
  });
  pending_.add({"a"});
  EXPECT_TRUE(eventually([&] { return pending_.size() == 0; }));
  EXPECT_TRUE(added_again);
  EXPECT_EQ(cache_->peek("a"), std::nullopt);
}

TEST_F(PendingDeletesTest, CoversEverythingForAsLongAsACopyCanLiveWhenThereAreTooMany) {
  cache_->setDown(true);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i <= PendingDeletes::kMaxKeys; ++i) keys.push_back(std::to_string(i));
  pending_.add(keys);
  EXPECT_EQ(pending_.size(), PendingDeletes::kMaxKeys);
  EXPECT_TRUE(pending_.covers("a key that nobody deleted"));
  clock_.advance(absl::Seconds(331));
  EXPECT_FALSE(pending_.covers("a key that nobody deleted"));
  EXPECT_TRUE(pending_.covers("0")) << "what is remembered stays so";
}

}  // namespace
}  // namespace strata::internal
