// Whatever a server says: replies, and what is made of them.
#include <string>
#include <vector>

#include "adapters/redis/client/server_info.h"
#include "adapters/redis/client/slots.h"
#include "adapters/redis/wire/reply.h"
#include "adapters/redis_dialect/errors.h"
#include "fuzz/fuzz_target.h"

namespace strata::internal {
namespace {

using fuzz::expect;

// Reads every byte of it, so that a sanitizer sees those that are not there.
std::size_t lookAt(const RedisValue& value) {
  std::size_t sum = 0;
  for (const char c : value.text()) sum += static_cast<unsigned char>(c);
  if (value.isInteger()) sum += static_cast<std::size_t>(value.integer());
  for (std::size_t i = 0; i < value.size(); ++i) sum += lookAt(value.at(i));
  return sum;
}

void use(const RedisReply& reply) {
  const auto map = parseRedisSlots(reply, "asked");
  if (!map.ok()) return;
  for (const std::uint16_t owner : map->owner) {
    expect(owner == RedisSlotMap::kNobody || owner < map->masters.size());
  }
}

void useText(std::string_view text) {
  redisErrorStatus(text).IgnoreError();
  const auto pointer = parseRedisPointer(text);
  if (pointer) expect(pointer->address.host.empty() || !pointer->address.describe().empty());
  const RedisServerInfo info = parseServerInfo(text, text.substr(text.size() / 2));
  expect(!info.is_replica || text.find("slave") != std::string_view::npos);
  const int slot = redisSlotOf(text);
  expect(slot >= 0 && slot < kRedisSlots);
}

// Sums of the replies in `bytes`, fed in parts of that size.
std::vector<std::size_t> readInParts(std::string_view bytes, std::size_t part) {
  RedisReplyReader reader;
  std::vector<std::size_t> sums;
  while (!bytes.empty()) {
    reader.feed(bytes.substr(0, part));
    bytes.remove_prefix(std::min(part, bytes.size()));
    while (true) {
      const auto reply = reader.next();
      if (!reply.ok()) {
        expect(!reader.next().ok());
        return sums;
      }
      if (!*reply) break;
      sums.push_back(lookAt(**reply));
      use(**reply);
      useText((*reply)->text());
    }
    reader.wipe();
  }
  return sums;
}

}  // namespace
}  // namespace strata::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using strata::fuzz::expect;
  using strata::internal::readInParts;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = readInParts(bytes, std::max<std::size_t>(size, 1));
  const std::size_t part = size == 0 ? 1 : 1 + data[0] % 7;
  expect(readInParts(bytes, part) == whole);
  strata::internal::useText(bytes);
  return 0;
}
