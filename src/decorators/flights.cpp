#include "src/decorators/flights.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "src/base/mutants.h"
#include "src/base/own_deadline.h"
#include "src/base/unshared_status.h"
#include "src/decorators/flights_core.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/status.h"
#include "strata/store/page_bound.h"

namespace strata::internal {
namespace {

absl::Status tooLate() {
  return absl::DeadlineExceededError("the deadline passed before the answer came");
}

// Makes `wanted` suit those who want `others` too. What a level that is not named means, only the
// store below knows.
void widen(ReadOptions& wanted, const ReadOptions& others) {
  if (wanted.consistency != others.consistency) wanted.consistency = Consistency::kLatest;
  wanted.min_version = std::max(wanted.min_version, others.min_version);
}

// An invalid id may read like a valid one, and must not be given that one's answer.
bool checkAll(absl::Span<const Id> ids, absl::Span<Flights::Answer> answers,
              std::string_view store) {
  bool all_valid = true;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    answers[i].status = annotate(ids[i].check(), store);
    all_valid = all_valid && answers[i].status.ok();
  }
  return all_valid;
}

}  // namespace

// ---- Alone ----

bool Flights::Core::canGoAlone(absl::Span<const Id> ids) const {
  if (isAlive(Mutant::kOrdinarySingleFlight)) return false;
  if (!ready.empty() || !hasRoom(ids.size(), false)) return false;
  // What waits and is not ready has its id below.
  return sent.empty() || std::none_of(ids.begin(), ids.end(), [this](const Id& id) {
           return sent.contains(id.canonical());
         });
}

void Flights::Core::goAlone(Lock lock, absl::Span<const Id> ids, const ReadOptions& asked,
                            absl::Span<Answer> answers, Load load) {
  depart(ids);
  lock.unlock();
  ask(load, ids, asked, answers);
  lock.lock();
  arrive(ids);
  wake(std::move(lock), nextLeader());
}

// ---- Together ----

void Flights::Core::goTogether(Lock lock, Call& call) {
  for (std::size_t i = 0; i < call.ids.size(); ++i) {
    if (call.answers[i].status.ok()) call.seats.push_back(join(call, i));
  }
  while (!takeAnswers(call)) {
    if (call.options.deadline.hasPassed(clock)) {
      leave(call);
      return wake(std::move(lock), nextLeader());
    }
    if (mayLead(call)) {
      lead(lock, call);
    } else {
      clock.wait(lock, call.caller->changed, waitsUntil(call));
    }
  }
}

Flights::Core::Seat Flights::Core::join(Call& call, std::size_t index) {
  const Id& id = call.ids[index];
  ++call.caller->open;
  if (const auto found = waiting.find(id.canonical()); found != waiting.end()) {
    widen(found->second->wanted, call.options);
    found->second->callers.push_back(call.caller);
    return {index, found->second, true};
  }
  const auto flight = std::make_shared<Flight>(id);
  flight->wanted = call.options;
  flight->callers.push_back(call.caller);
  waiting.emplace(flight->id.canonical(), flight);
  if (!sent.contains(flight->id.canonical())) makeReady(flight);
  return {index, flight, false};
}

bool Flights::Core::takeAnswers(Call& call) {
  auto open = call.seats.begin();
  for (Seat& seat : call.seats) {
    if (takeAnswer(call, seat)) continue;
    if (&*open != &seat) *open = std::move(seat);
    ++open;
  }
  call.seats.erase(open, call.seats.end());
  return call.seats.empty();
}

bool Flights::Core::takeAnswer(Call& call, Seat& seat) {
  const Stage stage = seat.flight->stage;
  if (stage == Stage::kUnanswered && !call.options.deadline.hasPassed(clock)) {
    seat = join(call, seat.index);
    return false;
  }
  if (stage < Stage::kAnswered) return false;
  const Answer& answer = seat.flight->answer;
  // Together with the ids of others it was too much for a page; not by itself, perhaps.
  if (isPageTooLarge(answer.status) && seat.flight->asked_with > call.ids.size() &&
      !call.options.deadline.hasPassed(clock)) {
    seat = join(call, seat.index);
    return false;
  }
  call.answers[seat.index] = {unshared(answer.status), answer.value, answer.version};
  if (seat.joined) ++call.coalesced;
  return true;
}

