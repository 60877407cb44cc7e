#include "adapters/redis/client/server_info.h"

#include <fmt/format.h>

#include <charconv>

#include "strata/base/hash.h"

namespace strata::internal {
namespace {

// The value of a line "name:value\r\n"; empty when there is none.
std::string_view field(std::string_view info, std::string_view name) {
  while (!info.empty()) {
    const std::size_t end = info.find("\r\n");
    const std::string_view line = info.substr(0, end);
    if (line.starts_with(name) && line.substr(name.size()).starts_with(':')) {
      return line.substr(name.size() + 1);
    }
    info.remove_prefix(end == std::string_view::npos ? info.size() : end + 2);
  }
  return {};
}

Incarnation incarnationOf(std::string_view run_id, std::string_view replication_id) {
  if (run_id.empty() || replication_id.empty()) return {};
  return {stableHash(fmt::format("{}|{}", run_id, replication_id))};
}

int majorVersion(std::string_view version) {
  int major = 0;
  // What is no number leaves zero: a version that is not known.
  std::from_chars(version.data(), version.data() + version.size(), major);
  return major;
}

}  // namespace

RedisServerInfo parseServerInfo(std::string_view server, std::string_view replication) {
  return {
      .incarnation = incarnationOf(field(server, "run_id"), field(replication, "master_replid")),
      .is_replica = field(replication, "role") == "slave",
      .is_of_cluster = field(server, "redis_mode") == "cluster",
      .has_set_nx_get = majorVersion(field(server, "redis_version")) >= 7};
}

}  // namespace strata::internal
