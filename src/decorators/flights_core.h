#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "src/decorators/flights.h"
#include "strata/base/internal/seeded_hash.h"

namespace strata::internal {

// The lone caller stands in `sent` and nowhere else. A flight is made by the first who has to wait,
// or who finds others waiting.
struct Flights::Core {
  Core(CoalescingOptions options_in, std::shared_ptr<Metrics> metrics_in, const Clock& clock_in)
      : options(std::move(options_in)), metrics(std::move(metrics_in)), clock(clock_in) {}

  // A caller that waits. Shared with whoever wakes it, because it may have left by then.
  struct Caller {
    std::condition_variable changed;
    std::size_t open = 0;   // flights it is in
    bool is_below = false;  // it leads a batch at the moment, and so can lead no other
  };
  using Callers = std::vector<std::shared_ptr<Caller>>;

  enum class Stage : std::uint8_t {
    kParked,      // waiting until the one before it, of the same id, is back
    kReady,       // waiting, and may be sent
    kSent,        // the store below is being asked
    kAnswered,    // `answer` is everybody's
    kUnanswered,  // `answer` is for those whose deadline has passed; the others start over
  };

  // Guarded by the mutex; the answer does not change any more once there is one.
  struct Flight {
    explicit Flight(const Id& id_in) : id(id_in) {}
    Id id;
    ReadOptions wanted;
    Stage stage = Stage::kParked;
    Callers callers;
    std::list<std::shared_ptr<Flight>>::iterator place;  // where it is ready
    Answer answer;
    std::size_t asked_with = 0;  // ids that were in its batch
  };

  // Waits for the answer to one of the ids of a call.
  struct Seat {
    std::size_t index;
    std::shared_ptr<Flight> flight;
    bool joined;  // somebody else opened it
  };

  // A read that could not go alone.
  struct Call {
    absl::Span<const Id> ids;
    const ReadOptions& options;
    absl::Span<Answer> answers;
    Load load;
    std::shared_ptr<Caller> caller = std::make_shared<Caller>();
    absl::InlinedVector<Seat, 1> seats{};  // those without an answer
    std::int64_t coalesced = 0;
    // Known from when one of its flights is the oldest that is ready and has no room.
    std::optional<MonotonicTime> patient_until{};
  };

  // What one call of the store below is for. `ids` are the flights' own.
  struct Batch {
    std::vector<std::shared_ptr<Flight>> flights;
    std::vector<Id> ids;
    ReadOptions wanted;
    std::vector<Answer> answers;
    bool is_shared = false;  // not the leader's ids alone
  };

  using Lock = std::unique_lock<std::mutex>;

  // ---- Alone ----

  bool canGoAlone(absl::Span<const Id> ids) const;
  void goAlone(Lock lock, absl::Span<const Id> ids, const ReadOptions& asked,
               absl::Span<Answer> answers, Load load);

  // ---- Together ----

  void goTogether(Lock lock, Call& call);
  Seat join(Call& call, std::size_t index);
  // Whether there is an answer to everything.
  bool takeAnswers(Call& call);
  bool takeAnswer(Call& call, Seat& seat);
  // For a caller whose deadline has passed.
  void leave(Call& call);

  // ---- Leading ----

  bool mayLead(const Call& call) const;
  // Until when a call that may not lead is to wait.
  MonotonicTime waitsUntil(Call& call) const;
  // Leaves the mutex while it is below, and has it again at the end.
  void lead(Lock& lock, Call& call);
  Batch take(const Call& call);
  void board(std::shared_ptr<Flight> flight, Batch& batch);
  // Those to wake.
  Callers settle(Batch& batch, const Call& call);

  // ---- Both ----

  void ask(Load load, absl::Span<const Id> ids, const ReadOptions& wanted,
           absl::Span<Answer> answers);
  void depart(absl::Span<const Id> ids);
  void arrive(absl::Span<const Id> ids);
  void makeReady(const std::shared_ptr<Flight>& flight);
  // Whether another call may go below now, for `gathered` ids, or for a caller who has waited.
  bool hasRoom(std::size_t gathered, bool has_waited) const;
  // Wherever a call has come back, or a caller that was to lead has left, ready flights need
  // somebody awake: the first of those that can lead. It may find that another one was faster.
  std::shared_ptr<Caller> nextLeader() const;
  static void wake(Lock lock, const std::shared_ptr<Caller>& caller);

  const CoalescingOptions options;
  const std::shared_ptr<Metrics> metrics;
  const Clock& clock;
  Counter& coalesced = metrics->counter("strata_coalesced_calls_total", {{"store", options.store}});
  Counter& batches = metrics->counter("strata_batches_total", {{"store", options.store}});
  Counter& batched_ids = metrics->counter("strata_batched_ids_total", {{"store", options.store}});

  // One, not one per shard of ids: different ids go in one batch, and what it guards takes a
  // fraction of a microsecond where a call below takes many.
  std::mutex mutex;
  std::size_t below = 0;         // calls
  std::size_t shared_below = 0;  // those for several callers
  // Ids of several callers in one batch; options.max_batch but after a page that was too large.
  std::size_t batch_limit = options.max_batch;
  // The ids that are below. The texts are those of the calls' ids, which live that long.
  SeededViewSet sent;
  // The flight of an id that can be joined, parked or ready. The texts are the flights' own.
  SeededViewMap<std::shared_ptr<Flight>> waiting;
  std::list<std::shared_ptr<Flight>> ready;  // oldest first
};

}  // namespace strata::internal
