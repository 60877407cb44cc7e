#include "tests/examples/copilot_process.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "absl/strings/escaping.h"
#include "strata/testing/eventually.h"
#include "testing/servers/free_port.h"

namespace strata::testing {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(30);

// What the test's own environment says about servers is none of the service's business.
std::vector<std::string> commandLine(const std::vector<std::string>& environment) {
  std::vector<std::string> command = {"env",
                                      "DATABASE_URL=",
                                      "REDIS_URL=",
                                      "STRATA_APP=",
                                      "CACHE_PROVIDER=",
                                      "EVENT_HUB_PROVIDER=",
                                      "RATE_LIMIT_PROVIDER=",
                                      "HOST=",
                                      "LOG_LEVEL=",
                                      "ADMIN_SECRET=",
                                      "PROBE_PORT=",
                                      "GATEWAY_SECRET=",
                                      "TRUSTED_PROXIES=",
                                      "TRUST_PROXY=",
                                      "TOKEN_KEY_FILE=",
                                      "TOKEN_SECRET=",
                                      "TOKEN_AUDIENCE=",
                                      "DRAIN_DELAY_SECONDS="};
  command.insert(command.end(), environment.begin(), environment.end());
  command.emplace_back(STRATA_COPILOT_SERVER);
  return command;
}

std::vector<std::string> identityOf(const User& user) {
  return {"-H", "X-Tenant-Id: " + user.tenant, "-H", "X-User-Id: " + user.id};
}

}  // namespace

CopilotProcess::CopilotProcess(std::unique_ptr<internal::Guard> guard) : guard_(std::move(guard)) {}

CopilotProcess::~CopilotProcess() {
  if (::testing::Test::HasFailure() && process_ != nullptr) {
    std::fprintf(stderr, "copilot_server said:\n%s\n", process_->logTail().c_str());
  }
}

bool CopilotProcess::comesUp(const std::vector<std::string>& environment) {
  port_ = internal::freePort();
  process_ = std::make_unique<internal::ServerProcess>(*guard_, folder() + "/server.log");
  std::vector<std::string> all = environment;
  all.push_back("PORT=" + std::to_string(port_));
  if (!process_->spawn(commandLine(all)).ok()) return false;
  const auto is_up_or_over = [&] {
    return process_->pid() == 0 || process_->logTail().find("listening on") != std::string::npos;
  };
  return eventually(is_up_or_over, kStartTimeout) && process_->pid() != 0;
}

std::unique_ptr<CopilotProcess> CopilotProcess::start(const std::vector<std::string>& environment) {
  auto guard = internal::Guard::start();
  if (!guard.ok()) return nullptr;
  std::unique_ptr<CopilotProcess> server(new CopilotProcess(*std::move(guard)));
  // Somebody else may take the port meanwhile.
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (server->comesUp(environment)) return server;
  }
  std::fprintf(stderr, "copilot_server does not start:\n%s\n", server->process_->logTail().c_str());
  return nullptr;
}

std::string CopilotProcess::url(const std::string& path) const {
  return "http://127.0.0.1:" + std::to_string(port_) + path;
}

HttpReply CopilotProcess::ask(const std::string& path,
                              std::vector<std::string> curl_arguments) const {
  curl_arguments.push_back(url(path));
  return curl(folder(), curl_arguments);
}

HttpReply CopilotProcess::get(const User& user, const std::string& path) const {
  return ask(path, identityOf(user));
}

HttpReply CopilotProcess::send(const User& user, const std::string& method, const std::string& path,
                               const std::string& body) const {
  std::vector<std::string> arguments = identityOf(user);
  arguments.insert(arguments.end(), {"-X", method, "-H", "Content-Type: application/json"});
  if (!body.empty()) arguments.insert(arguments.end(), {"--data-binary", body});
  return ask(path, arguments);
}

std::unique_ptr<EventReader> CopilotProcess::follow(const User& user, const std::string& path) {
  std::vector<std::string> arguments = identityOf(user);
  arguments.push_back(url(path));
  return std::make_unique<EventReader>(*guard_, folder() + "/events-" + std::to_string(++readers_),
                                       arguments);
}

std::string tokenOf(const User& user, const std::string& key, std::int64_t expires) {
  const auto encoded = [](const std::string& bytes) {
    std::string text;
    absl::WebSafeBase64Escape(bytes, &text);
    return text.substr(0, text.find('='));
  };
  const std::string claims = R"({"aud": "strata", "exp": )" + std::to_string(expires) +
                             R"(, "tenant_id": ")" + user.tenant + R"(", "sub": ")" + user.id +
                             "\"}";
  const std::string text = encoded(R"({"alg":"HS256"})") + "." + encoded(claims);
  std::array<unsigned char, 32> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
  return text + "." + encoded({mac.begin(), mac.end()});
}

CopilotRun runCopilot(const std::vector<std::string>& environment) {
  auto guard = internal::Guard::start();
  if (!guard.ok()) return {};
  internal::ServerProcess process(**guard, (*guard)->folder() + "/server.log");
  if (!process.spawn(commandLine(environment)).ok()) return {};
  if (!process.waitForEnd(kStartTimeout)) return {};
  return {process.exitCode(), process.logTail()};
}

}  // namespace strata::testing
