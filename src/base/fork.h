// What happens to Strata's objects when the process forks.
//
// A child of fork() has one thread, the one that called it, and copies of everything else: mutexes
// as they were, states of threads that do not exist, connections that the parent goes on using.
// Three stages put that right:
//
//   1. Before the fork executors let running tasks end and begin no others, so that no background
//      task is in the middle of anything.
//   2. Before the fork objects with a thread of their own lock what it changes.
//   3. In the child each object forgets its threads and what it shares with the parent, and starts
//      anew when it is next used.
//
// A thread of the application's own that is inside a call of Strata during the fork may leave an
// object of the child locked. docs/deployments.md tells users to fork before or between calls.
#pragma once

#include <cstdint>
#include <functional>
#include <new>

namespace strata::internal {

// Differs between a process and its children. Costs one load.
std::uint64_t forkGeneration();

// The process that an object was made in.
class ProcessMark {
 public:
  ProcessMark() : generation_(forkGeneration()) {}

  // Whether this is another one: a child of it.
  bool isInherited() const { return generation_ != forkGeneration(); }

 private:
  std::uint64_t generation_;
};

// What one object does around a fork, for as long as this lives. Make it the last member, so that
// the object is complete before the first call and after the last.
class ForkHandler {
 public:
  // Called by the thread that forks. Each may be empty, and none may throw, fork, or make or
  // destroy a ForkHandler.
  struct Hooks {
    // Stage 1. Every other handler's `lock` comes later.
    std::function<void()> pause = {};
    // Stage 2. Locks mutexes under which nothing else is locked.
    std::function<void()> lock = {};
    // The parent takes both back.
    std::function<void()> resume_in_parent = {};
    // Stage 3. The thread holds what `lock` has locked.
    std::function<void()> reset_in_child = {};
  };

  explicit ForkHandler(Hooks hooks);
  ~ForkHandler();
  ForkHandler(const ForkHandler&) = delete;
  ForkHandler& operator=(const ForkHandler&) = delete;

 private:
  friend class ForkRegistry;
  const Hooks hooks_;
};

// Makes an object anew without destroying the old one, which lost threads may have left in any
// state: for mutexes, condition variables and threads, in `reset_in_child`.
template <typename T>
void abandon(T& object) {
  new (&object) T();
}

// Keeps what these own for as long as the process lives.
template <typename... Owners>
void leak(const Owners&... owners) {
  (static_cast<void>(new Owners(owners)), ...);
}

}  // namespace strata::internal
