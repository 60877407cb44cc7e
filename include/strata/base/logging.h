// Strata's log: one line per event, an event name and fields, through spdlog.
//
//   strata.cache.unavailable store=flags backend=redis error="connection refused"
//
// It writes to the spdlog logger named "strata" if the application registered one, otherwise to
// spdlog's default logger. Register one to choose level, format and sink:
//
//   spdlog::register_logger(std::make_shared<spdlog::logger>("strata", sink));
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace strata {

enum class Severity : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct LogField {
  std::string_view name;
  // Quoted in the line when it holds a space, a quote or '='. Never a secret, never a record.
  std::string value;
};

// Thread-safe. Never throws.
void log(Severity severity, std::string_view event, std::initializer_list<LogField> fields = {});

}  // namespace strata
