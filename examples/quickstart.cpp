// A type of one's own, stored, cached and read back. Without DATABASE_URL it runs in memory.
#include <cstdio>

#include "strata/strata.h"

struct FeatureFlag {
  std::string name;
  bool enabled = false;
  std::vector<std::string> audiences;
};
BOOST_DESCRIBE_STRUCT(FeatureFlag, (), (name, enabled, audiences))

template <>
struct strata::Entity<FeatureFlag> {
  static constexpr auto table = "feature_flags";
  static constexpr strata::KeySpace keys{"flags", "flag"};
  static std::string id(const FeatureFlag& f) { return f.name; }
};

absl::Status run() {
  auto config = strata::configFromEnv();  // DATABASE_URL, REDIS_URL, STRATA_APP; none: in memory
  if (!config.ok()) return config.status();
  auto backends = strata::connect(*config);  // pools and clients, shared by every store
  if (!backends.ok()) return backends.status();
  auto flags = strata::createStore<FeatureFlag>(*backends, {.cache_ttl = absl::Minutes(5)});
  if (!flags.ok()) return flags.status();

  auto version = (*flags)->put({.name = "checkout-v2", .enabled = true, .audiences = {"beta"}});
  if (!version.ok()) return version.status();

  auto flag = (*flags)->get("checkout-v2");
  if (!flag.ok()) return flag.status();  // the store could not be asked
  if (*flag == nullptr) return absl::NotFoundError("there is no such flag");
  std::printf("%s is %s\n%s\n", (*flag)->name.c_str(), (*flag)->enabled ? "on" : "off",
              strata::describe((*flags)->healthCheck()).c_str());
  return absl::OkStatus();
}

int main() {
  const absl::Status status = run();
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
