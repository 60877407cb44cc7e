// TlsOptions: whom to trust, and how to prove who we are, on an encrypted connection.
//
//   RedisOptions{.url = "rediss://cache.internal", .tls = {.ca_file = "/etc/ssl/private-ca.pem"}}
//
// The server's certificate and its host name are always verified; there is no option against it.
#pragma once

#include <string>

namespace strata {

// Files are PEM, and are read once, when the client is created.
struct TlsOptions {
  // The authorities to trust. Empty: those of the system.
  std::string ca_file = {};
  // For servers that ask clients for a certificate: both or neither. The key has no passphrase.
  std::string certificate_file = {};
  std::string private_key_file = {};

  friend bool operator==(const TlsOptions&, const TlsOptions&) = default;
};

}  // namespace strata
