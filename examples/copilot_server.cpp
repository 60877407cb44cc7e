// copilot_server: a chat back end as a service, HTTP and JSON, on Strata's stores.
//
//   ./dev serve                                    in memory, on port 8080
//   DATABASE_URL=… REDIS_URL=… ./dev serve         on servers
//
// docs/copilot_server.md lists the routes and the variables.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "examples/copilot_server/application.h"
#include "examples/copilot_server/file_limit.h"
#include "examples/copilot_server/http_server.h"
#include "examples/copilot_server/service.h"
#include "examples/copilot_server/settings.h"
#include "strata/adapters/probes/probe_server.h"
#include "strata/base/logging.h"

namespace {

constexpr absl::Duration kDrainTimeout = absl::Seconds(10);
constexpr int kUsageError = 2;
constexpr int kReservedConnections = 16;

std::optional<std::string> fromEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

int failed(const absl::Status& status, int exit_code) {
  std::cerr << "copilot_server: " << status.message() << "\n";
  return exit_code;
}

// The default is lowered to what the system allows; a number that was asked for is not.
absl::Status fitConnections(copilot::Settings& settings) {
  const int fit = copilot::connectionsThatFit(settings.max_connections + kReservedConnections) -
                  kReservedConnections;
  if (fit >= settings.max_connections) return absl::OkStatus();
  if (settings.has_max_connections || fit <= 0) {
    return absl::InvalidArgumentError(
        "MAX_CONNECTIONS is " + std::to_string(settings.max_connections) +
        ", and the limit of open files (RLIMIT_NOFILE) leaves room for " +
        std::to_string(std::max(fit, 0)));
  }
  strata::log(strata::Severity::kWarning, "copilot_server.fewer_connections",
              {{"why", "RLIMIT_NOFILE"}, {"max_connections", fit}});
  settings.max_connections = fit;
  return absl::OkStatus();
}

// An orchestrator sends SIGTERM, a terminal SIGINT. A second one ends the process at once.
class EndSignals {
 public:
  EndSignals() : signals_(context_, SIGTERM, SIGINT) {}
  void wait() {
    signals_.async_wait([](const boost::system::error_code&, int) {});
    context_.run();
    signals_.clear();
  }

 private:
  boost::asio::io_context context_;
  boost::asio::signal_set signals_;
};

// Null without PROBE_PORT.
absl::StatusOr<std::unique_ptr<strata::ProbeServer>> startProbes(const copilot::Settings& settings,
                                                                 const copilot::Service& service) {
  if (settings.probe_port == 0) return nullptr;
  return strata::ProbeServer::start(service.probes,
                                    {.address = settings.host, .port = settings.probe_port});
}

absl::StatusOr<std::unique_ptr<copilot::HttpServer>> startServer(
    const copilot::Settings& settings, copilot::Application& application) {
  return copilot::HttpServer::start(
      {.host = settings.host,
       .port = settings.port,
       .io_threads = settings.io_threads,
       .worker_threads = settings.worker_threads,
       .max_connections = settings.max_connections,
       .reserved_connections = settings.probe_port == 0 ? kReservedConnections : 0,
       .connections_per_address = settings.connections_per_address,
       .bytes_per_address = static_cast<std::size_t>(settings.megabytes_per_address) << 20U,
       .proxies = settings.identity.proxies,
       .heartbeat = settings.heartbeat,
       .lane = copilot::Application::laneOf,
       .admit = [&](const copilot::Request& request) { return application.admit(request); }});
}

int serve(const copilot::Settings& settings, copilot::Service& service) {
  EndSignals end;
  if (!settings.identity.isChecked()) {
    strata::log(strata::Severity::kWarning, "copilot_server.identity_unchecked",
                {{"why", "X-Tenant-Id and X-User-Id are believed of everybody on this machine"}});
  }
  const auto probe_server = startProbes(settings, service);
  if (!probe_server.ok()) return failed(probe_server.status(), 1);
  copilot::Application application(service, settings);
  const auto server = startServer(settings, application);
  if (!server.ok()) return failed(server.status(), 1);
  std::cout << "copilot_server: listening on http://" << settings.host << ":" << (*server)->port()
            << std::endl;  // now, also where it is a file
  end.wait();
  strata::log(strata::Severity::kInfo, "copilot_server.draining");
  service.probes->beginDrain();
  (*server)->beginDrain();
  strata::Clock::system().sleepFor(settings.drain_delay);
  if ((*server)->drain(kDrainTimeout)) return 0;
  strata::log(strata::Severity::kWarning, "copilot_server.gave_up",
              {{"why", "connections did not end"}});
  spdlog::default_logger()->flush();
  std::_Exit(0);  // their handlers still use what a return would destroy
}

int run() {
  const auto config = strata::configFromEnv();
  auto settings = copilot::settingsFromEnv(fromEnvironment);
  for (const absl::Status& status : {config.status(), settings.status()}) {
    if (!status.ok()) std::cerr << "copilot_server: " << status.message() << "\n";
  }
  if (!config.ok() || !settings.ok()) return kUsageError;
  if (absl::Status status = fitConnections(*settings); !status.ok()) {
    return failed(status, kUsageError);
  }
  if (settings->log_requests) spdlog::set_level(spdlog::level::debug);
  auto service = copilot::openService(*config, *settings);
  if (service.ok()) return serve(*settings, **service);
  return failed(service.status(), 1);
}

}  // namespace

int main() {
  // Nor does a write to a log that nobody reads any more, or to a client that is gone, end it.
  std::signal(SIGPIPE, SIG_IGN);
  return run();
}
