// Whatever a server says: replies, and what is made of them.
#include <cstdlib>
#include <string>
#include <vector>

#include "adapters/redis/client/server_info.h"
#include "adapters/redis/client/slots.h"
#include "adapters/redis/wire/reply.h"
#include "adapters/redis_dialect/errors.h"
#include "fuzz/fuzz_target.h"

namespace strata::internal {
namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

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
  using strata::internal::expect;
  using strata::internal::readInParts;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = readInParts(bytes, std::max<std::size_t>(size, 1));
  const std::size_t part = size == 0 ? 1 : 1 + data[0] % 7;
  expect(readInParts(bytes, part) == whole);
  strata::internal::useText(bytes);
  return 0;
}

std::span<const std::string_view> fuzzCorpus() {
  static constexpr std::string_view kCorpus[] = {
      "+OK\r\n-ERR no\r\n:42\r\n$4\r\na\r\nb\r\n$-1\r\n*2\r\n$1\r\nx\r\n$-1\r\n*-1\r\n",
      "*1\r\n*3\r\n:0\r\n:99\r\n*3\r\n$9\r\n127.0.0.1\r\n:7000\r\n$2\r\nid\r\n",
      "*1\r\n*3\r\n:100\r\n:16383\r\n*2\r\n$0\r\n\r\n:7001\r\n",
      "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n",
      "*2147483647\r\n$2147483647\r\n",
      "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\np\r\n*2\r\n$4\r\npong\r\n$0\r\n\r\n",
      "-MOVED 3999 127.0.0.1:6381\r\n-ASK 1 ::1:7000\r\n-MOVED 1 :1\r\n-READONLY no\r\n",
      "MOVED 3999 127.0.0.1:6381",
      "ASK 3999 2001:db8::7:6381",
      "ERR Error running script (call to f_1): @user_script:1: -OOM no",
      "# Server\r\nredis_version:7.0.15\r\nrun_id:abc\r\nrole:master\r\nmaster_replid:def\r\n",
      "$52\r\nrole:slave\r\nmaster_replid:0123456789\r\nrun_id:98765\r\n\r\n\r\n",
  };
  return kCorpus;
}
