// The program of README: with neither DATABASE_URL nor REDIS_URL set it keeps its flags in memory.
#include <iostream>

#include "feature_flag.h"
#include "strata/strata.h"

namespace {

absl::Status run() {
  auto config = strata::configFromEnv();
  if (!config.ok()) return config.status();
  auto backends = strata::connect(*config);
  if (!backends.ok()) return backends.status();
  auto flags = strata::createStore<FeatureFlag>(*backends, {.cache_ttl = absl::Minutes(5)});
  if (!flags.ok()) return flags.status();

  auto version = (*flags)->put({.name = "checkout-v2", .enabled = true, .audiences = {"beta"}});
  if (!version.ok()) return version.status();
  auto flag = (*flags)->get("checkout-v2");
  if (!flag.ok()) return flag.status();
  if (*flag == nullptr || !(*flag)->enabled) return absl::InternalError("the flag is not there");
  std::cout << (*flag)->name << " is on for " << (*flag)->audiences.front() << "\n";
  return absl::OkStatus();
}

}  // namespace

int main() {
  const absl::Status status = run();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
