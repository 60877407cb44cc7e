// Router: which handler answers which method and path.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/copilot_server/http.h"
#include "strata/stores/conversations/conversation/authorization.h"

namespace copilot {

// A request, whose it is, and what stands in its path where the pattern has {}.
struct Call {
  const Request& request;
  strata::Caller caller;
  std::vector<std::string> arguments;
  // When the caller's token expires.
  std::optional<absl::Time> expires = std::nullopt;

  const std::string& user() const { return *caller.user_id; }
};

// Which limits a route counts against, beside that of the address. kAdmin: no other, and the caller is
// not a user but has the operators' secret.
enum class RouteCost : std::uint8_t { kRead, kWrite, kContext, kAdmin };

using Handler = std::function<absl::StatusOr<Response>(const Call&)>;

struct Route {
  std::string method;
  // "/v1/conversations/{}/messages"
  std::string pattern;
  RouteCost cost;
  Handler handler;
};

class Router {
 public:
  struct Match {
    // Null: nothing answers.
    const Route* route = nullptr;
    std::vector<std::string> arguments = {};
    // The methods that the path takes; "": there is no such path.
    std::string allowed_methods = {};
  };

  void add(Route route) { routes_.push_back(std::move(route)); }
  Match find(std::string_view method, std::string_view path) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace copilot
