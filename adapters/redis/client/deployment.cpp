#include "adapters/redis/client/deployment.h"

#include <utility>

#include "adapters/redis/client/cluster.h"
#include "adapters/redis/client/sentinel_router.h"
#include "adapters/redis/client/url.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

constexpr absl::Duration kLongestTimeout = absl::Hours(1);

bool isTimeout(absl::Duration d) { return d > absl::ZeroDuration() && d <= kLongestTimeout; }

absl::Status checkOptions(const RedisOptions& options) {
  if (options.max_connections == 0) {
    return absl::InvalidArgumentError("redis: max_connections must be above zero");
  }
  if (options.idle_timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("redis: idle_timeout must be above zero");
  }
  return annotate(validate(options.node_breaker), "redis: node_breaker");
}

absl::StatusOr<RedisDeployment> deploymentOf(const RedisOptions& options) {
  absl::StatusOr<RedisDeployment> deployment = parseRedisUrl(options.url);
  if (!deployment.ok()) return deployment;
  RedisLogin& login = deployment->login;
  if (login.password.empty()) login.password = options.password;
  login.password_source = options.password_source;
  if (!login.user.empty() && login.password.empty() && login.password_source == nullptr) {
    return absl::InvalidArgumentError("redis URL: it names a user, and there is no password");
  }
  if (deployment->tls_files == TlsOptions{}) deployment->tls_files = options.tls;
  if (!deployment->connect_timeout) deployment->connect_timeout = options.connect_timeout;
  if (!deployment->command_timeout) deployment->command_timeout = options.command_timeout;
  if (!isTimeout(*deployment->connect_timeout) || !isTimeout(*deployment->command_timeout)) {
    return absl::InvalidArgumentError(
        "redis: connect_timeout and command_timeout must be above zero and at most an hour");
  }
  return deployment;
}

std::shared_ptr<Resolver> resolverOf(const HostResolver& find) {
  return find == nullptr ? nullptr : std::make_shared<Resolver>(find);
}

RedisNodeOptions nodeOptions(const RedisOptions& options, const RedisDeployment& deployment) {
  // Beyond what a time point can be added to, "never" is as good.
  const absl::Duration idle = std::min(options.idle_timeout, absl::Hours(24 * 365));
  return {.login = deployment.login,
          .tls = nullptr,
          .resolver = resolverOf(options.resolver),
          .connections = options.max_connections,
          .connect_timeout = absl::ToChronoNanoseconds(*deployment.connect_timeout),
          .command_timeout = absl::ToChronoNanoseconds(*deployment.command_timeout),
          .idle_timeout = absl::ToChronoNanoseconds(idle)};
}

RedisFinder fixed(std::vector<RedisAddress> addresses) {
  return [addresses = std::move(addresses)](IoTime /*until*/) { return addresses; };
}

}  // namespace

absl::StatusOr<std::shared_ptr<RedisRouter>> makeRedisRouter(const RedisOptions& options,
                                                             std::optional<RedisNodeGuard> guard) {
  if (absl::Status checked = checkOptions(options); !checked.ok()) return checked;
  absl::StatusOr<RedisDeployment> deployment = deploymentOf(options);
  if (!deployment.ok()) return deployment.status();
  RedisNodeOptions node = nodeOptions(options, *deployment);
  if (deployment->tls) {
    auto tls = TlsContext::create(deployment->tls_files);
    if (!tls.ok()) return tls.status();
    node.tls = *std::move(tls);
  }
  const std::string name = deployment->describe();
  switch (deployment->kind) {
    case RedisDeployment::Kind::kCluster:
      node.of_cluster = true;
      node.guard = std::move(guard);
      return std::make_shared<RedisCluster>(deployment->addresses, std::move(node));
    case RedisDeployment::Kind::kSentinel: {
      const RedisSentinels sentinels{.addresses = deployment->addresses,
                                     .master_name = deployment->master_name,
                                     .login = {options.sentinel_user, options.sentinel_password},
                                     .tls = node.tls,
                                     .resolver = node.resolver};
      return std::make_shared<RedisSentinelRouter>(
          sentinels, std::make_shared<RedisNode>(name, askSentinels(sentinels), std::move(node)));
    }
    default:
      return std::make_shared<RedisSingleRouter>(std::make_shared<RedisNode>(
          name, fixed(std::move(deployment->addresses)), std::move(node)));
  }
}

}  // namespace strata::internal
