#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>

#include "strata/base/logging.h"
#include "tests/base/forked.h"

namespace strata {
namespace {

// Replaces the outputs of this process, a child, by a pipe that nobody reads.
void closeOutputs() {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) _exit(2);
  close(ends[0]);
  dup2(ends[1], STDOUT_FILENO);
  dup2(ends[1], STDERR_FILENO);
}

// A log collector that ended took the process with it, by SIGPIPE.
TEST(Logging, ToAClosedPipeDoesNotEndTheProcess) {
  EXPECT_TRUE(testing::holdsInChild([] {
    signal(SIGPIPE, SIG_DFL);
    closeOutputs();
    for (int i = 0; i < 3; ++i) log(Severity::kError, "strata.test", {{"number", "1"}});
    sigset_t pending;
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 0;
  }));
}

// What the application decided about the signal stays so.
TEST(Logging, LeavesSignalsOfOthersAlone) {
  EXPECT_TRUE(testing::holdsInChild([] {
    signal(SIGPIPE, SIG_DFL);
    sigset_t pipe_signal;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, nullptr);
    raise(SIGPIPE);
    closeOutputs();
    log(Severity::kError, "strata.test");
    sigset_t pending;
    sigset_t blocked;
    sigpending(&pending);
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    return sigismember(&pending, SIGPIPE) == 1 && sigismember(&blocked, SIGPIPE) == 1;
  }));
}

}  // namespace
}  // namespace strata
