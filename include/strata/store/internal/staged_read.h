// StagedRead: one `get`, cut into stages, so that fetchAll can make the cache lookups of many stores
// in one round trip, and their fills in another.
//
// For decorators that cache, which answer it from Store<T>::stagedGet. To read, call fetchAll.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/base/internal/user_calls.h"
#include "strata/store/snapshot.h"

namespace strata::internal {

// The cache lookups, or the fills, that several staged reads make together (cache_rounds.h).
class AnyRecord;
class LookupRound;
class FillRound;

// For one thread at a time. fetchAll runs the stages in this order:
//   1. `addLookup` of every read, then the round of lookups
//   2. `takeFound`
//   3. of those that are kMissing, `load`, then `addFill`, then the round of fills
//   4. of those that are kFilledByAnother, `load`, which waits for that other fill. Only after step
//      3: two fetches that waited for each other's fills would wait until their leases expire.
class StagedRead {
 public:
  enum class Found : std::uint8_t { kAnswer, kError, kMissing, kFilledByAnother };
  // Of the type of the store that it is a read of.
  using Answer = absl::StatusOr<Snapshot<AnyRecord>>;

  virtual ~StagedRead() = default;

  // Adds nothing where there is no cache to ask.
  virtual void addLookup(LookupRound& /*round*/) {}
  virtual Found takeFound() { return Found::kMissing; }
  // Reads the backing store. Blocks for as long as a `get`.
  virtual void load() = 0;
  // `load`; what that throws becomes the answer.
  void makeLoad() {
    absl::Status loaded = callOut("store", [this] { load(); });
    if (!loaded.ok()) answer(std::move(loaded));
  }
  // Adds nothing where the lookup gave no lease.
  virtual void addFill(FillRound& /*round*/) {}

  // Calls `then` with the answer once it is taken.
  void onceAnswered(std::function<void(const Answer&)> then) { then_.push_back(std::move(then)); }

  // After the last stage, once.
  Answer takeAnswer() {
    for (const auto& then : then_) then(answer_);
    return std::move(answer_);
  }

 protected:
  void answer(Answer answer) { answer_ = std::move(answer); }
  const Answer& answered() const { return answer_; }

 private:
  Answer answer_ = Snapshot<AnyRecord>();
  std::vector<std::function<void(const Answer&)>> then_;
};

}  // namespace strata::internal
