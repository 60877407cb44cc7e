#include "strata/testing/servers/local_server.h"

#include <fmt/core.h>

#include <utility>

#include "strata/base/status.h"
#include "strata/testing/eventually.h"
#include "testing/servers/free_port.h"
#include "testing/servers/server_process.h"

namespace strata::testing {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(60);
constexpr absl::Duration kStopTimeout = absl::Seconds(60);
constexpr int kPortAttempts = 10;

absl::Status wrongState(const std::string& name, const char* what) {
  return absl::FailedPreconditionError(fmt::format("{} {}", name, what));
}

}  // namespace

LocalServer::LocalServer(internal::Guard& guard, std::string name)
    : name_(std::move(name)),
      process_(std::make_unique<internal::ServerProcess>(
          guard, fmt::format("{}/{}.log", guard.folder(), name_))) {}

LocalServer::~LocalServer() = default;

std::uint16_t LocalServer::port() const { return proxy_ == nullptr ? own_port_ : proxy_->port(); }
int LocalServer::pid() const { return process_->pid(); }

absl::Status LocalServer::startOnFreePort(bool proxied) {
  absl::Status status;
  for (int attempt = 0; attempt < kPortAttempts; ++attempt) {
    own_port_ = internal::freePort();
    do {
      spare_port_ = internal::freePort();
    } while (spare_port_ == own_port_);
    status = start();
    if (status.ok() || process_->logTail().find("already in use") == std::string::npos) break;
  }
  if (!status.ok() || !proxied) return status;
  absl::StatusOr<std::unique_ptr<TcpProxy>> proxy = TcpProxy::start(own_port_);
  if (!proxy.ok()) return proxy.status();
  proxy_ = *std::move(proxy);
  return absl::OkStatus();
}

absl::Status LocalServer::start() {
  if (pid() != 0) return wrongState(name_, "runs already");
  frozen_ = false;
  if (absl::Status status = process_->spawn(commandLine()); !status.ok()) return status;
  const bool ready =
      eventually([this] { return process_->pid() == 0 || answers(); }, kStartTimeout);
  if (ready && pid() != 0) return absl::OkStatus();
  process_->killAll();
  return absl::InternalError(
      fmt::format("{} does not start; its log ends with:\n{}", name_, process_->logTail()));
}

absl::Status LocalServer::kill() {
  if (pid() == 0) return wrongState(name_, "does not run");
  process_->killAll();
  frozen_ = false;
  return absl::OkStatus();
}

absl::Status LocalServer::stop() {
  if (pid() == 0) return wrongState(name_, "does not run");
  process_->resumeAll();
  frozen_ = false;
  process_->signal(stopSignal());
  if (process_->waitForEnd(kStopTimeout)) return absl::OkStatus();
  return absl::DeadlineExceededError(name_ + " does not stop");
}

absl::Status LocalServer::restart() {
  if (absl::Status status = stop(); !status.ok()) return status;
  return start();
}

absl::Status LocalServer::freeze() {
  if (pid() == 0) return wrongState(name_, "does not run");
  process_->freezeAll();
  frozen_ = true;
  return absl::OkStatus();
}

absl::Status LocalServer::resume() {
  if (pid() == 0) return wrongState(name_, "does not run");
  process_->resumeAll();
  frozen_ = false;
  return absl::OkStatus();
}

absl::Status LocalServer::cutOff(TcpProxy::Mode how) {
  if (proxy_ == nullptr) return wrongState(name_, "was not started as `proxied`");
  proxy_->setMode(how);
  return absl::OkStatus();
}

absl::Status LocalServer::reconnect() {
  if (proxy_ == nullptr) return wrongState(name_, "was not started as `proxied`");
  proxy_->heal();
  return absl::OkStatus();
}

}  // namespace strata::testing
