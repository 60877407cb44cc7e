#include "strata/base/logging.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <cmath>
#include <memory>

#include "src/base/log_line.h"
#include "src/base/no_sigpipe.h"

namespace strata {
namespace {

spdlog::level::level_enum levelOf(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return spdlog::level::debug;
    case Severity::kInfo:
      return spdlog::level::info;
    case Severity::kWarning:
      return spdlog::level::warn;
    case Severity::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

void write(Severity severity, std::string_view event, std::initializer_list<LogField> fields) {
  std::shared_ptr<spdlog::logger> logger = spdlog::get("strata");
  if (logger == nullptr) logger = spdlog::default_logger();
  const auto level = levelOf(severity);
  if (logger == nullptr || !logger->should_log(level)) return;
  const std::string line = internal::logLine(event, fields);
  const internal::NoSigpipe no_sigpipe;
  // Without a line number, which spdlog takes for no location: no pattern shows the mark but %!.
  logger->log(spdlog::source_loc(nullptr, 0, internal::kEventMark), level,
              spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

LogField::LogField(std::string_view name, double value)
    : name_(name), text_(fmt::format("{}", value)), is_literal_(std::isfinite(value)) {}

void log(Severity severity, std::string_view event,
         std::initializer_list<LogField> fields) noexcept {
  try {
    write(severity, event, fields);
  } catch (...) {
    // There is nowhere to report it: spdlog's error handler has heard of what a sink threw.
  }
}

}  // namespace strata
