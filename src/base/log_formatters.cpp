#include "strata/base/log_formatters.h"

#include <absl/time/time.h>
#include <spdlog/formatter.h>

#include <memory>
#include <string>
#include <string_view>

#include "src/base/log_line.h"

namespace strata {
namespace {

using internal::appendLogText;
using internal::LogLineReader;

std::string_view viewOf(spdlog::string_view_t text) { return {text.data(), text.size()}; }

std::string timeOf(const spdlog::details::log_msg& message) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E6SZ", absl::FromChrono(message.time),
                          absl::UTCTimeZone());
}

bool isEvent(const spdlog::details::log_msg& message) {
  return message.source.funcname == internal::kEventMark;
}

std::string_view levelOf(const spdlog::details::log_msg& message) {
  return viewOf(spdlog::level::to_string_view(message.level));
}

std::string logfmtLine(const spdlog::details::log_msg& message) {
  std::string line = "time=" + timeOf(message) + " level=";
  line += levelOf(message);
  if (isEvent(message)) {
    line.append(" event=").append(viewOf(message.payload));
  } else {
    line += " message=";
    appendLogText(viewOf(message.payload), line);
  }
  return line;
}

void appendMember(std::string_view name, std::string_view value, std::string& line) {
  line.append(",\"").append(name).append("\":");
  appendLogText(value, line);
}

void appendField(const LogLineReader::Field& field, std::string& line) {
  if (field.is_text && !field.value.starts_with('"')) {
    appendMember(field.name, field.value, line);
  } else {
    line.append(",\"").append(field.name).append("\":").append(field.value);
  }
}

std::string jsonLine(const spdlog::details::log_msg& message) {
  std::string line = "{\"time\":\"" + timeOf(message) + "\"";
  appendMember("level", levelOf(message), line);
  if (!isEvent(message)) {
    appendMember("message", viewOf(message.payload), line);
    return line + "}";
  }
  LogLineReader reader(viewOf(message.payload));
  appendMember("event", reader.event(), line);
  while (const auto field = reader.next()) appendField(*field, line);
  return line + "}";
}

using LineOf = std::string (*)(const spdlog::details::log_msg&);

class LineFormatter final : public spdlog::formatter {
 public:
  explicit LineFormatter(LineOf line_of) : line_of_(line_of) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string line = line_of_(message) + "\n";
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<LineFormatter>(line_of_);
  }

 private:
  LineOf line_of_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> createLogfmtFormatter() {
  return std::make_unique<LineFormatter>(&logfmtLine);
}

std::unique_ptr<spdlog::formatter> createJsonLogFormatter() {
  return std::make_unique<LineFormatter>(&jsonLine);
}

}  // namespace strata
