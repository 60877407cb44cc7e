// Processes and executors that get no thread.
#pragma once

#include <grp.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <system_error>
#include <utility>

#include "strata/base/executor.h"
#include "tests/base/forked.h"

namespace strata::testing {

// From now on this process, a child of a test, can start no thread until `end`.
class ThreadShortage {
 public:
  ThreadShortage() {
    // The limit does not hold for root.
    constexpr uid_t kNobodyElse = 54'321;
    if (geteuid() == 0) {
      EXPECT_EQ(setgroups(0, nullptr), 0);
      EXPECT_EQ(setgid(kNobodyElse), 0);
      EXPECT_EQ(setuid(kNobodyElse), 0);
    }
    EXPECT_EQ(getrlimit(RLIMIT_NPROC, &before_), 0);
    rlimit none = before_;
    none.rlim_cur = 1;
    EXPECT_EQ(setrlimit(RLIMIT_NPROC, &none), 0);
  }
  void end() { EXPECT_EQ(setrlimit(RLIMIT_NPROC, &before_), 0); }

 private:
  rlimit before_{};
};

// Whether `check`, which is given the shortage, holds in a child in which no thread can be started.
template <typename Check>
bool holdsWithoutThreads(Check check) {
  return holdsInChild([&] {
    ThreadShortage shortage;
    return check(shortage) && !::testing::Test::HasFailure();
  });
}

// Throws as a pool of threads does that can start none, for as long as a test says so.
class RefusingExecutor final : public Executor {
 public:
  explicit RefusingExecutor(std::shared_ptr<Executor> backing) : backing_(std::move(backing)) {}

  void schedule(absl::Duration delay, std::function<void()> task) override {
    if (refuses) {
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    }
    backing_->schedule(delay, std::move(task));
  }

  std::atomic<bool> refuses = true;

 private:
  const std::shared_ptr<Executor> backing_;
};

}  // namespace strata::testing
