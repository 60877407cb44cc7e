#include "strata/factories/app.h"

#include <fmt/format.h>

namespace strata {

std::string appOf(const Config& config) {
  return config.app.empty() ? std::string(kDomainApp) : config.app;
}

absl::Status requireApp(const Config& config, std::string_view user) {
  if (!config.app.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "{}: a cache server is configured, but neither STRATA_APP nor Config::app is set: set one of "
      "them to the name of this application, which no other application on that server has; its "
      "keys begin with it",
      user));
}

Config withDomainApp(Config config) {
  config.app = appOf(config);
  return config;
}

}  // namespace strata
