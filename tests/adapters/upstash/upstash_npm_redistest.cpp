// Whether the tests' proxy is a faithful one: the official client of Upstash, from npm, runs
// against it. It needs Node.js, npm and, the first time, the network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "strata/testing/servers/local_servers.h"
#include "strata/testing/servers/test_certificates.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/upstash/upstash_proxy.h"

namespace strata::testing {
namespace {

namespace fs = std::filesystem;

// The exit code of a shell command, whose output goes to this test's.
int run(const std::string& command) {
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The client in a folder of the build, exactly as the lock file says.
class UpstashNpmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_);
    for (const char* name : {"package.json", "package-lock.json", "check.mjs"}) {
      fs::copy_file(fs::path(STRATA_UPSTASH_NPM_SOURCE) / name, folder_ / name,
                    fs::copy_options::overwrite_existing);
    }
    ASSERT_EQ(run(inFolder("npm ci --ignore-scripts --prefer-offline --no-audit --no-fund "
                           "--no-update-notifier --loglevel=error")),
              0)
        << "npm could not install @upstash/redis; is it there, and the network?";
  }
  std::string inFolder(const std::string& command) const {
    return "cd '" + folder_.string() + "' && " + command;
  }
  // Runs the client's checks against `proxy`.
  int check(const UpstashProxy& proxy, const std::string& environment = "") const {
    return run(inFolder(environment + " node check.mjs '" + proxy.url() +
                        "' the-token the-read-only-token"));
  }

  const fs::path folder_ = STRATA_UPSTASH_NPM_BUILD;
  LocalRedis& redis_ = sharedServers().redis();
};

TEST_F(UpstashNpmTest, TheOfficialClientFindsInTheProxyWhatItExpectsOfTheService) {
  const auto proxy = UpstashProxy::start({.redis_socket = redis_.socketPath()});
  EXPECT_EQ(check(*proxy), 0);
  const std::vector<std::string> sent = proxy->syncTokens();
  EXPECT_THAT(sent, ::testing::Contains(::testing::StartsWith("token-")))
      << "it sends back what the proxy told it";
}

TEST_F(UpstashNpmTest, TheOfficialClientSpeaksToItOverTlsToo) {
  ASSERT_OK_AND_ASSIGN(const TestCertificates certificates,
                       TestCertificates::create((folder_ / "certificates").string()));
  ASSERT_OK(redis_.command({"FLUSHALL"}));
  const auto proxy = UpstashProxy::start({.redis_socket = redis_.socketPath(),
                                          .certificate_file = certificates.serverCertificateFile(),
                                          .key_file = certificates.serverKeyFile()});
  EXPECT_EQ(check(*proxy, "NODE_EXTRA_CA_CERTS='" + certificates.caFile() + "'"), 0);
}

}  // namespace
}  // namespace strata::testing
