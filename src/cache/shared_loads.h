#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "strata/base/clock.h"
#include "strata/base/internal/seeded_hash.h"
#include "strata/store/version.h"

namespace strata::internal {

// Loads by readers of this process that waited for a fill and may not fill themselves: at most one
// of a key at a time, and each is for all who came before it began.
//
//   gathering   whoever comes joins; the first of them leads, and may look into the cache meanwhile
//   loading     the leader asks the backing store; whoever comes now gathers for the next load
//   answered    all who gathered have the leader's answer
//
// As with Flights, an answer was read after its caller arrived, so it is never older than a write
// that the caller knows of. Thread-safe. Untouched by hits.
class SharedLoads {
 public:
  // Snapshot<T> of any T.
  struct Answer {
    absl::Status status;
    std::shared_ptr<const void> value;
    Version version;
  };

  explicit SharedLoads(const Clock& clock) : clock_(clock) {}

  class Party {
   private:
    friend class SharedLoads;
    enum class Stage : std::uint8_t { kGathering, kLoading, kAnswered, kDissolved };
    explicit Party(std::string key) : key_(std::move(key)) {}

    const std::string key_;
    // Guarded by the mutex of the loads.
    std::condition_variable changed_;
    Stage stage_ = Stage::kGathering;
    Answer answer_;
  };
  struct Seat {
    std::shared_ptr<Party> party;
    bool leads = false;
  };

  Seat join(const std::string& key);

  // ---- By those who do not lead ----
  enum class Told : std::uint8_t { kAnswer, kLookAgain, kTimeIsUp };
  Told await(Party& party, MonotonicTime until);
  // Once `await` has told kAnswer: nothing changes it any more.
  static const Answer& answerOf(const Party& party) { return party.answer_; }

  // ---- By the one who leads ----
  // Waits for the load before this one. From here on it is loading. False: `until` was reached.
  bool begin(Party& party, MonotonicTime until);
  // Exactly one of the two.
  void finish(Party& party, Answer answer);
  // All who gathered are to look into the cache again.
  void dissolve(Party& party);

 private:
  struct Key {
    bool is_loading = false;
    std::shared_ptr<Party> gathering;
  };
  void leave(Party& party, Party::Stage stage) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  std::mutex mutex_;
  // Those that are loading or gathering.
  SeededMap<Key> keys_ ABSL_GUARDED_BY(mutex_);
};

// The lead of a party for as long as this lives; where it ends without an answer, by an exception
// too, the party is dissolved. For one thread at a time.
class SharedLead {
 public:
  SharedLead(SharedLoads& loads, std::shared_ptr<SharedLoads::Party> party)
      : loads_(loads), party_(std::move(party)) {}
  ~SharedLead() {
    if (party_ != nullptr) loads_.dissolve(*party_);
  }
  SharedLead(const SharedLead&) = delete;
  SharedLead& operator=(const SharedLead&) = delete;

  bool begin(MonotonicTime until) { return loads_.begin(*party_, until); }
  void finish(SharedLoads::Answer answer) {
    loads_.finish(*std::exchange(party_, nullptr), std::move(answer));
  }

 private:
  SharedLoads& loads_;
  std::shared_ptr<SharedLoads::Party> party_;
};

}  // namespace strata::internal
