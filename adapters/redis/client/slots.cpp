#include "adapters/redis/client/slots.h"

#include <charconv>

#include "adapters/redis_dialect/errors.h"

namespace strata::internal {
namespace {

// CRC-16/XMODEM: polynomial 0x1021, from zero, most significant bit first.
constexpr std::array<std::uint16_t, 256> kCrc = [] {
  std::array<std::uint16_t, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}();

unsigned crcOf(std::string_view text) {
  unsigned crc = 0;
  for (const char c : text) {
    crc = ((crc << 8) ^ kCrc[((crc >> 8) ^ static_cast<unsigned char>(c)) & 0xFF]) & 0xFFFF;
  }
  return crc;
}

std::string_view hashedPart(std::string_view key) {
  const std::size_t open = key.find('{');
  if (open == std::string_view::npos) return key;
  const std::size_t close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1) return key;
  return key.substr(open + 1, close - open - 1);
}

template <typename Integer>
bool parseWhole(std::string_view digits, Integer& number) {
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, number);
  return error == std::errc() && stopped == end;
}

absl::Status senseless() {
  return absl::InternalError("the cluster's answer about its slots makes no sense");
}

// [first, last, [host, port, …] of the master, …]
absl::Status addRange(const RedisValue& range, std::string_view asked_host, RedisSlotMap& map) {
  if (range.size() < 3 || !range.at(0).isInteger() || !range.at(1).isInteger()) return senseless();
  const std::int64_t first = range.at(0).integer();
  const std::int64_t last = range.at(1).integer();
  const RedisValue master = range.at(2);
  if (first < 0 || last < first || last >= kRedisSlots) return senseless();
  if (master.size() < 2 || !master.at(1).isInteger()) return senseless();
  const std::int64_t port = master.at(1).integer();
  if (port <= 0 || port > 0xFFFF) return senseless();
  const std::string_view host = master.at(0).text();
  const RedisAddress address{.host = std::string(host.empty() ? asked_host : host),
                             .port = static_cast<std::uint16_t>(port),
                             .socket_path = {}};
  std::size_t index = 0;
  while (index < map.masters.size() && map.masters[index] != address) ++index;
  if (index == map.masters.size()) map.masters.push_back(address);
  for (std::int64_t slot = first; slot <= last; ++slot) {
    map.owner[static_cast<std::size_t>(slot)] = static_cast<std::uint16_t>(index);
  }
  return absl::OkStatus();
}

}  // namespace

int redisSlotOf(std::string_view key) {
  return static_cast<int>(crcOf(hashedPart(key)) % kRedisSlots);
}

absl::StatusOr<RedisSlotMap> parseRedisSlots(const RedisValue& reply, std::string_view asked_host) {
  if (reply.isError()) {
    // "ERR This instance has cluster support disabled"
    if (reply.text().find("cluster support disabled") != std::string_view::npos) {
      return absl::FailedPreconditionError("the server is of no cluster (use redis://)");
    }
    return redisErrorStatus(reply.text());
  }
  if (!reply.isArray()) return senseless();
  RedisSlotMap map;
  map.owner.fill(RedisSlotMap::kNobody);
  for (std::size_t i = 0; i < reply.size(); ++i) {
    if (absl::Status added = addRange(reply.at(i), asked_host, map); !added.ok()) return added;
  }
  return map;
}

std::optional<RedisPointer> parseRedisPointer(std::string_view error) {
  RedisPointer pointer;
  if (error.starts_with("MOVED ")) {
    error.remove_prefix(6);
  } else if (error.starts_with("ASK ")) {
    error.remove_prefix(4);
    pointer.asking = true;
  } else {
    return std::nullopt;
  }
  const std::size_t space = error.find(' ');
  const std::size_t colon = error.rfind(':');  // an IPv6 address holds some, without brackets
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space) {
    return std::nullopt;
  }
  pointer.address.host = error.substr(space + 1, colon - space - 1);
  if (!parseWhole(error.substr(colon + 1), pointer.address.port)) return std::nullopt;
  return pointer;
}

}  // namespace strata::internal
