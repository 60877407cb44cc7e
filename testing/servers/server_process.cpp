#include "testing/servers/server_process.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "strata/testing/eventually.h"

namespace strata::testing::internal {
namespace {

constexpr absl::Duration kSignalTimeout = absl::Seconds(10);
constexpr std::size_t kLogTailBytes = 2000;

struct ProcessState {
  char state = 0;  // as in ps(1); 0 when there is no such process
  pid_t parent = 0;
};

ProcessState stateOf(const std::string& pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  // Of a process that ends meanwhile the read fails, and a buffer's iterator would throw.
  std::string text;
  std::getline(file, text);
  // "pid (name) state parent …", and the name may hold anything.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  ProcessState state;
  std::istringstream(text.substr(name_end + 1)) >> state.state >> state.parent;
  return state;
}

char stateOf(pid_t pid) { return stateOf(std::to_string(pid)).state; }
bool isStopped(pid_t pid) { return stateOf(pid) == 'T' || stateOf(pid) == 0; }
bool isDead(pid_t pid) { return stateOf(pid) == 'Z' || stateOf(pid) == 'X' || stateOf(pid) == 0; }

std::vector<pid_t> childrenOf(pid_t parent) {
  std::vector<pid_t> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (std::isdigit(static_cast<unsigned char>(name[0])) != 0 && stateOf(name).parent == parent) {
      children.push_back(std::stoi(name));
    }
  }
  return children;
}

void signalEach(const std::vector<pid_t>& pids, int signal) {
  for (const pid_t pid : pids) ::kill(pid, signal);
}

bool waitForEach(const std::vector<pid_t>& pids, bool (*done)(pid_t)) {
  return eventually([&] { return std::all_of(pids.begin(), pids.end(), done); }, kSignalTimeout);
}

}  // namespace

absl::Status ServerProcess::spawn(const std::vector<std::string>& command) {
  absl::StatusOr<pid_t> pid = guard_.spawn(command, log_);
  if (pid.ok()) pid_ = *pid;
  return pid.status();
}

pid_t ServerProcess::pid() {
  if (pid_ == 0) return 0;
  siginfo_t end{};
  // Looked at before it is reaped: until then nobody else can have its pid.
  if (waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT) == 0 &&
      end.si_pid == 0) {
    return pid_;
  }
  guard_.forget(pid_);
  waitpid(pid_, nullptr, 0);
  exit_code_ = end.si_code == CLD_EXITED ? end.si_status : -1;
  pid_ = 0;
  return 0;
}

void ServerProcess::signal(int signal) {
  if (pid() != 0) ::kill(pid_, signal);
}

bool ServerProcess::waitForEnd(absl::Duration timeout) {
  return eventually([&] { return pid() == 0; }, timeout);
}

void ServerProcess::freezeAll() {
  if (pid() == 0) return;
  // The parent first: once it has stopped, it starts no more children.
  ::kill(pid_, SIGSTOP);
  waitForEach({pid_}, isStopped);
  const std::vector<pid_t> children = childrenOf(pid_);
  signalEach(children, SIGSTOP);
  waitForEach(children, isStopped);
}

void ServerProcess::resumeAll() {
  if (pid() == 0) return;
  signalEach(childrenOf(pid_), SIGCONT);
  ::kill(pid_, SIGCONT);
}

void ServerProcess::killAll() {
  if (pid() == 0) return;
  ::kill(pid_, SIGSTOP);
  waitForEach({pid_}, isStopped);
  const std::vector<pid_t> children = childrenOf(pid_);
  signalEach(children, SIGKILL);
  ::kill(pid_, SIGKILL);
  waitForEach(children, isDead);
  waitForEnd(kSignalTimeout);
}

std::string ServerProcess::logTail() const {
  std::ifstream file(log_);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return text.size() <= kLogTailBytes ? text : text.substr(text.size() - kLogTailBytes);
}

}  // namespace strata::testing::internal
