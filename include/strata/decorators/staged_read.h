// StagedRead: one `get`, cut into stages, so that fetchAll can take the cache lookups of many
// stores in one round trip, and their fills in another.
//
// For decorators that cache; whoever only reads calls fetchAll (fetch_all.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/core/snapshot.h"
#include "strata/decorators/cache_aside.h"

namespace strata {

// For one thread at a time. The stages, in order:
//   1. what `lookup` asks is looked up (CacheAside::lookUpTogether)
//   2. `takeFound`
//   3. where that is kMissing, `load`, and what `owedFill` says is filled
//      (CacheAside::fillTogether)
//   4. where it was kFilledByAnother, `load`, which waits for that fill. Not before one's own fills
//      are made: two that wait for each other's would wait until their leases are over.
class StagedRead {
 public:
  enum class Found : std::uint8_t { kAnswer, kError, kMissing, kFilledByAnother };

  virtual ~StagedRead() = default;

  // None: there is no cache to ask.
  virtual std::optional<CacheAside::Asked> lookup() { return std::nullopt; }
  virtual Found takeFound() { return Found::kMissing; }
  // Asks the store below. Blocks for as long as a `get`.
  virtual void load() = 0;
  // None: nothing is owed.
  virtual std::optional<CacheAside::OwedFill> owedFill() { return std::nullopt; }
};

template <typename T>
class StagedReadOf : public StagedRead {
 public:
  using Answer = absl::StatusOr<Snapshot<T>>;

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
  Answer answer_ = Snapshot<T>();
  std::vector<std::function<void(const Answer&)>> then_;
};

}  // namespace strata
