#include "examples/copilot_server/settings.h"

#include <charconv>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace copilot {
namespace {

constexpr int kMaxPerMinute = 1'000'000;

class Reader {
 public:
  explicit Reader(const strata::Environment& environment) : environment_(environment) {}

  int number(const char* name, int least, int most, int otherwise) {
    const std::optional<std::string> text = valueOf(name);
    if (!text) return otherwise;
    int value = 0;
    const char* const end = text->data() + text->size();
    const auto [stopped, error] = std::from_chars(text->data(), end, value);
    if (error == std::errc() && stopped == end && value >= least && value <= most) return value;
    complain(name, "a number from " + std::to_string(least) + " to " + std::to_string(most));
    return otherwise;
  }
  bool flag(const char* name) {
    const std::optional<std::string> text = valueOf(name);
    if (!text || *text == "false" || *text == "0") return false;
    if (*text != "true" && *text != "1") complain(name, "true or false");
    return true;
  }
  std::optional<std::string> valueOf(const char* name) const {
    std::optional<std::string> text = environment_(name);
    return text && text->empty() ? std::nullopt : text;
  }
  absl::Status status() const {
    return problems_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(problems_);
  }

 private:
  void complain(const char* name, const std::string& expected) {
    if (!problems_.empty()) problems_ += "; ";
    problems_ += std::string(name) + " is not " + expected;
  }

  const strata::Environment& environment_;
  std::string problems_;
};

}  // namespace

absl::StatusOr<Settings> settingsFromEnv(const strata::Environment& environment) {
  Reader reader(environment);
  Settings settings;
  settings.host = reader.valueOf("HOST").value_or(settings.host);
  settings.port = static_cast<std::uint16_t>(reader.number("PORT", 0, 65535, settings.port));
  settings.io_threads = reader.number("IO_THREADS", 1, 64, settings.io_threads);
  settings.worker_threads = reader.number("WORKER_THREADS", 1, 1024, settings.worker_threads);
  settings.max_connections =
      reader.number("MAX_CONNECTIONS", 1, 1'000'000, settings.max_connections);
  settings.trust_proxy = reader.flag("TRUST_PROXY");
  settings.global_per_minute =
      reader.number("RATE_LIMIT_GLOBAL_PER_MINUTE", 1, kMaxPerMinute, settings.global_per_minute);
  settings.writes_per_minute =
      reader.number("RATE_LIMIT_WRITE_PER_MINUTE", 1, kMaxPerMinute, settings.writes_per_minute);
  settings.contexts_per_minute =
      reader.number("RATE_LIMIT_AI_PER_MINUTE", 1, kMaxPerMinute, settings.contexts_per_minute);
  settings.heartbeat = absl::Seconds(reader.number("HEARTBEAT_SECONDS", 1, 3600, 15));
  settings.drain_delay = absl::Seconds(reader.number("DRAIN_DELAY_SECONDS", 0, 3600, 0));
  settings.log_requests = reader.valueOf("LOG_LEVEL") == "debug";
  if (absl::Status status = reader.status(); !status.ok()) return status;
  return settings;
}

}  // namespace copilot
