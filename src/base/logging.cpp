#include "strata/base/logging.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

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

bool needsQuotes(std::string_view value) {
  const auto is_special = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\';
  };
  return value.empty() || std::any_of(value.begin(), value.end(), is_special);
}

// On one line whatever the value holds, so that nobody can forge a line of the log.
void appendQuoted(std::string& line, std::string_view value) {
  line += '"';
  for (char c : value) {
    if (c == '"' || c == '\\') line += '\\';
    line += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  line += '"';
}

}  // namespace

void log(Severity severity, std::string_view event, std::initializer_list<LogField> fields) {
  std::shared_ptr<spdlog::logger> logger = spdlog::get("strata");
  if (logger == nullptr) logger = spdlog::default_logger();
  const auto level = levelOf(severity);
  if (logger == nullptr || !logger->should_log(level)) return;
  std::string line(event);
  for (const LogField& field : fields) {
    line.append(" ").append(field.name).append("=");
    if (needsQuotes(field.value)) {
      appendQuoted(line, field.value);
    } else {
      line += field.value;
    }
  }
  logger->log(level, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace strata
