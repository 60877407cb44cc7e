#include "testing/servers/local_guard.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "testing/servers/spawn.h"

namespace strata::testing::internal {
namespace {

// Reads "run <pid>" and "gone <pid>" from descriptor 3. A server is stopped before its children are
// listed, so that it cannot start another; SIGKILL also ends what is stopped. PostgreSQL leaves a
// segment of System V shared memory behind, whose id is in line 7 of its postmaster.pid.
constexpr const char* kGuardScript = R"sh(
trap '' HUP INT TERM QUIT
folder=$1
servers=
while read -r event pid; do
  case $event in
    run) servers="$servers $pid" ;;
    gone) kept=; for server in $servers; do [ "$server" = "$pid" ] || kept="$kept $server"; done
      servers=$kept ;;
  esac
done

children() { grep -l "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status 2>/dev/null | cut -d/ -f3; }
alive() {
  case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) in
    '' | Z | X) return 1 ;;
  esac
}

victims=
for server in $servers; do
  kill -STOP "$server"
  victims="$victims $server $(children "$server")"
done
for victim in $victims; do kill -KILL "$victim"; done
for victim in $victims; do
  tries=0
  while alive "$victim" && [ $tries -lt 500 ]; do tries=$((tries + 1)); sleep 0.01; done
done

for lock in "$folder"/*/postmaster.pid; do
  [ -f "$lock" ] && ipcrm -m "$(sed -n '7s/.*[[:space:]]//p' "$lock")"
done
tries=0
until rm -rf "$folder" && ! [ -e "$folder" ] || [ $tries -ge 100 ]; do
  tries=$((tries + 1)); sleep 0.05
done
)sh";

// Detaches the guard from this process: its parent ends at once, and it becomes a child of init.
constexpr const char* kDetach = R"sh(sh -c "$1" strata-testing-guard "$2" <&3 & )sh";

// Tells the guard about itself before it becomes the server, so that at no moment there is a
// server that the guard does not know.
constexpr const char* kAnnounce = R"sh(echo "run $$" >&3; exec 3>&- "$@")sh";

absl::Status errnoStatus(const char* what) {
  return absl::InternalError(fmt::format("{}: {}", what, std::strerror(errno)));
}

void waitForEndOfFile(int socket) {
  char byte = 0;
  ssize_t received = 0;
  do {
    received = recv(socket, &byte, 1, 0);
  } while (received > 0 || (received < 0 && errno == EINTR));
}

absl::StatusOr<std::string> makeFolder() {
  const char* base = std::getenv("TMPDIR");
  std::string folder = fmt::format("{}/strata-XXXXXX", base == nullptr ? "/tmp" : base);
  if (mkdtemp(folder.data()) == nullptr) return errnoStatus("cannot make a temporary folder");
  // PostgreSQL, as another user, must get to its own folder in it.
  chmod(folder.c_str(), 0711);
  return folder;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Guard>> Guard::start() {
  absl::StatusOr<std::string> folder = makeFolder();
  if (!folder.ok()) return folder.status();
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    return errnoStatus("cannot make a socket pair");
  }
  std::unique_ptr<Guard> guard(new Guard(*folder, ends[0]));
  absl::StatusOr<pid_t> shell = internal::spawn(
      {"/bin/sh", "-c", kDetach, "sh", kGuardScript, *folder}, {.third_descriptor = ends[1]});
  close(ends[1]);
  if (!shell.ok()) return shell.status();
  waitpid(*shell, nullptr, 0);
  return guard;
}

Guard::Guard(std::string folder, int socket)
    : folder_(std::move(folder)), socket_(socket), owner_(getpid()) {}

Guard::~Guard() {
  if (getpid() == owner_) {
    shutdown(socket_, SHUT_WR);
    // The guard holds the other end until it has done its work.
    waitForEndOfFile(socket_);
    for (const pid_t child : children_) {
      ::kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    // Only if somebody killed the guard is there anything left.
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  close(socket_);
}

absl::StatusOr<pid_t> Guard::spawn(const std::vector<std::string>& command,
                                   const std::string& log) {
  std::vector<std::string> announced = {"/bin/sh", "-c", kAnnounce, "sh"};
  announced.insert(announced.end(), command.begin(), command.end());
  absl::StatusOr<pid_t> pid = internal::spawn(announced, {.third_descriptor = socket_, .log = log});
  if (pid.ok()) children_.push_back(*pid);
  return pid;
}

void Guard::forget(pid_t pid) {
  std::erase(children_, pid);
  const std::string message = fmt::format("gone {}\n", pid);
  // When the guard is dead there is nobody who must forget.
  (void)send(socket_, message.data(), message.size(), MSG_NOSIGNAL);
}

}  // namespace strata::testing::internal
