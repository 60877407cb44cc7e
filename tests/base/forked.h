#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace strata::testing {

// A child of this process that does `work` and ends with what that returns. Nothing of the parent is
// destroyed in it.
template <typename Work>
pid_t forkToDo(Work work) {
  const pid_t child = fork();
  if (child == 0) _exit(work());
  return child;
}

// Waits for a child: its exit code, or -1 where a signal ended it.
inline int exitCodeOf(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
  return WEXITSTATUS(status);
}

// Whether `check` holds in a child that is forked here.
template <typename Check>
bool holdsInChild(Check check) {
  return exitCodeOf(forkToDo([&] { return check() ? 0 : 1; })) == 0;
}

// Lets a parent and its child do things by turns. An end that is lost gives the turn, too.
class Turns {
 public:
  Turns() {
    EXPECT_EQ(pipe(to_parent_.data()), 0);
    EXPECT_EQ(pipe(to_child_.data()), 0);
  }
  ~Turns() {
    for (const int file : {to_parent_[0], to_parent_[1], to_child_[0], to_child_[1]}) close(file);
  }
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  void giveToParent() const { give(to_parent_[1]); }
  void giveToChild() const { give(to_child_[1]); }
  void awaitInParent() {
    close(std::exchange(to_parent_[1], -1));  // so that the child's end is seen
    await(to_parent_[0]);
  }
  void awaitInChild() const { await(to_child_[0]); }

 private:
  static void give(int file) { EXPECT_EQ(write(file, "!", 1), 1); }
  static void await(int file) {
    char turn = 0;
    static_cast<void>(read(file, &turn, 1));
  }

  std::array<int, 2> to_parent_{};
  std::array<int, 2> to_child_{};
};

}  // namespace strata::testing
