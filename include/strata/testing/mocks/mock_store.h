// MockStore<T>: a GoogleMock mock of Store<T>.
//
//   MockStore<FeatureFlag> flags;
//   EXPECT_CALL(flags, get(Id("checkout-v2"), _)).WillOnce(Return(makeSnapshot(flag)));
//
//   MockStore<FeatureFlag> watched;          // a store that works, whose calls are counted
//   watched.delegateTo(*in_memory_store);
//   EXPECT_CALL(watched, put).Times(0);
//
// A call that is neither expected nor delegated answers an Unknown error. Not for: a store that
// fails now and then (fault_injecting_store.h), or one that merely works (InMemoryStore).
#pragma once

#include "gmock/gmock.h"
#include "strata/records/entity.h"
#include "strata/store/store.h"
#include "strata/testing/printers.h"

namespace strata::testing {

template <EntityType T>
class MockStore : public Store<T> {
 public:
  MOCK_METHOD(absl::StatusOr<Snapshot<T>>, get, (const Id& id, const ReadOptions& options),
              (override));
  MOCK_METHOD(Snapshots<T>, getMany, (absl::Span<const Id> ids, const ReadOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Version>, put, (const T& item, const WriteOptions& options),
              (override));
  MOCK_METHOD(absl::StatusOr<Version>, remove, (const Id& id, const WriteOptions& options),
              (override));
  MOCK_METHOD(Health, healthCheck, (), (override));

  // The calls with default options, as on any Store. Expectations name both arguments.
  absl::StatusOr<Snapshot<T>> get(const Id& id) { return get(id, ReadOptions{}); }
  Snapshots<T> getMany(absl::Span<const Id> ids) { return getMany(ids, ReadOptions{}); }
  absl::StatusOr<Version> put(const T& item) { return put(item, WriteOptions{}); }
  absl::StatusOr<Version> remove(const Id& id) { return remove(id, WriteOptions{}); }

  // What no expectation answers, `store` does. It must outlive the mock.
  void delegateTo(Store<T>& store) {
    using ::testing::_;
    ON_CALL(*this, get(_, _)).WillByDefault([&store](const Id& id, const ReadOptions& options) {
      return store.get(id, options);
    });
    ON_CALL(*this, getMany(_, _))
        .WillByDefault([&store](absl::Span<const Id> ids, const ReadOptions& options) {
          return store.getMany(ids, options);
        });
    ON_CALL(*this, put(_, _)).WillByDefault([&store](const T& item, const WriteOptions& options) {
      return store.put(item, options);
    });
    ON_CALL(*this, remove(_, _)).WillByDefault([&store](const Id& id, const WriteOptions& options) {
      return store.remove(id, options);
    });
    ON_CALL(*this, healthCheck()).WillByDefault([&store] { return store.healthCheck(); });
  }
};

}  // namespace strata::testing
