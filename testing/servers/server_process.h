// ServerProcess: one server, its children, and the signals they get.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "testing/servers/local_guard.h"

namespace strata::testing::internal {

class ServerProcess {
 public:
  ServerProcess(Guard& guard, std::string log) : guard_(guard), log_(std::move(log)) {}

  absl::Status spawn(const std::vector<std::string>& command);
  // 0 when it does not run (any more).
  pid_t pid();
  void signal(int signal);
  // Whether it ended within `timeout`.
  bool waitForEnd(absl::Duration timeout);
  // Its exit code; -1 when it was ended by a signal.
  int exitCode() const { return exit_code_; }

  // These go to its children too, and return when the kernel has carried them out.
  void killAll();
  void freezeAll();
  void resumeAll();

  // The end of what it wrote.
  std::string logTail() const;

 private:
  Guard& guard_;
  std::string log_;
  pid_t pid_ = 0;
  int exit_code_ = 0;
};

}  // namespace strata::testing::internal
