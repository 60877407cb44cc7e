// Guard: the process that ends a test's servers and removes their folder after the test program,
// however that one ends.
//
// It is a shell that reads from a socket whose other end only the test program holds: when the
// program ends, the kernel closes that end, and the shell does its work at the end of file. It is
// no child of the program and in a session of its own, so that what kills a whole process tree or
// group (ctest, a terminal) does not reach it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace strata::testing::internal {

class Guard {
 public:
  // Makes the temporary folder.
  static absl::StatusOr<std::unique_ptr<Guard>> start();
  // Kills what was spawned and removes the folder, unless this is a fork of the program that
  // started it.
  ~Guard();

  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  const std::string& folder() const { return folder_; }

  // Starts a child of this process that the guard knows from its first moment on. It writes its
  // output to `log`, and is in a session of its own.
  absl::StatusOr<pid_t> spawn(const std::vector<std::string>& command, const std::string& log);
  // To be called before the child is reaped: afterwards its pid may be somebody else's.
  void forget(pid_t pid);

 private:
  Guard(std::string folder, int socket);

  std::string folder_;
  int socket_;
  pid_t owner_;
  std::vector<pid_t> children_;
};

}  // namespace strata::testing::internal
