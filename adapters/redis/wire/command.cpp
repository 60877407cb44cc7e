#include "adapters/redis/wire/command.h"

#include <string.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace strata::internal {
namespace {

// "$5\r\n"
void addLength(std::string& bytes, char kind, std::size_t length) {
  std::array<char, 24> text;
  text[0] = kind;
  char* const end = std::to_chars(&text[1], &text[21], length).ptr;
  end[0] = '\r';
  end[1] = '\n';
  bytes.append(text.data(), end + 2);
}

}  // namespace

void RedisCommands::add(std::span<const std::string_view> arguments) {
  std::size_t size = 24;
  for (const std::string_view argument : arguments) size += argument.size() + 26;
  if (bytes_.capacity() - bytes_.size() < size) {
    bytes_.reserve(std::max(2 * bytes_.capacity(), bytes_.size() + size));
  }
  addLength(bytes_, '*', arguments.size());
  for (const std::string_view argument : arguments) {
    addLength(bytes_, '$', argument.size());
    bytes_.append(argument).append("\r\n");
  }
  ++count_;
}

void RedisCommands::wipe() {
  explicit_bzero(bytes_.data(), bytes_.size());
  bytes_.clear();
  count_ = 0;
}

}  // namespace strata::internal
