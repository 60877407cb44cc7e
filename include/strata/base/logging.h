// Strata's log: one line per event, an event name and typed fields, through spdlog.
//
//   strata.cache.invalidated scope=key scanned=1 removed=1 failed=0 status=OK
//
// Lines go to the spdlog logger named "strata" if the application registered one, otherwise to
// spdlog's default logger. Register one to choose level, sink and format; log_formatters.h has
// formatters for logfmt and JSON:
//
//   auto logger = std::make_shared<spdlog::logger>("strata", sink);
//   logger->set_formatter(strata::createJsonLogFormatter());
//   spdlog::register_logger(logger);
//
// docs/logging.md lists the events, their levels and which of them are sampled.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

enum class Severity : std::uint8_t { kDebug, kInfo, kWarning, kError };

// A name and a value: a text, a number or a bool, which the JSON formatter keeps apart. Never a
// secret, never a record.
class LogField {
 public:
  // `name` must outlive the call of log(), and consist of letters, digits, '_' and '.'.
  LogField(std::string_view name, std::string value) : name_(name), text_(std::move(value)) {}
  LogField(std::string_view name, double value);
  // Templates, because a `const char*` converts to a plain bool before it converts to a string.
  template <std::integral Number>
  requires(!std::same_as<Number, bool>) LogField(std::string_view name, Number value)
      : LogField(name, std::to_string(value), Literal{}) {}
  template <std::same_as<bool> Bool>
  LogField(std::string_view name, Bool value)
      : LogField(name, value ? "true" : "false", Literal{}) {}

  std::string_view name() const { return name_; }
  const std::string& text() const { return text_; }
  // Whether the text stands for a number or a bool.
  bool isLiteral() const { return is_literal_; }

 private:
  struct Literal {};
  LogField(std::string_view name, std::string text, Literal)
      : name_(name), text_(std::move(text)), is_literal_(true) {}

  std::string_view name_;
  std::string text_;
  bool is_literal_ = false;
};

// Thread-safe. Never throws: a line that cannot be written is dropped, and so is what a sink throws.
// The sink is called by the calling thread, on the path of requests, without a lock of Strata's, so a
// sink that blocks holds those up. It must not call Strata, which may log: spdlog's sinks are locked.
//
// While the calling thread writes to a pipe or socket whose reading end is closed, SIGPIPE does not end
// the process. That holds for this thread alone. Where another one writes (an asynchronous logger of
// spdlog's, spdlog::flush_every), the application has to ignore SIGPIPE, or block it in that thread.
void log(Severity severity, std::string_view event,
         std::initializer_list<LogField> fields = {}) noexcept;

}  // namespace strata
