// copilot_server: a chat back end as a service, HTTP and JSON, on Strata's stores.
//
//   ./dev serve                                    in memory, on port 8080
//   DATABASE_URL=… REDIS_URL=… ./dev serve         on servers
//
// docs/copilot_server.md lists the routes and the variables.
#include <spdlog/spdlog.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <string>

#include "examples/copilot_server/application.h"
#include "examples/copilot_server/http_server.h"
#include "examples/copilot_server/service.h"
#include "examples/copilot_server/settings.h"
#include "strata/base/logging.h"

namespace {

constexpr absl::Duration kDrainTimeout = absl::Seconds(10);
constexpr int kUsageError = 2;

std::optional<std::string> fromEnvironment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
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

int serve(const copilot::Settings& settings, copilot::Service& service) {
  EndSignals end;
  if (!settings.identity.isChecked()) {
    strata::log(strata::Severity::kWarning, "copilot_server.identity_unchecked",
                {{"why", "X-Tenant-Id and X-User-Id are believed of everybody on this machine"}});
  }
  copilot::Application application(service, settings);
  auto server = copilot::HttpServer::start(
      {.host = settings.host,
       .port = settings.port,
       .io_threads = settings.io_threads,
       .worker_threads = settings.worker_threads,
       .max_connections = settings.max_connections,
       .heartbeat = settings.heartbeat,
       .lane = copilot::Application::laneOf,
       .handle = [&](const copilot::Request& request) { return application.handle(request); }});
  if (!server.ok()) {
    std::cerr << "copilot_server: " << server.status().message() << "\n";
    return 1;
  }
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
  const auto settings = copilot::settingsFromEnv(fromEnvironment);
  for (const absl::Status& status : {config.status(), settings.status()}) {
    if (!status.ok()) std::cerr << "copilot_server: " << status.message() << "\n";
  }
  if (!config.ok() || !settings.ok()) return kUsageError;
  if (settings->log_requests) spdlog::set_level(spdlog::level::debug);
  auto service = copilot::openService(*config, *settings);
  if (service.ok()) return serve(*settings, **service);
  std::cerr << "copilot_server: " << service.status().message() << "\n";
  return 1;
}

}  // namespace

int main() { return run(); }
