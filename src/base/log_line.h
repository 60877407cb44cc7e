// The text of an event between log(), which writes it, and the formatters, which read it.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "strata/base/logging.h"

namespace strata::internal {

// log() passes this pointer as the function name of spdlog's source location, which is how a
// formatter tells an event from a line of the application. Asynchronous loggers keep it.
extern const char* const kEventMark;

// As a quoted string of JSON and logfmt. Each byte of a text that is not UTF-8 becomes U+FFFD.
void appendLogText(std::string_view text, std::string& out);

// `event name=value …`, where a value is quoted unless it is a literal or an unambiguous word.
std::string logLine(std::string_view event, std::initializer_list<LogField> fields);

// Takes the fields of such a line apart again, without its event.
class LogLineReader {
 public:
  explicit LogLineReader(std::string_view line);

  std::string_view event() const { return event_; }

  struct Field {
    std::string_view name;
    // As it stands in the line: with its quotes, if it has them.
    std::string_view value;
    bool is_text = false;
  };
  // None at the end of the line.
  std::optional<Field> next();

 private:
  std::string_view event_;
  std::string_view rest_;
};

}  // namespace strata::internal