void Flights::Core::leave(Call& call) {
  for (const Seat& seat : call.seats) {
    Flight& flight = *seat.flight;
    flight.callers.erase(std::find(flight.callers.begin(), flight.callers.end(), call.caller));
    call.answers[seat.index].status = tooLate();
    if (!flight.callers.empty() || flight.stage == Stage::kSent) continue;
    waiting.erase(flight.id.canonical());
    if (flight.stage == Stage::kReady) ready.erase(flight.place);
  }
}

// ---- Leading ----

bool Flights::Core::mayLead(const Call& call) const {
  const bool has_ready = std::any_of(call.seats.begin(), call.seats.end(), [](const Seat& seat) {
    return seat.flight->stage == Stage::kReady;
  });
  const bool has_waited = call.patient_until && clock.now() >= *call.patient_until;
  return has_ready && hasRoom(ready.size(), has_waited);
}

bool Flights::Core::hasRoom(std::size_t gathered, bool has_waited) const {
  if (below == 0) return true;
  if (below >= options.max_concurrent_batches) return false;
  return shared_below == 0 || has_waited || gathered >= options.max_batch;
}

MonotonicTime Flights::Core::waitsUntil(Call& call) const {
  const MonotonicTime deadline = call.options.deadline.time();
  if (below >= options.max_concurrent_batches) return deadline;
  const bool is_oldest =
      std::any_of(call.seats.begin(), call.seats.end(), [this](const Seat& seat) {
        return seat.flight->stage == Stage::kReady && seat.flight == ready.front();
      });
  if (!is_oldest) return deadline;
  if (!call.patient_until) call.patient_until = clock.now() + options.max_gathering;
  return std::min(deadline, *call.patient_until);
}

void Flights::Core::lead(Lock& lock, Call& call) {
  Batch batch = take(call);
  depart(batch.ids);
  shared_below += batch.is_shared ? 1 : 0;
  call.caller->is_below = true;
  wake(std::move(lock), nextLeader());  // where more wait than fit
  ask(call.load, batch.ids, batch.wanted, absl::MakeSpan(batch.answers));
  lock = Lock(mutex);
  call.caller->is_below = false;
  call.patient_until.reset();
  shared_below -= batch.is_shared ? 1 : 0;
  arrive(batch.ids);
  Callers awake = settle(batch, call);
  awake.push_back(nextLeader());
  lock.unlock();
  // Woken without the mutex: they all want it at once.
  for (const auto& caller : awake) {
    if (caller != nullptr) caller->changed.notify_one();
  }
  lock.lock();
}

// The leader's own come first, so that a full batch never leaves them behind.
Flights::Core::Batch Flights::Core::take(const Call& call) {
  Batch batch;
  for (const Seat& seat : call.seats) {
    if (seat.flight->stage == Stage::kReady) board(seat.flight, batch);
  }
  const std::size_t own = batch.ids.size();
  while (!ready.empty() && batch.ids.size() < batch_limit) board(ready.front(), batch);
  batch.is_shared = batch.ids.size() > own;
  batch.wanted.deadline = call.options.deadline;
  batch.answers.resize(batch.ids.size());
  return batch;
}

void Flights::Core::board(std::shared_ptr<Flight> flight, Batch& batch) {
  ready.erase(flight->place);
  // From here on nobody can join it any more.
  if (!isAlive(Mutant::kOrdinarySingleFlight)) waiting.erase(flight->id.canonical());
  flight->stage = Stage::kSent;
  if (batch.ids.empty()) batch.wanted = flight->wanted;
  widen(batch.wanted, flight->wanted);
  batch.ids.push_back(flight->id);
  batch.flights.push_back(std::move(flight));
}

