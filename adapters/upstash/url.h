#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/base/secret.h"

namespace strata::internal {

// Where a REST API is, as its URL says.
struct UpstashEndpoint {
  std::string host;  // without the brackets of an IPv6 address
  std::uint16_t port = 443;
  std::string path;  // "" or "/some/path", without a slash at its end
  bool encrypted = true;

  // "host:port", for messages and, where the port is not the usual one, for the Host header.
  std::string describe() const;
  std::string hostHeader() const;
};

// InvalidArgument: says what is wrong, and quotes nothing of the URL.
absl::StatusOr<UpstashEndpoint> parseUpstashUrl(const Secret& url);

// A bearer token is sent in a header, where nothing else must fit in.
absl::Status checkUpstashToken(const Secret& token);

}  // namespace strata::internal
