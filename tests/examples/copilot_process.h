// CopilotProcess: the example service as a program of its own, which ends with the test.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/examples/http_client.h"

namespace strata::testing {

struct User {
  std::string tenant;
  std::string id;
};

class CopilotProcess {
 public:
  // `environment`: "NAME=value". Null when it does not come up; the test's output tells why.
  static std::unique_ptr<CopilotProcess> start(const std::vector<std::string>& environment = {});
  ~CopilotProcess();

  std::uint16_t port() const { return port_; }
  const std::string& folder() const { return guard_->folder(); }
  internal::Guard& guard() { return *guard_; }
  internal::ServerProcess& process() { return *process_; }

  // A request of nobody.
  HttpReply ask(const std::string& path, std::vector<std::string> curl_arguments = {}) const;
  // Requests of a user.
  HttpReply get(const User& user, const std::string& path) const;
  HttpReply send(const User& user, const std::string& method, const std::string& path,
                 const std::string& body = "") const;
  std::unique_ptr<EventReader> follow(const User& user, const std::string& path);

 private:
  explicit CopilotProcess(std::unique_ptr<internal::Guard> guard);
  bool comesUp(const std::vector<std::string>& environment);
  std::string url(const std::string& path) const;

  std::unique_ptr<internal::Guard> guard_;
  std::unique_ptr<internal::ServerProcess> process_;
  std::uint16_t port_ = 0;
  int readers_ = 0;
};

// A token of this user for the audience "strata", signed by HS256, until a second of Unix time: for a
// very long time.
std::string tokenOf(const User& user, const std::string& key,
                    std::int64_t expires = 32'503'680'000);

// The program with this environment, run to its end: exit code and output.
struct CopilotRun {
  int exit_code = -1;
  std::string output;
};
CopilotRun runCopilot(const std::vector<std::string>& environment);

}  // namespace strata::testing
