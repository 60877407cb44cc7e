// Formatters of spdlog for log lines that a machine reads: logfmt and JSON, one line each.
//
//   time=2026-01-31T12:00:00.123456Z level=warning event=strata.redis.server_replaced server=…
//   {"time":"2026-01-31T12:00:00.123456Z","level":"warning","event":"strata.redis.server_replaced",…}
//
// The fields of a Strata event become fields of the line: numbers and bools stay numbers and bools in
// JSON. A line of the application in the same logger has `message` instead of `event`. Texts are
// escaped, so that no value can forge a line or a field; bytes that are not UTF-8 become U+FFFD.
// Works with asynchronous loggers.
#pragma once

#include <memory>

namespace spdlog {
class formatter;
}

namespace strata {

// For logger->set_formatter() or sink->set_formatter(). Include <spdlog/formatter.h> to use them.
std::unique_ptr<spdlog::formatter> createLogfmtFormatter();
std::unique_ptr<spdlog::formatter> createJsonLogFormatter();

}  // namespace strata
