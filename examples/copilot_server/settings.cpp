#include "examples/copilot_server/settings.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "examples/copilot_server/address.h"

namespace copilot {
namespace {

constexpr int kMaxPerMinute = 1'000'000;
constexpr std::size_t kMinSecretBytes = 32;

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
    complain(std::string(name) + " is not a number from " + std::to_string(least) + " to " +
             std::to_string(most));
    return otherwise;
  }
  bool flag(const char* name) {
    const std::optional<std::string> text = valueOf(name);
    if (!text || *text == "false" || *text == "0") return false;
    if (*text != "true" && *text != "1") complain(std::string(name) + " is not true or false");
    return true;
  }
  absl::Status status() const {
    return problems_.empty() ? absl::OkStatus() : absl::InvalidArgumentError(problems_);
  }
  void complain(const std::string& problem) {
    if (!problems_.empty()) problems_ += "; ";
    problems_ += problem;
  }
  std::optional<std::string> valueOf(const char* name) const {
    std::optional<std::string> text = environment_(name);
    return text && text->empty() ? std::nullopt : text;
  }

 private:
  const strata::Environment& environment_;
  std::string problems_;
};

using Tokens = absl::StatusOr<std::unique_ptr<TokenVerifier>>;

// Null without a key.
Tokens tokensFrom(const Reader& reader, const std::string& audience) {
  const auto file = reader.valueOf("TOKEN_KEY_FILE");
  const auto secret = reader.valueOf("TOKEN_SECRET");
  if (file && secret) {
    return absl::InvalidArgumentError("TOKEN_KEY_FILE and TOKEN_SECRET are both set");
  }
  if (!file && !secret) return nullptr;
  if (audience.empty()) return absl::InvalidArgumentError("TOKEN_AUDIENCE is missing");
  if (secret) return TokenVerifier::ofSecret(*secret, audience);
  std::ifstream in(*file);
  return TokenVerifier::ofPublicKey({std::istreambuf_iterator<char>(in), {}}, audience);
}

void checkIdentity(Reader& reader, const Settings& settings) {
  const IdentitySettings& identity = settings.identity;
  if (identity.tokens != nullptr && !identity.secret.empty()) {
    reader.complain("GATEWAY_SECRET is set, and a key of tokens too: one of them says who asks");
  }
  if (!AddressSet::parse(settings.host).ok()) reader.complain("HOST is not an address");
  if (!reader.status().ok() || isLoopback(settings.host)) return;
  if (!identity.isChecked()) {
    reader.complain(
        "HOST can be reached from other machines, so the service needs to know whose word counts: "
        "set one of TOKEN_KEY_FILE, TOKEN_SECRET, GATEWAY_SECRET, TRUSTED_PROXIES");
  } else if (identity.trust_forwarded && identity.proxies.empty() && identity.secret.empty()) {
    reader.complain("TRUST_PROXY needs TRUSTED_PROXIES or GATEWAY_SECRET");
  }
}

// Empty: it is not set.
strata::Secret secretFrom(Reader& reader, const char* name) {
  std::string secret = reader.valueOf(name).value_or("");
  if (!secret.empty() && secret.size() < kMinSecretBytes) {
    reader.complain(std::string(name) + " has fewer than 32 characters");
  }
  return secret;
}

void readIdentity(Reader& reader, Settings& settings) {
  IdentitySettings& identity = settings.identity;
  identity.trust_forwarded = reader.flag("TRUST_PROXY");
  identity.secret = secretFrom(reader, "GATEWAY_SECRET");
  auto proxies = AddressSet::parse(reader.valueOf("TRUSTED_PROXIES").value_or(""));
  if (proxies.ok()) {
    identity.proxies = *std::move(proxies);
  } else {
    reader.complain("TRUSTED_PROXIES is not a list of addresses and networks");
  }
  Tokens tokens = tokensFrom(reader, reader.valueOf("TOKEN_AUDIENCE").value_or(""));
  if (tokens.ok()) {
    identity.tokens = *std::move(tokens);
  } else {
    reader.complain("TOKEN_KEY_FILE, TOKEN_SECRET: " + std::string(tokens.status().message()));
  }
  if (reader.status().ok()) checkIdentity(reader, settings);
}

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
  settings.has_max_connections = reader.valueOf("MAX_CONNECTIONS").has_value();
  settings.connections_per_address =
      reader.number("MAX_CONNECTIONS_PER_ADDRESS", 1, 1'000'000, settings.connections_per_address);
  settings.megabytes_per_address =
      reader.number("MAX_MEGABYTES_PER_ADDRESS", 1, 1'000'000, settings.megabytes_per_address);
  settings.probe_port = static_cast<std::uint16_t>(reader.number("PROBE_PORT", 1, 65535, 0));
  settings.admin_secret = secretFrom(reader, "ADMIN_SECRET");
  readIdentity(reader, settings);
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
