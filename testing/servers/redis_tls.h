#pragma once

#include <string>
#include <vector>

#include "strata/testing/servers/test_certificates.h"

namespace strata::testing::internal {

// How a Redis, or a sentinel, is told to show a certificate and whom to trust.
std::vector<std::string> redisTlsArguments(const TestCertificates& files,
                                           const std::string& certificate, const std::string& key,
                                           bool asks_for_certificate);

// The same for servers that speak TLS to each other, too.
std::vector<std::string> redisTlsArgumentsAmongServers(const TestCertificates& files);

}  // namespace strata::testing::internal
