// The conformance suite on the in-memory store, alone and below the decorators that need no server.
#include <memory>

#include "strata/memory/in_memory_store.h"
#include "strata/testing/conformance/store_conformance.h"
#include "strata/testing/fakes/fault_injecting_store.h"
#include "strata/testing/mocks/mock_store.h"
#include "tests/conformance/store_harnesses.h"

namespace strata {
namespace {

template <typename Base>
struct InMemoryHarness : Base {
  using Record = typename Base::Record;

  // There are no rows that could be broken: a table holds values of T.
  static constexpr std::array cannot{testing::StoreLimit::kCorruptRows};

  static absl::StatusOr<std::unique_ptr<Store<Record>>> makeStore() {
    return InMemoryStore<Record>::create(std::make_shared<InMemoryDatabase>());
  }
};

template <typename Base>
struct FaultInjectingHarness : InMemoryHarness<Base> {
  using Record = typename Base::Record;

  static absl::StatusOr<std::unique_ptr<Store<Record>>> makeStore() {
    auto below = InMemoryHarness<Base>::makeStore();
    if (!below.ok()) return below.status();
    return std::make_unique<testing::FaultInjectingStore<Record>>(
        *std::move(below), std::make_shared<testing::FaultPlan>());
  }
};

// A mock is a store, whose answers come from another one.
template <typename T>
class DelegatingMock final : public ::testing::NiceMock<testing::MockStore<T>> {
 public:
  explicit DelegatingMock(std::unique_ptr<Store<T>> below) : below_(std::move(below)) {
    this->delegateTo(*below_);
  }

 private:
  std::unique_ptr<Store<T>> below_;
};

template <typename Base>
struct MockHarness : InMemoryHarness<Base> {
  using Record = typename Base::Record;

  static absl::StatusOr<std::unique_ptr<Store<Record>>> makeStore() {
    auto below = InMemoryHarness<Base>::makeStore();
    if (!below.ok()) return below.status();
    return std::make_unique<DelegatingMock<Record>>(*std::move(below));
  }
};

using testing::CoalescingHarness;
using testing::ConformancePairHarness;
using testing::ConformanceRecordHarness;
using testing::GuardedHarness;

}  // namespace
}  // namespace strata

STRATA_INSTANTIATE_STORE_CONFORMANCE(InMemory, InMemoryHarness<ConformanceRecordHarness>,
                                     InMemoryHarness<ConformancePairHarness>);
STRATA_INSTANTIATE_STORE_CONFORMANCE(FaultInjecting,
                                     FaultInjectingHarness<ConformanceRecordHarness>);
STRATA_INSTANTIATE_STORE_CONFORMANCE(Mock, MockHarness<ConformanceRecordHarness>);
STRATA_INSTANTIATE_STORE_CONFORMANCE(Coalescing,
                                     CoalescingHarness<InMemoryHarness<ConformanceRecordHarness>>);
STRATA_INSTANTIATE_STORE_CONFORMANCE(Guarded,
                                     GuardedHarness<InMemoryHarness<ConformanceRecordHarness>>);
STRATA_INSTANTIATE_STORE_CONFORMANCE(
    CoalescingOverGuarded,
    CoalescingHarness<GuardedHarness<InMemoryHarness<ConformanceRecordHarness>>>);
