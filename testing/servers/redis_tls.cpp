#include "testing/servers/redis_tls.h"

namespace strata::testing::internal {

std::vector<std::string> redisTlsArguments(const TestCertificates& files,
                                           const std::string& certificate, const std::string& key,
                                           bool asks_for_certificate) {
  return {"--tls-cert-file",    certificate,
          "--tls-key-file",     key,
          "--tls-ca-cert-file", files.caFile(),
          "--tls-auth-clients", asks_for_certificate ? "yes" : "no"};
}

std::vector<std::string> redisTlsArgumentsAmongServers(const TestCertificates& files) {
  std::vector<std::string> arguments = redisTlsArguments(
      files, files.serverCertificateFile(), files.serverKeyFile(), /*asks_for_certificate=*/false);
  // A node of a cluster asks the others for a client's certificate, whatever clients are asked.
  arguments.insert(arguments.end(),
                   {"--tls-replication", "yes", "--tls-client-cert-file",
                    files.clientCertificateFile(), "--tls-client-key-file", files.clientKeyFile()});
  return arguments;
}

}  // namespace strata::testing::internal
