// callOut: calls code that is not Strata's own (a user's store, callback, executor …) and turns an
// exception into a Status, so that no flight, lease or lock is left behind by one.
//
//   absl::Status sent = callOut("transport", [&] { return transport.send(message); });
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"

namespace strata::internal {

// Only in a handler of an exception: the name of its type, "std::runtime_error".
std::string typeOfThrown();

// Only in a handler of an exception: Internal, "`what` threw an exception of type std::bad_alloc". It
// leaves out the exception's text, which may hold secrets or records. What cancels the thread
// (pthread_cancel) is thrown again.
absl::Status statusOfThrown(std::string_view what);

// What `call` returns; where it throws, `translate` of that status, which must not throw.
template <typename Call, typename Translate>
std::invoke_result_t<Call> callOut(std::string_view what, Call&& call, Translate&& translate) {
  try {
    return std::forward<Call>(call)();
  } catch (...) {
    return std::forward<Translate>(translate)(statusOfThrown(what));
  }
}

// The same for what a Status converts to; of a call that returns nothing, whether it threw. Costs
// nothing where nothing is thrown.
template <typename Call>
auto callOut(std::string_view what, Call&& call) {
  const auto as_it_is = [](absl::Status thrown) { return thrown; };
  if constexpr (std::is_void_v<std::invoke_result_t<Call>>) {
    const auto with_status = [&] {
      std::forward<Call>(call)();
      return absl::OkStatus();
    };
    return callOut(what, with_status, as_it_is);
  } else {
    return callOut(what, std::forward<Call>(call), as_it_is);
  }
}

}  // namespace strata::internal
