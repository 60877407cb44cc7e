#include "testing/servers/spawn.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <sstream>

#include "absl/status/status.h"

namespace strata::testing::internal {
namespace {

class FileActions {
 public:
  explicit FileActions(const SpawnOptions& options) {
    const char* log = options.log.empty() ? "/dev/null" : options.log.c_str();
    posix_spawn_file_actions_init(&actions_);
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions_, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    posix_spawn_file_actions_adddup2(&actions_, 1, 2);
    if (options.third_descriptor >= 0) {
      posix_spawn_file_actions_adddup2(&actions_, options.third_descriptor, 3);
    }
    // A user without rights to the test's own folder could not start there.
    posix_spawn_file_actions_addchdir_np(&actions_, "/");
  }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  Attributes() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes_);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

}  // namespace

absl::StatusOr<pid_t> spawn(const std::vector<std::string>& command, const SpawnOptions& options) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const FileActions actions(options);
  const Attributes attributes;
  pid_t pid = 0;
  const int error =
      posix_spawnp(&pid, arguments[0], actions.get(), attributes.get(), arguments.data(), environ);
  if (error == 0) return pid;
  return absl::InternalError(fmt::format("cannot start {}: {}", command[0], std::strerror(error)));
}

std::string findProgram(const std::string& name, const std::vector<std::string>& folders) {
  const char* path = std::getenv("PATH");
  std::istringstream in_path(path == nullptr ? "" : path);
  std::vector<std::string> places;
  for (std::string folder; std::getline(in_path, folder, ':');) places.push_back(folder);
  places.insert(places.end(), folders.begin(), folders.end());
  for (const std::string& folder : places) {
    std::string file = folder + "/" + name;
    if (!folder.empty() && access(file.c_str(), X_OK) == 0) return file;
  }
  return "";
}

}  // namespace strata::testing::internal
