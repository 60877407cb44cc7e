// ScriptedRedis: a server that speaks Redis's protocol and says what a test wants it to.
//
//   ScriptedRedis server([](const ScriptedRedis::Words& words, auto& connection) {
//     connection.send(words[0] == "GET" ? "$1\r\nx\r\n" : "+OK\r\n");
//   });
//   auto cache = RedisCache::create({.url = server.url()}).value();
//
// It introduces itself as a master; the script gets every other command, on a thread per
// connection, where it may wait. Not for: what a real Redis can be made to do.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "adapters/redis/wire/reply.h"
#include "strata/base/clock.h"

namespace strata {

// Thread-safe.
class ScriptedRedis {
 public:
  using Words = std::vector<std::string>;

  class Connection {
   public:
    explicit Connection(int socket) : socket_(socket) {}
    void send(std::string_view bytes) { ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
    void close() { ::shutdown(socket_, SHUT_RDWR); }

   private:
    const int socket_;
  };
  using Script = std::function<void(const Words&, Connection&)>;

  explicit ScriptedRedis(Script script) : script_(std::move(script)) {
    listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listening_, generic, size), 0);
    EXPECT_EQ(::listen(listening_, 64), 0);
    EXPECT_EQ(::getsockname(listening_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
    accepting_ = std::jthread([this] { acceptAll(); });
  }
  // Ends every connection; a script that waits must have been let go.
  ~ScriptedRedis() {
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    serving_.clear();
    for (const int socket : sockets_) ::close(socket);
    ::close(listening_);
  }

  std::string url() const { return "redis://127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const { return port_; }
  // How many connections there were.
  std::size_t accepted() const {
    const std::lock_guard lock(mutex_);
    return sockets_.size();
  }
  // How many commands arrived together, each time that some did. Without the introductions.
  std::vector<std::size_t> arrivals() const {
    const std::lock_guard lock(mutex_);
    return arrivals_;
  }

 private:
  void acceptAll() {
    while (true) {
      const int socket = ::accept(listening_, nullptr, nullptr);
      if (socket < 0) return;
      const std::lock_guard lock(mutex_);
      sockets_.push_back(socket);
      serving_.emplace_back([this, socket] { serve(socket); });
    }
  }

  void serve(int socket) {
    internal::RedisReplyReader reader;
    Connection connection(socket);
    std::vector<char> buffer(1 << 16);
    while (true) {
      const ssize_t received = ::recv(socket, buffer.data(), buffer.size(), 0);
      if (received <= 0) return;
      reader.feed({buffer.data(), static_cast<std::size_t>(received)});
      std::vector<Words> commands;
      while (auto command = nextCommand(reader)) commands.push_back(*std::move(command));
      note(commands);
      for (const Words& words : commands) answer(words, connection);
    }
  }

  // A command looks like a reply that is an array.
  static std::optional<Words> nextCommand(internal::RedisReplyReader& reader) {
    const auto next = reader.next();
    if (!next.ok() || !*next) return std::nullopt;
    Words words;
    for (std::size_t i = 0; i < (*next)->size(); ++i) words.emplace_back((*next)->at(i).text());
    return words;
  }

  void note(const std::vector<Words>& commands) {
    const auto count = std::count_if(commands.begin(), commands.end(),
                                     [](const Words& words) { return words[0] != "INFO"; });
    if (count == 0) return;
    const std::lock_guard lock(mutex_);
    arrivals_.push_back(static_cast<std::size_t>(count));
  }

  void answer(const Words& words, Connection& connection) {
    if (words[0] != "INFO") return script_(words, connection);
    const std::string_view info = words[1] == "server"
                                      ? "redis_version:7.0.0\r\nrun_id:scripted\r\n"
                                      : "role:master\r\nmaster_replid:scripted\r\n";
    connection.send("$" + std::to_string(info.size()) + "\r\n" + std::string(info) + "\r\n");
  }

  const Script script_;
  int listening_ = -1;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<int> sockets_;
  std::vector<std::size_t> arrivals_;
  std::vector<std::jthread> serving_;
  std::jthread accepting_;
};

// Where threads wait until a test lets them go on.
class Gate {
 public:
  ~Gate() { open(); }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }
  // Waits until somebody has come to it.
  void awaitSomebody() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }
  // Waits for it, but no longer than that; whether it is open.
  bool passWithin(absl::Duration time) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(time), [this] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
  int waiting_ = 0;
};

}  // namespace strata
