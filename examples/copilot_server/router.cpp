#include "examples/copilot_server/router.h"

#include <algorithm>
#include <optional>

namespace copilot {
namespace {

// Takes the first segment off a path.
std::string_view takeSegment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

// What the path has where the pattern has {}; none: they do not match.
std::optional<std::vector<std::string>> argumentsOf(std::string_view pattern,
                                                    std::string_view path) {
  std::vector<std::string> arguments;
  while (!pattern.empty() && !path.empty()) {
    const std::string_view expected = takeSegment(pattern);
    const std::string_view segment = takeSegment(path);
    if (expected != "{}" && expected != segment) return std::nullopt;
    if (expected != "{}") continue;
    const auto decoded = percentDecoded(segment);
    if (!decoded || decoded->empty()) return std::nullopt;
    arguments.push_back(*decoded);
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return arguments;
}

}  // namespace

Router::Match Router::find(std::string_view method, std::string_view path) const {
  Match match;
  for (const Route& route : routes_) {
    auto arguments = argumentsOf(route.pattern, path);
    if (!arguments) continue;
    if (route.method == method) return {.route = &route, .arguments = *std::move(arguments)};
    if (!match.allowed_methods.empty()) match.allowed_methods += ", ";
    match.allowed_methods += route.method;
  }
  return match;
}

}  // namespace copilot
