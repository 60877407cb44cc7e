// Zygote: a process that was forked while this one had no threads yet, and forks client processes
// on request, so that they too begin with no other thread's locks taken. It and its children end
// with the parent, however that ends.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

namespace strata::chaos {

// For one thread.
class Zygote {
 public:
  // Must be called before the process has any other thread. `client` is what a child does; what it
  // returns is its exit code.
  explicit Zygote(std::function<int(std::size_t slot)> client);
  ~Zygote();
  Zygote(const Zygote&) = delete;
  Zygote& operator=(const Zygote&) = delete;

  void spawn(std::size_t slot);
  // To the child of the slot; nothing where there is none.
  void signal(std::size_t slot, int signal);
  // Its status as waitpid gives it, once it has ended; after that there is none.
  std::optional<int> ended(std::size_t slot);
  // SIGKILL, and waits for its end. Its status, which says so if it had ended by itself.
  int kill(std::size_t slot);

 private:
  struct Request {
    enum class What : char { kSpawn, kSignal, kEnded, kKill } what;
    int slot;
    int signal;
  };
  struct Reply {
    bool has_ended;
    int status;
  };

  Reply ask(const Request& request) const;
  [[noreturn]] void serve(const std::function<int(std::size_t)>& client);
  Reply answer(const Request& request, const std::function<int(std::size_t)>& client);

  int socket_ = -1;
  pid_t pid_ = 0;
  // In the zygote: by slot, 0 is none.
  std::vector<pid_t> children_;
};

}  // namespace strata::chaos
