#include "adapters/redis/redis_command.h"

#include <fmt/format.h>

#include <iterator>

namespace strata::internal {

void RedisCommands::add(std::span<const std::string_view> arguments) {
  fmt::format_to(std::back_inserter(bytes_), "*{}\r\n", arguments.size());
  for (const std::string_view argument : arguments) {
    fmt::format_to(std::back_inserter(bytes_), "${}\r\n", argument.size());
    bytes_.append(argument).append("\r\n");
  }
  ++count_;
}

}  // namespace strata::internal
