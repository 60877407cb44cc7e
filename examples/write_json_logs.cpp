// Writes what Strata logs as JSON, one object a line, to standard error.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "strata/base/log_formatters.h"
#include "strata/base/logging.h"

int main() {
  auto logger =
      std::make_shared<spdlog::logger>("strata", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(strata::createJsonLogFormatter());
  logger->set_level(spdlog::level::info);
  spdlog::register_logger(logger);

  strata::log(strata::Severity::kInfo, "example.started", {{"port", 8080}, {"host", "localhost"}});
}
