// fetchAll: reads from several stores at once.
//
//   auto [user, cart] = fetchAll({}, fetch(users, user_id), fetch(carts, user_id));
//   if (user.ok() && *user != nullptr) greet((*user)->name);
//
// What is cached comes in one round trip for all stores on a cache; what is not is loaded in
// parallel, and filled in one more round trip. Each answer is what `get` of its store would have
// answered, an error of one touches no other.
//
// Not for many ids of one store (Store<T>::getMany).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "strata/base/clock.h"
#include "strata/base/executor.h"
#include "strata/store/internal/any_record.h"
#include "strata/store/internal/staged_read.h"
#include "strata/store/store.h"

namespace strata {

// One read of a fetchAll. The store must outlive the call.
template <typename T>
struct Fetch {
  Store<T>& store;
  Id id;
};

template <typename T>
Fetch<T> fetch(Store<T>& store, Id id) {
  return {store, std::move(id)};
}

// What a fetchAll did.
struct FetchReport {
  // For each read, in order: whether a cache had the answer. One that failed there is no hit and no
  // miss.
  std::vector<bool> found;
  std::size_t hits = 0;
  std::size_t misses = 0;
  // How long the lookups, the loads and the fills took; zero where there were none.
  absl::Duration lookup_time;
  absl::Duration load_time;
  absl::Duration fill_time;
};

struct FetchOptions {
  // For every read. With a unit of work they are made one after the other, for a unit is for one
  // thread at a time.
  ReadOptions read;
  // Where loads run beside the first one, which is the caller's own. Where it has no thread to
  // spare, the caller makes them one after the other.
  std::shared_ptr<Executor> executor = Executor::shared();
  const Clock* clock = &Clock::system();
  // Filled in where it is not null.
  FetchReport* report = nullptr;
};

namespace internal {

// All stages of all reads.
void runTogether(absl::Span<const std::shared_ptr<StagedRead>> reads, const FetchOptions& options);

// A read that is not staged: of a store without a cache, or past it.
template <typename T>
class WholeRead final : public StagedRead {
 public:
  WholeRead(Store<T>& store, const Id& id, const ReadOptions& options)
      : store_(store), id_(id), options_(options) {}
  void load() override { answer(castSnapshot<AnyRecord>(store_.get(id_, options_))); }

 private:
  Store<T>& store_;
  const Id& id_;
  const ReadOptions& options_;
};

template <typename T>
std::shared_ptr<StagedRead> begin(const Fetch<T>& fetch, const ReadOptions& options) {
  if (options.unit == nullptr) {
    if (auto staged = fetch.store.stagedGet(fetch.id, options).read) return staged;
  }
  return std::make_shared<WholeRead<T>>(fetch.store, fetch.id, options);
}

}  // namespace internal

template <typename... T>
std::tuple<absl::StatusOr<Snapshot<T>>...> fetchAll(const FetchOptions& options,
                                                    const Fetch<T>&... fetches) {
  const std::array<std::shared_ptr<internal::StagedRead>, sizeof...(T)> reads{
      internal::begin(fetches, options.read)...};
  internal::runTogether(reads, options);
  return [&reads]<std::size_t... I>(std::index_sequence<I...>) {
    return std::tuple<absl::StatusOr<Snapshot<T>>...>{
        internal::castSnapshot<T>(reads[I]->takeAnswer())...};
  }
  (std::index_sequence_for<T...>{});
}

}  // namespace strata
