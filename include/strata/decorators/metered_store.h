// MeteredStore<T>: counts and times the calls of its backing store.
//
//   strata_store_calls_total{store, layer, operation, result}   result: hit, absent, ok, error
//   strata_store_latency_seconds{store, layer, operation}
//
// `layer` says which store of a stack it stands on: "store" for the whole stack, "database" for the
// innermost one. Of getMany every id is a call of its own that took as long as the whole.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "strata/base/clock.h"
#include "strata/base/metrics.h"
#include "strata/store/internal/any_record.h"
#include "strata/store/store.h"

namespace strata {

namespace internal {
std::unique_ptr<AnyStore> createMeteredRecords(std::unique_ptr<AnyStore> backing,
                                               std::shared_ptr<Metrics> metrics,
                                               const std::string& store, const std::string& layer,
                                               const Clock& clock);
}  // namespace internal

template <typename T>
class MeteredStore final : public internal::TypedStore<T> {
 public:
  // `clock` must outlive the store.
  MeteredStore(std::unique_ptr<Store<T>> backing, std::shared_ptr<Metrics> metrics,
               const std::string& store, const std::string& layer,
               const Clock& clock = Clock::system())
      : internal::TypedStore<T>(internal::createMeteredRecords(
            internal::eraseType(std::move(backing)), std::move(metrics), store, layer, clock)) {}
};

}  // namespace strata
