// A second process on the servers of the stampede tests, which gets what it is told to.
#pragma once

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

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
  // Forked by the first use, which must come before this process has a second thread.
  static OtherProcess& instance() {
    static OtherProcess other;
    return other;
  }
  OtherProcess(const OtherProcess&) = delete;
  ~OtherProcess() {
    lines_.close();
    ::waitpid(pid_, nullptr, 0);
  }

  // Begins a get there. Where it has to wait for another process's fill it says so, and goes on
  // when it is told to, as if its time was over.
  void get(testing::LocalServers& servers, const std::string& id) {
    lines_.write(servers.postgres().url());
    lines_.write(servers.redis().url());
    lines_.write(id);
  }
  // How long it would wait.
  absl::Duration waits() { return absl::Microseconds(std::stoi(lines_.read())); }
  void goOn() { lines_.write("go on"); }
  // The text of what it got.
  std::string answer() { return lines_.read(); }

 private:
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
      Process process(url, cache_url);
      process.clock.instead_of_sleeping = [&] {
        lines.write(std::to_string(absl::ToInt64Microseconds(process.clock.sleeps().back())));
        lines.read();
      };
      const Found found = process.notes->get(id);
      lines.write(found.ok() && *found != nullptr ? (*found)->text : found.status().ToString());
    }
  }

  Lines lines_;
  const pid_t pid_;
};

}  // namespace strata::stampede
