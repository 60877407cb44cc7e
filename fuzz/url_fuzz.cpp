// Connection URLs, which people write by hand: Redis, Upstash, PostgreSQL.
#include <string>
#include <string_view>

#include "adapters/postgres/client/conninfo.h"
#include "adapters/redis/client/url.h"
#include "adapters/upstash/url.h"
#include "fuzz/fuzz_target.h"
#include "strata/base/status.h"

namespace strata {
namespace url_fuzz {

using fuzz::expect;

// In the place of a password in each URL that is tried.
constexpr std::string_view kPassword = "Zq7-Secret-Zq7";

void holdsNoPassword(std::string_view text) {
  expect(text.find(kPassword) == std::string_view::npos);
}

void readRedisUrl(const std::string& url) {
  const auto deployment = internal::parseRedisUrl(Secret(url));
  if (!deployment.ok()) return holdsNoPassword(describe(deployment.status()));
  expect(!deployment->addresses.empty());
  for (const internal::RedisAddress& address : deployment->addresses) {
    expect(address.host.empty() != address.socket_path.empty());
  }
}

void readUpstashUrl(const std::string& url) {
  const auto endpoint = internal::parseUpstashUrl(Secret(url));
  if (!endpoint.ok()) return holdsNoPassword(describe(endpoint.status()));
  expect(!endpoint->host.empty() && endpoint->port > 0);
  expect(endpoint->path.empty() || endpoint->path.front() == '/');
  expect(endpoint->path.find_first_of("\r\n ") == std::string::npos);
}

void readConnectionString(const std::string& url) {
  const auto info = postgres::readConnInfo(Secret(url), absl::Seconds(1));
  if (!info.ok()) return holdsNoPassword(describe(info.status()));
  const auto again = postgres::readConnInfo(info->text, absl::Seconds(1));
  expect(again.ok() && again->has_password == info->has_password);
}

void readUrl(const std::string& url) {
  readRedisUrl(url);
  readUpstashUrl(url);
  readConnectionString(url);
}

// Splits the input where a password would stand.
std::string withPassword(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return std::string(text) + ":" + std::string(kPassword) + "@h";
  return std::string(text.substr(0, at)) + ":" + std::string(kPassword) +
         std::string(text.substr(at));
}

}  // namespace url_fuzz
}  // namespace strata

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  strata::url_fuzz::readUrl(std::string(text));
  strata::url_fuzz::readUrl(strata::url_fuzz::withPassword(text));
  return 0;
}
