// What the tests of CoalescingStore, GuardedStore and Bulkhead share: a store whose calls stop at a
// gate, and crowds of threads.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "src/store/page_bound.h"
#include "strata/memory/in_memory_store.h"
#include "strata/store/store.h"
#include "strata/testing/eventually.h"
#include "strata/testing/status_matchers.h"
#include "tests/decorators/waiting_clock.h"

namespace strata {
namespace gated {

struct Note {
  std::string id;
  std::string text;
  friend bool operator==(const Note&, const Note&) = default;
};
BOOST_DESCRIBE_STRUCT(Note, (), (id, text))

}  // namespace gated

template <>
struct Entity<gated::Note> {
  static constexpr auto table = "notes";
  static constexpr KeySpace keys{"notes", "note"};
  static std::string id(const gated::Note& note) { return note.id; }
};

namespace gated {

// Every read looks into memory when it comes, and then stands at the gate until it is let through:
// what it brings is as old as its beginning. Writes pass.
class GatedStore final : public Store<Note> {
 public:
  struct Call {
    std::vector<std::string> ids;
    ReadOptions options;
    bool is_many;
  };

  explicit GatedStore(const Clock& clock)
      : clock_(clock),
        memory_(*InMemoryStore<Note>::create(std::make_shared<InMemoryDatabase>())) {}

  absl::StatusOr<Snapshot<Note>> get(const Id& id, const ReadOptions& options) override {
    return stopped({id}, options, false)[0];
  }
  Snapshots<Note> getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    return stopped({ids.begin(), ids.end()}, options, true);
  }
  absl::StatusOr<Version> put(const Note& note, const WriteOptions& options) override {
    return memory_->put(note, options);
  }
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override {
    return memory_->remove(id, options);
  }
  Health healthCheck() override { return memory_->healthCheck(); }

  void open() { setGate(true, 0); }
  void close() { setGate(false, 0); }
  // The first calls since the beginning, and no other.
  void letThrough(std::size_t calls) { setGate(false, calls); }
  // From now on, for this id.
  void fail(const std::string& id, absl::Status status) {
    const std::lock_guard lock(mutex_);
    failures_[id] = std::move(status);
  }
  // From now on, for a getMany of more ids.
  void setMostInAPage(std::size_t ids) {
    const std::lock_guard lock(mutex_);
    most_in_a_page_ = ids;
  }
  void heal() {
    const std::lock_guard lock(mutex_);
    failures_.clear();
  }

  std::vector<Call> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  std::size_t mostAtOnce() const {
    const std::lock_guard lock(mutex_);
    return most_;
  }
  bool awaitCalls(std::size_t count) const {
    return testing::eventually([&] { return calls().size() == count; });
  }

 private:
  Snapshots<Note> stopped(const std::vector<Id>& ids, const ReadOptions& options, bool is_many) {
    std::unique_lock lock(mutex_);
    Call call{{}, options, is_many};
    Snapshots<Note> answers;
    for (const Id& id : ids) {
      call.ids.push_back(id.canonical());
      const auto failure = failures_.find(id.canonical());
      answers.push_back(failure == failures_.end() ? memory_->get(id) : failure->second);
    }
    if (ids.size() > most_in_a_page_) {
      for (auto& answer : answers) answer = internal::pageTooLarge();
    }
    const std::size_t number = calls_.size();
    calls_.push_back(std::move(call));
    most_ = std::max(most_, ++inside_);
    const bool in_time = standAtTheGate(lock, number, options.deadline);
    --inside_;
    if (in_time) return answers;
    return Snapshots<Note>(ids.size(), absl::DeadlineExceededError("stood at the gate"));
  }

  bool standAtTheGate(std::unique_lock<std::mutex>& lock, std::size_t number, Deadline deadline) {
    while (!is_open_ && number >= let_through_) {
      if (deadline.hasPassed(clock_)) return false;
      constexpr std::chrono::milliseconds kGlance(1);
      deadline.isNever() ? changed_.wait(lock) : (void)changed_.wait_for(lock, kGlance);
    }
    return true;
  }

  void setGate(bool is_open, std::size_t let_through) {
    const std::lock_guard lock(mutex_);
    is_open_ = is_open;
    let_through_ = let_through;
    changed_.notify_all();
  }

  const Clock& clock_;
  const std::unique_ptr<Store<Note>> memory_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = true;
  std::size_t let_through_ = 0;
  std::map<std::string, absl::Status> failures_;
  std::size_t most_in_a_page_ = std::numeric_limits<std::size_t>::max();
  std::vector<Call> calls_;
  std::size_t inside_ = 0;
  std::size_t most_ = 0;
};

// Threads that each make one call and keep what came of it.
template <typename Result>
class Crowd {
 public:
  // They may stand at the gate, which is opened for those that are left at the end.
  explicit Crowd(GatedStore* gate = nullptr) : gate_(gate) {}
  Crowd(GatedStore* gate, std::size_t threads, std::function<Result(std::size_t)> call)
      : gate_(gate) {
    for (std::size_t i = 0; i < threads; ++i) add([call, i] { return call(i); });
  }
  ~Crowd() {
    if (gate_ != nullptr) gate_->open();
    join();
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  void add(std::function<Result()> call) {
    const std::size_t place = threads_.size();
    threads_.emplace_back([this, place, call = std::move(call)] {
      Result result = call();
      const std::lock_guard lock(mutex_);
      results_.emplace(place, std::move(result));
    });
  }

  // In the order in which they were added, when all are there.
  std::vector<Result> results() {
    join();
    std::vector<Result> all;
    for (const auto& [place, result] : results_) all.push_back(result);
    return all;
  }
  Result result() { return results().at(0); }
  bool awaitDone(std::size_t count) {
    return testing::eventually([&] {
      const std::lock_guard lock(mutex_);
      return results_.size() == count;
    });
  }

 private:
  void join() {
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  GatedStore* const gate_;
  std::mutex mutex_;
  std::map<std::size_t, Result> results_;
  std::vector<std::thread> threads_;
};

using Found = absl::StatusOr<Snapshot<Note>>;

}  // namespace gated
}  // namespace strata
