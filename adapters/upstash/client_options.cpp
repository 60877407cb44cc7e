#include "adapters/upstash/client_options.h"

#include <memory>
#include <utility>

#include "adapters/net/tls_session.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

absl::Status checkOptions(const UpstashOptions& options) {
  constexpr absl::Duration kLongest = absl::Hours(1);
  if (options.max_connections == 0) {
    return absl::InvalidArgumentError("upstash: max_connections must be above zero");
  }
  for (const absl::Duration timeout :
       {options.connect_timeout, options.request_timeout, options.idle_timeout}) {
    if (timeout > absl::ZeroDuration() && timeout <= kLongest) continue;
    return absl::InvalidArgumentError(
        "upstash: connect_timeout, request_timeout and idle_timeout must be above zero and at most "
        "an hour");
  }
  return options.token_source == nullptr ? checkUpstashToken(options.token) : absl::OkStatus();
}

}  // namespace

absl::StatusOr<UpstashClient::Options> upstashClientOptions(UpstashOptions options) {
  if (absl::Status checked = checkOptions(options); !checked.ok()) return checked;
  absl::StatusOr<UpstashEndpoint> endpoint = parseUpstashUrl(options.url);
  if (!endpoint.ok()) return endpoint.status();
  std::shared_ptr<const TlsContext> tls;
  if (endpoint->encrypted) {
    auto made = TlsContext::create(options.tls);
    if (!made.ok()) return annotate(made.status(), "upstash");
    tls = *std::move(made);
  }
  return UpstashClient::Options{
      .pool = {.endpoint = *std::move(endpoint),
               .tls = std::move(tls),
               .resolver = options.resolver == nullptr
                               ? nullptr
                               : std::make_shared<Resolver>(options.resolver),
               .max_connections = options.max_connections,
               .connect_timeout = absl::ToChronoNanoseconds(options.connect_timeout),
               .idle_timeout = absl::ToChronoNanoseconds(options.idle_timeout)},
      .token = std::move(options.token),
      .token_source = std::move(options.token_source),
      .request_timeout = absl::ToChronoNanoseconds(options.request_timeout)};
}

absl::Status tryUpstash(UpstashClient& client, const RedisScript& script,
                        const std::vector<std::string>& arguments, Deadline deadline) {
  UpstashCommand command{"EVAL", std::string(script.source), "1",
                         "strata:health:" + std::string(script.sha)};
  command.insert(command.end(), arguments.begin(), arguments.end());
  // Harmless when it is repeated.
  return client.run({&command, 1}, UpstashCallKind::kFencedWrite, deadline).front().status();
}

}  // namespace strata::internal
