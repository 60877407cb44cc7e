#include "src/decorators/invalidating_store.h"

#include <gtest/gtest.h>

#include "src/memory/in_memory_transaction.h"
#include "strata/cache/guarded_cache.h"
#include "strata/cache/lru_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/memory/in_memory_store.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::IsOk;

struct Setting {
  std::string name;
  std::string value;
};
BOOST_DESCRIBE_STRUCT(Setting, (), (name, value))

}  // namespace

template <>
struct Entity<Setting> {
  static constexpr auto table = "invalidating_store_settings";
  static constexpr KeySpace keys{"invalidating", "setting"};
  static std::string id(const Setting& setting) { return setting.name; }
};

namespace {

// Two stores over one database and one cache: `reader` reads the cache, `writer` has it switched
// off.
class InvalidatingStoreTest : public ::testing::Test {
 protected:
  std::unique_ptr<Store<Setting>> base() { return *InMemoryStore<Setting>::create(database_); }

  std::string read() {
    const auto setting = reader_->get("a");
    EXPECT_THAT(setting, IsOk());
    return *setting == nullptr ? "none" : (*setting)->value;
  }

  const std::shared_ptr<InMemoryDatabase> database_ = std::make_shared<InMemoryDatabase>();
  const std::shared_ptr<GuardedCache> cache_ = *GuardedCache::create(std::make_shared<LruCache>());
  const std::unique_ptr<Store<Setting>> reader_ =
      *CachingStore<Setting>::create(base(), cache_, {.app = "test"});
  const std::unique_ptr<Store<Setting>> writer_ =
      std::make_unique<internal::TypedStore<Setting>>(internal::createInvalidatingRecords(
          internal::eraseType(base()), entityInfo<Setting>(),
          {cache_, entityInfo<Setting>(), "settings", "test", Metrics::none()}));
};

// A process whose cache of one store was switched off left the copies that others read as they
// were, for as long as they lived.
TEST_F(InvalidatingStoreTest, DeletesWhatOthersHaveCachedOfWhatItWrites) {
  ASSERT_THAT(writer_->put({.name = "a", .value = "one"}), IsOk());
  EXPECT_EQ(read(), "one");
  ASSERT_THAT(writer_->put({.name = "a", .value = "two"}), IsOk());
  EXPECT_EQ(read(), "two");
  ASSERT_THAT(writer_->remove("a"), IsOk());
  EXPECT_EQ(read(), "none");
}

TEST_F(InvalidatingStoreTest, ReadsPastTheCache) {
  ASSERT_THAT(writer_->put({.name = "a", .value = "one"}), IsOk());
  EXPECT_EQ(read(), "one");
  ASSERT_THAT(base()->put({.name = "a", .value = "past both"}), IsOk());
  EXPECT_EQ(read(), "one");
  EXPECT_EQ((*writer_->get("a"))->value, "past both");
  EXPECT_EQ((**writer_->getMany({"a"}).front()).value, "past both");
}

TEST_F(InvalidatingStoreTest, WaitsForTheCommitOfAUnitOfWork) {
  ASSERT_THAT(writer_->put({.name = "a", .value = "one"}), IsOk());
  EXPECT_EQ(read(), "one");
  UnitOfWork unit(internal::InMemoryTransaction::begin(database_));
  ASSERT_THAT(writer_->put({.name = "a", .value = "two"}, {.unit = &unit}), IsOk());
  EXPECT_EQ(read(), "one");
  ASSERT_THAT(unit.commit(), IsOk());
  EXPECT_EQ(read(), "two");
}

}  // namespace
}  // namespace strata
