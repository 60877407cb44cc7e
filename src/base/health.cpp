#include "strata/base/health.h"

#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

namespace strata {
namespace {

void describeInto(const Health& health, std::size_t depth, std::string& out) {
  out += fmt::format("{:{}}{} {} ({}, {:.1f} ms)", "", 2 * depth, health.component,
                     toString(health.state), health.backend,
                     absl::ToDoubleMilliseconds(health.latency));
  if (!health.error.empty()) out += ": " + health.error;
  for (const Health& child : health.children) {
    out += '\n';
    describeInto(child, depth + 1, out);
  }
}

boost::json::object toObject(const Health& health) {
  boost::json::object object{
      {"component", health.component},
      {"backend", health.backend},
      {"state", boost::json::string(toString(health.state))},
      {"healthy", health.healthy()},
      {"latencyMs", absl::ToDoubleMilliseconds(absl::Trunc(health.latency, absl::Microseconds(1)))},
  };
  if (!health.error.empty()) object["error"] = health.error;
  if (!health.children.empty()) {
    boost::json::array children;
    for (const Health& child : health.children) children.push_back(toObject(child));
    object["children"] = std::move(children);
  }
  return object;
}

}  // namespace

std::string_view toString(HealthState state) {
  switch (state) {
    case HealthState::kPass:
      return "pass";
    case HealthState::kWarn:
      return "warn";
    case HealthState::kFail:
      return "fail";
  }
  return "unknown";
}

std::string describe(const Health& health) {
  std::string text;
  describeInto(health, 0, text);
  return text;
}

std::string toJson(const Health& health) { return boost::json::serialize(toObject(health)); }

}  // namespace strata
