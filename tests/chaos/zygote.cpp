#include "tests/chaos/zygote.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "tests/chaos/control.h"

namespace strata::chaos {
namespace {

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

Zygote::Zygote(std::function<int(std::size_t slot)> client) : children_(kMaxProcesses) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) die("socketpair");
  pid_ = fork();
  if (pid_ < 0) die("fork");
  socket_ = ends[pid_ == 0 ? 1 : 0];
  close(ends[pid_ == 0 ? 0 : 1]);
  if (pid_ == 0) serve(client);
}

Zygote::~Zygote() {
  close(socket_);
  waitpid(pid_, nullptr, 0);
}

void Zygote::serve(const std::function<int(std::size_t)>& client) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  Request request{};
  while (recv(socket_, &request, sizeof request, 0) == sizeof request) {
    const Reply reply = answer(request, client);
    if (send(socket_, &reply, sizeof reply, MSG_NOSIGNAL) != sizeof reply) break;
  }
  for (const pid_t child : children_) {
    if (child != 0) ::kill(child, SIGKILL);
  }
  std::_Exit(EXIT_SUCCESS);
}

Zygote::Reply Zygote::answer(const Request& request,
                             const std::function<int(std::size_t)>& client) {
  pid_t& child = children_[static_cast<std::size_t>(request.slot)];
  Reply reply{};
  if (request.what == Request::What::kSpawn) {
    child = fork();
    if (child < 0) die("fork");
    if (child > 0) return reply;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(socket_);
    std::_Exit(client(static_cast<std::size_t>(request.slot)));
  }
  if (child == 0) return reply;
  if (request.what == Request::What::kSignal) {
    ::kill(child, request.signal);
    return reply;
  }
  const bool kills = request.what == Request::What::kKill;
  if (kills) ::kill(child, SIGKILL);
  reply.has_ended = waitpid(child, &reply.status, kills ? 0 : WNOHANG) == child;
  if (reply.has_ended) child = 0;
  return reply;
}

Zygote::Reply Zygote::ask(const Request& request) const {
  Reply reply{};
  if (send(socket_, &request, sizeof request, MSG_NOSIGNAL) != sizeof request ||
      recv(socket_, &reply, sizeof reply, 0) != sizeof reply) {
    die("chaos: the zygote is gone");
  }
  return reply;
}

void Zygote::spawn(std::size_t slot) { ask({Request::What::kSpawn, static_cast<int>(slot), 0}); }

void Zygote::signal(std::size_t slot, int signal) {
  ask({Request::What::kSignal, static_cast<int>(slot), signal});
}

std::optional<int> Zygote::ended(std::size_t slot) {
  const Reply reply = ask({Request::What::kEnded, static_cast<int>(slot), 0});
  return reply.has_ended ? std::optional(reply.status) : std::nullopt;
}

int Zygote::kill(std::size_t slot) {
  return ask({Request::What::kKill, static_cast<int>(slot), 0}).status;
}

}  // namespace strata::chaos