Flights::Core::Callers Flights::Core::settle(Batch& batch, const Call& call) {
  const bool is_too_large = std::ranges::any_of(
      batch.answers, [](const Answer& answer) { return isPageTooLarge(answer.status); });
  batch_limit = is_too_large ? std::max<std::size_t>(batch.ids.size() / 2, 1)
                             : std::min(2 * batch_limit, options.max_batch);
  Callers awake;
  for (std::size_t i = 0; i < batch.flights.size(); ++i) {
    Flight& flight = *batch.flights[i];
    flight.asked_with = batch.ids.size();
    flight.answer = std::move(batch.answers[i]);
    const bool unanswered = isOwnDeadline(flight.answer.status, call.options.deadline, clock);
    flight.stage = unanswered ? Stage::kUnanswered : Stage::kAnswered;
    for (std::shared_ptr<Caller>& caller : flight.callers) {
      const bool has_all = --caller->open == 0;
      if ((has_all || unanswered) && caller != call.caller) awake.push_back(std::move(caller));
    }
    flight.callers.clear();
  }
  return awake;
}

// ---- Both ----

void Flights::Core::ask(Load load, absl::Span<const Id> ids, const ReadOptions& wanted,
                        absl::Span<Answer> answers) {
  batches.increment();
  batched_ids.add(static_cast<std::int64_t>(ids.size()));
  const absl::Status asked = callOut("backing store", [&] { load(ids, wanted, answers); });
  if (asked.ok()) return;
  for (Answer& answer : answers) answer = {asked, nullptr, {}};
}

void Flights::Core::depart(absl::Span<const Id> ids) {
  ++below;
  for (const Id& id : ids) sent.insert(id.canonical());
}

void Flights::Core::arrive(absl::Span<const Id> ids) {
  --below;
  for (const Id& id : ids) {
    sent.erase(id.canonical());
    if (isAlive(Mutant::kOrdinarySingleFlight)) waiting.erase(id.canonical());
    if (waiting.empty()) continue;
    const auto next = waiting.find(id.canonical());
    if (next != waiting.end()) makeReady(next->second);
  }
}

void Flights::Core::makeReady(const std::shared_ptr<Flight>& flight) {
  flight->stage = Stage::kReady;
  flight->place = ready.insert(ready.end(), flight);
}

std::shared_ptr<Flights::Core::Caller> Flights::Core::nextLeader() const {
  if (below >= options.max_concurrent_batches) return nullptr;
  for (const auto& flight : ready) {
    for (const auto& caller : flight->callers) {
      if (!caller->is_below) return caller;
    }
  }
  return nullptr;
}

void Flights::Core::wake(Lock lock, const std::shared_ptr<Caller>& caller) {
  lock.unlock();
  if (caller != nullptr) caller->changed.notify_one();
}

// ---- The interface ----

Flights::Flights(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Flights::~Flights() = default;

absl::StatusOr<std::unique_ptr<Flights>> Flights::create(CoalescingOptions options,
                                                         std::shared_ptr<Metrics> metrics,
                                                         const Clock& clock) {
  if (absl::Status status = validate(options); !status.ok()) return status;
  auto core = std::make_unique<Core>(std::move(options), std::move(metrics), clock);
  return std::unique_ptr<Flights>(new Flights(std::move(core)));
}

void Flights::read(absl::Span<const Id> ids, const ReadOptions& options, absl::Span<Answer> answers,
                   Load load) {
  if (ids.empty()) return;
  const bool all_valid = checkAll(ids, answers, core_->options.store);
  if (options.deadline.hasPassed(core_->clock)) {
    for (Answer& answer : answers) answer.status.Update(tooLate());
    return;
  }
  Core::Lock lock(core_->mutex);
  if (all_valid && core_->canGoAlone(ids)) {
    return core_->goAlone(std::move(lock), ids, options, answers, load);
  }
  Core::Call call{ids, options, answers, load};
  core_->goTogether(std::move(lock), call);
  if (call.coalesced > 0) core_->coalesced.add(call.coalesced);
}

}  // namespace strata::internal
