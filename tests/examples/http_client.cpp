#include "tests/examples/http_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/json/parse.hpp>
#include <fstream>
#include <iterator>
#include <sstream>

#include "absl/strings/ascii.h"
#include "strata/testing/eventually.h"
#include "testing/servers/spawn.h"

namespace strata::testing {
namespace {

constexpr timeval kReadTimeout{.tv_sec = 20, .tv_usec = 0};

std::string contentOf(const std::string& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

HttpReply parseReply(const std::string& text) {
  HttpReply reply;
  std::istringstream in(text);
  std::string line;
  std::getline(in, line);
  if (std::sscanf(line.c_str(), "HTTP/1.1 %d", &reply.status) != 1) return {};
  while (std::getline(in, line) && line != "\r") {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) return {};
    reply.headers[absl::AsciiStrToLower(line.substr(0, colon))] =
        line.substr(colon + 2, line.size() - colon - 3);
  }
  reply.body = {std::istreambuf_iterator<char>(in), {}};
  // "100 Continue" comes before the answer.
  return reply.status < 200 ? parseReply(reply.body) : reply;
}

}  // namespace

boost::json::value HttpReply::json() const {
  boost::json::error_code error;
  boost::json::value value = boost::json::parse(body, error);
  return error ? boost::json::value() : value;
}

std::string HttpReply::text(std::string_view member) const {
  const boost::json::value value = json();
  if (!value.is_object()) return "";
  const auto* const found = value.get_object().if_contains({member.data(), member.size()});
  return found == nullptr || !found->is_string() ? "" : std::string(found->get_string());
}

HttpReply curl(const std::string& folder, const std::vector<std::string>& arguments) {
  static std::atomic<int> calls{0};
  const std::string output = folder + "/curl-" + std::to_string(++calls);
  std::vector<std::string> command = {"curl", "-sS", "-i", "--max-time", "20"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const auto pid = internal::spawn(command, {.log = output});
  if (!pid.ok()) return {};
  int status = 0;
  waitpid(*pid, &status, 0);
  HttpReply reply = status == 0 ? parseReply(contentOf(output)) : HttpReply{};
  unlink(output.c_str());
  return reply;
}

EventReader::EventReader(internal::Guard& guard, std::string log,
                         const std::vector<std::string>& arguments)
    : log_(std::move(log)), process_(guard, log_) {
  std::vector<std::string> command = {"curl", "-sSN"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  process_.spawn(command).IgnoreError();  // then it reads nothing, and the test fails
}

EventReader::~EventReader() { process_.killAll(); }

std::string EventReader::text() const { return contentOf(log_); }

bool EventReader::reads(std::string_view expected, int times) const {
  return eventually([&] {
    const std::string text = contentOf(log_);
    int found = 0;
    for (std::size_t at = text.find(expected); at != std::string::npos;
         at = text.find(expected, at + 1)) {
      ++found;
    }
    return found >= times;
  });
}

bool EventReader::hasEnded() { return process_.waitForEnd(absl::Seconds(10)); }

RawConnection::RawConnection(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &kReadTimeout, sizeof(kReadTimeout));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
}

RawConnection::~RawConnection() { close(socket_); }

void RawConnection::send(std::string_view bytes) const {
  (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);  // reading shows what came of it
}

void RawConnection::endSending() const { shutdown(socket_, SHUT_WR); }

std::string RawConnection::readAll() const {
  std::string all;
  std::array<char, 4096> part{};
  ssize_t got = 0;
  while ((got = recv(socket_, part.data(), part.size(), 0)) > 0) {
    all.append(part.data(), static_cast<std::size_t>(got));
  }
  return all;
}

}  // namespace strata::testing
