#pragma once

#include <string_view>

namespace strata::internal {

// Whoever is to know that a listener has thrown. The subscriptions of a hub are.
class ListenerErrors {
 public:
  virtual ~ListenerErrors() = default;
  // `what`: who threw, and the type. Thread-safe.
  virtual void noteListenerError(std::string_view what) = 0;
};

}  // namespace strata::internal
