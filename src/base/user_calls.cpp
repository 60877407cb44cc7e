#include "strata/base/internal/user_calls.h"

#include <cxxabi.h>
#include <fmt/format.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <typeinfo>

namespace strata::internal {

std::string typeOfThrown() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  if (type == nullptr) return "an exception of another language";
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), &std::free);
  return name != nullptr ? name.get() : type->name();
}

absl::Status statusOfThrown(std::string_view what) {
  try {
    throw;
  } catch (const abi::__forced_unwind&) {
    throw;
  } catch (...) {
    return absl::InternalError(
        fmt::format("{} threw an exception of type {}", what, typeOfThrown()));
  }
}

}  // namespace strata::internal
