// The conformance suite on caching over the in-process cache, in front of memory.
#include "strata/cache/lru_cache.h"
#include "strata/memory/in_memory_store.h"
#include "strata/testing/conformance/store_conformance.h"
#include "tests/conformance/store_harnesses.h"

namespace strata::testing {
namespace {

template <typename Base>
struct InMemoryHarness : Base {
  using Record = typename Base::Record;
  static constexpr std::array cannot{StoreLimit::kCorruptRows};
  static absl::StatusOr<std::unique_ptr<Store<Record>>> makeStore() {
    return InMemoryStore<Record>::create(std::make_shared<InMemoryDatabase>());
  }
};

struct MakeLru {
  std::shared_ptr<Cache> operator()() const { return std::make_shared<LruCache>(); }
};
template <typename Base>
using OverLru = CachingHarness<InMemoryHarness<Base>, MakeLru>;

}  // namespace
}  // namespace strata::testing

STRATA_INSTANTIATE_STORE_CONFORMANCE(CachingOverLru, OverLru<ConformanceRecordHarness>,
                                     OverLru<ConformancePairHarness>);
