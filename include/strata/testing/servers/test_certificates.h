// TestCertificates: certificates for testing what speaks TLS, made anew in a folder.
//
//   auto certificates = TestCertificates::create(folder);
//   ASSERT_THAT(certificates, IsOk());
//   RedisOptions{.url = "rediss://localhost:6390", .tls = {.ca_file = certificates->caFile()}};
//
// All are PEM files with keys on the curve P-256, valid for a week, so making them takes
// milliseconds. Keys have mode 0600 and no passphrase. A server of LocalServers comes with its own:
// LocalServers::certificates(). Not for: production; nobody keeps the authority's key safe.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace strata::testing {

// What it names are files that others may read at any time. Copies name the same files, which stay
// when it is destroyed.
class TestCertificates {
 public:
  // Makes the folder if there is none. Replaces what is there. Internal: a file cannot be written.
  static absl::StatusOr<TestCertificates> create(const std::string& folder);

  // The authority that signed all of the below.
  std::string caFile() const { return path("ca.crt"); }
  // An authority that signed nothing but itself.
  std::string otherCaFile() const { return path("other-ca.crt"); }

  // For "localhost", 127.0.0.1 and ::1.
  std::string serverCertificateFile() const { return path("server.crt"); }
  std::string serverKeyFile() const { return path("server.key"); }
  // For the same names, but its time was over yesterday.
  std::string expiredCertificateFile() const { return path("expired.crt"); }
  std::string expiredKeyFile() const { return path("expired.key"); }
  // For "other.example" only.
  std::string otherHostCertificateFile() const { return path("other-host.crt"); }
  std::string otherHostKeyFile() const { return path("other-host.key"); }

  // For clients: its common name is "strata-test-client".
  std::string clientCertificateFile() const { return path("client.crt"); }
  std::string clientKeyFile() const { return path("client.key"); }

 private:
  explicit TestCertificates(std::string folder) : folder_(std::move(folder)) {}
  std::string path(const char* name) const { return folder_ + "/" + name; }

  std::string folder_;
};

}  // namespace strata::testing
