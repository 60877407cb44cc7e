#include "strata/testing/servers/local_servers.h"

#include <fmt/core.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <utility>

#include "testing/servers/local_guard.h"
#include "testing/servers/redis_tls.h"
#include "testing/servers/server_process.h"

namespace strata::testing {
namespace {

std::unique_ptr<LocalServers> startOrDie(LocalServersOptions options) {
  absl::StatusOr<std::unique_ptr<LocalServers>> servers = LocalServers::start(std::move(options));
  if (servers.ok()) return *std::move(servers);
  fmt::print(stderr, "cannot start the servers of this test program: {}\n",
             std::string(servers.status().message()));
  std::exit(EXIT_FAILURE);
}

std::vector<std::string> tlsArguments(const TestCertificates& files,
                                      const LocalServersOptions& options) {
  std::string certificate = files.serverCertificateFile();
  std::string key = files.serverKeyFile();
  if (options.redis_certificate == ServerCertificate::kExpired) {
    certificate = files.expiredCertificateFile();
    key = files.expiredKeyFile();
  } else if (options.redis_certificate == ServerCertificate::kOtherHost) {
    certificate = files.otherHostCertificateFile();
    key = files.otherHostKeyFile();
  }
  return internal::redisTlsArguments(files, certificate, key, options.redis_asks_for_certificate);
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalServers>> LocalServers::start(LocalServersOptions options) {
  absl::StatusOr<std::unique_ptr<internal::Guard>> guard = internal::Guard::start();
  if (!guard.ok()) return guard.status();
  std::unique_ptr<LocalServers> servers(new LocalServers(*std::move(guard)));
  if (absl::Status status = servers->startAll(std::move(options)); !status.ok()) return status;
  return servers;
}

LocalServers::LocalServers(std::unique_ptr<internal::Guard> guard) : guard_(std::move(guard)) {}

// The servers go before the guard, which then ends their processes.
LocalServers::~LocalServers() = default;

absl::Status LocalServers::startAll(LocalServersOptions options) {
  if (options.redis_tls) {
    if (absl::Status status = makeCertificates(); !status.ok()) return status;
  }
  if (options.postgres) {
    if (absl::Status status = startPostgres(options); !status.ok()) return status;
  }
  if (options.redis) {
    if (absl::Status status = startRedis(options); !status.ok()) return status;
  }
  return options.twemproxy ? startTwemproxy() : absl::OkStatus();
}

absl::Status LocalServers::makeCertificates() {
  absl::StatusOr<TestCertificates> made =
      TestCertificates::create(guard_->folder() + "/certificates");
  if (!made.ok()) return made.status();
  certificates_ = *std::move(made);
  return absl::OkStatus();
}

absl::Status LocalServers::startPostgres(LocalServersOptions& options) {
  postgres_.reset(new LocalPostgres(*guard_, "postgres", std::move(options.postgres_settings),
                                    options.client_timeout));
  if (absl::Status status = postgres_->initialise(); !status.ok()) return status;
  return postgres_->startOnFreePort(options.proxied);
}

absl::Status LocalServers::startRedis(LocalServersOptions& options) {
  std::vector<std::string> arguments;
  if (options.redis_tls) arguments = tlsArguments(*certificates_, options);
  arguments.insert(arguments.end(), options.redis_args.begin(), options.redis_args.end());
  redis_.reset(new LocalRedis(*guard_, {.password = std::move(options.redis_password),
                                        .arguments = std::move(arguments),
                                        .tls = options.redis_tls,
                                        .client_timeout = options.client_timeout}));
  if (absl::Status status = redis_->initialise(); !status.ok()) return status;
  return redis_->startOnFreePort(options.proxied);
}

absl::Status LocalServers::startTwemproxy() {
  twemproxy_.reset(new LocalTwemproxy(*guard_, redis_->port()));
  if (absl::Status status = twemproxy_->initialise(); !status.ok()) return status;
  return twemproxy_->startOnFreePort(/*proxied=*/false);
}

const std::string& LocalServers::folder() const { return guard_->folder(); }

LocalPostgres& SharedServers::postgres() {
  std::call_once(postgres_started_, [this] {
    postgres_ = startOrDie({.postgres = true, .client_timeout = kPatience});
  });
  return postgres_->postgres();
}

LocalRedis& SharedServers::redis() {
  std::call_once(redis_started_,
                 [this] { redis_ = startOrDie({.redis = true, .client_timeout = kPatience}); });
  return redis_->redis();
}

SharedServers& sharedServers() {
  static SharedServers servers;
  return servers;
}

}  // namespace strata::testing
