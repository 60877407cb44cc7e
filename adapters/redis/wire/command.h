#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace strata::internal {

// Commands for one pipeline, as they go over the wire. Arguments are any bytes.
//
// Written here and not by hiredis's redisFormatCommandArgv, which allocates for every command what
// would then be copied into the pipeline; a test compares the bytes of both.
class RedisCommands {
 public:
  void add(std::span<const std::string_view> arguments);
  void add(std::initializer_list<std::string_view> arguments) {
    add(std::span(arguments.begin(), arguments.size()));
  }

  const std::string& bytes() const { return bytes_; }
  // How many commands, and so how many replies to expect.
  std::size_t count() const { return count_; }
  // Overwrites the bytes, for they hold a password.
  void wipe();

 private:
  std::string bytes_;
  std::size_t count_ = 0;
};

}  // namespace strata::internal
