// A second process on the servers of the stampede tests, which gets what it is told to.
#pragma once

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "tests/decorators/stampede_fixture.h"

namespace strata::stampede {

// Lines of text over a socket.
class Lines {
 public:
  explicit Lines(int socket) : socket_(socket) {}
  void write(const std::string& line) {
    const std::string bytes = line + "\n";
    EXPECT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Waits for one; empty when the other end is gone.
  std::string read() {
    std::string line;
    char byte = 0;
    while (::read(socket_, &byte, 1) == 1 && byte != '\n') line += byte;
    return line;
  }
  void close() { ::shutdown(socket_, SHUT_RDWR); }

 private:
  const int socket_;
};

class OtherProcess {
 public:
  // Both are forked by the first use, which must come before this process has a second thread.
  static OtherProcess& instance();
  static OtherProcess& second();
  OtherProcess(const OtherProcess&) = delete;
  ~OtherProcess() {
    lines_.close();
    ::waitpid(pid_, nullptr, 0);
  }

  // Begins a get there, by so many threads at once. A lone one stops before it first looks again at
  // another process's lease, and goes on when it is told to.
  void get(testing::LocalServers& servers, const std::string& id, std::size_t callers = 1) {
    lines_.write(servers.postgres().url());
    lines_.write(servers.redis().url());
    lines_.write(id);
    lines_.write(std::to_string(callers));
  }
  // How long it would wait.
  absl::Duration waits() { return absl::Microseconds(std::stoi(lines_.read())); }
  void goOn() { lines_.write("go on"); }
  // The text of what it got; of several threads, when all have the same.
  std::string answer() { return lines_.read(); }

 private:
  struct Both;
  static Both& both();

  explicit OtherProcess(const std::array<int, 2>& ends = connected())
      : lines_(ends[0]), pid_(::fork()) {
    if (pid_ != 0) {
      ::close(ends[1]);
      return;
    }
    ::close(ends[0]);
    serve(Lines(ends[1]));
    ::_exit(0);
  }

  static std::array<int, 2> connected() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    return ends;
  }

  static void serve(Lines lines) {
    for (std::string url = lines.read(); !url.empty(); url = lines.read()) {
      const std::string cache_url = lines.read();
      const std::string id = lines.read();
      const std::size_t callers = std::stoul(lines.read());
      Process process(url, cache_url);
      if (callers == 1)
        process.clock.instead_of_sleeping = [&] { askForFirstSleep(lines, process); };
      const auto notes = callers == 1 ? process.createNotes() : process.createBareNotes();
      lines.write(answerOf(*notes, id, callers));
    }
  }
  static void askForFirstSleep(Lines& lines, const Process& process) {
    const std::vector<absl::Duration> sleeps = process.clock.sleeps();
    if (sleeps.size() > 1) return Clock::system().sleepFor(sleeps.back());
    lines.write(std::to_string(absl::ToInt64Microseconds(sleeps.back())));
    lines.read();
  }
  static std::string answerOf(Store<Note>& notes, const std::string& id, std::size_t callers) {
    Crowd<Found> crowd(callers, [&](std::size_t) { return notes.get(id); });
    std::string text;
    for (const Found& found : crowd.results()) {
      const std::string one =
          found.ok() && *found != nullptr ? (*found)->text : found.status().ToString();
      if (!text.empty() && one != text) return text + " and " + one;
      text = one;
    }
    return text;
  }

  Lines lines_;
  const pid_t pid_;
};

struct OtherProcess::Both {
  OtherProcess first;
  OtherProcess second;
};

inline OtherProcess::Both& OtherProcess::both() {
  static Both both;
  return both;
}

inline OtherProcess& OtherProcess::instance() { return both().first; }
inline OtherProcess& OtherProcess::second() { return both().second; }

}  // namespace strata::stampede
