#include "src/cache/cell.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

namespace strata::internal {
namespace {

// What stands before the identity.
constexpr std::size_t kCommonBytes = 51;
constexpr std::size_t kFieldHeaderBytes = 3;
constexpr std::size_t kMostFieldBytes = 0xFFFF;
constexpr std::uint8_t kMembersField = 1;

// Numbers are big-endian in a cell, on every machine.
std::uint64_t toBigEndian(std::uint64_t number) {
  return std::endian::native == std::endian::big ? number : __builtin_bswap64(number);
}

// Writes the lowest Count bytes of a number and returns where they end.
template <std::size_t Count>
char* put(char* at, std::uint64_t number) {
  const std::uint64_t bytes = toBigEndian(number << (8 * (8 - Count)));
  std::memcpy(at, &bytes, Count);
  return at + Count;
}

// Reads a number of Count bytes, and moves on to what follows it.
template <std::size_t Count>
std::uint64_t take(const char*& at) {
  std::uint64_t number = 0;
  std::memcpy(&number, at, Count);
  at += Count;
  return toBigEndian(number) >> (8 * (8 - Count));
}

bool isTag(char c) { return c >= 'A' && c <= 'Z'; }

bool isKnownCodec(std::uint8_t codec) {
  return codec == Cell::kJsonCodec || codec == Cell::kZstdJsonCodec;
}

// False: they do not add up.
bool readFields(const char* at, const char* end, Cell& cell) {
  while (at != end) {
    if (static_cast<std::size_t>(end - at) < kFieldHeaderBytes) return false;
    const auto number = static_cast<std::uint8_t>(take<1>(at));
    const std::size_t size = take<2>(at);
    if (size > static_cast<std::size_t>(end - at)) return false;
    if (number == kMembersField) {
      cell.members = {at, size};
    } else if ((number & Cell::kMustBeUnderstood) != 0) {
      cell.understood = false;
    }
    at += size;
  }
  return true;
}

// What follows the format; false: it does not add up.
bool readRest(const char* at, const char* end, Cell& cell) {
  if (static_cast<std::size_t>(end - at) < Cell::kHeaderBytes - kCommonBytes) return false;
  cell.identity = take<8>(at);
  cell.fingerprint = take<8>(at);
  cell.codec = static_cast<std::uint8_t>(take<1>(at));
  const std::size_t size = take<2>(at);
  if (size > static_cast<std::size_t>(end - at)) return false;
  cell.understood = cell.hasKnownTag() && isKnownCodec(cell.codec);
  cell.payload = {at + size, static_cast<std::size_t>(end - at) - size};
  return readFields(at, at + size, cell);
}

}  // namespace

std::array<char, Cell::kHeaderBytes> Cell::header(std::size_t size_of_fields) const {
  std::array<char, kHeaderBytes> header;
  char* at = put<1>(header.data(), static_cast<unsigned char>(tag));
  at = std::copy(nonce.begin(), nonce.end(), at);
  at = put<8>(at, key_hash);
  at = put<8>(at, incarnation.value);
  at = put<8>(at, epoch);
  at = put<8>(at, static_cast<std::uint64_t>(version.value()));
  at = put<2>(at, format);
  at = put<8>(at, identity);
  at = put<8>(at, fingerprint);
  at = put<1>(at, codec);
  put<2>(at, size_of_fields);
  return header;
}

std::string Cell::encode() const {
  const std::size_t field = kFieldHeaderBytes + members.size();
  const bool has_members = !members.empty() && field <= kMostFieldBytes;
  const auto start = header(has_members ? field : 0);
  std::string bytes;
  bytes.reserve(start.size() + field + payload.size());
  bytes.append(start.data(), start.size());
  if (has_members) {
    std::array<char, kFieldHeaderBytes> field_header;
    put<2>(put<1>(field_header.data(), kMembersField), members.size());
    bytes.append(field_header.data(), field_header.size()).append(members);
  }
  return bytes.append(payload);
}

std::optional<Cell> Cell::parse(std::string_view bytes) {
  if (bytes.size() < kCommonBytes || !isTag(bytes.front())) return std::nullopt;
  std::optional<Cell> parsed(std::in_place);
  Cell& cell = *parsed;
  const char* at = bytes.data();
  cell.tag = static_cast<CellTag>(*at++);
  std::memcpy(cell.nonce.data(), at, cell.nonce.size());
  at += cell.nonce.size();
  cell.key_hash = take<8>(at);
  cell.incarnation.value = take<8>(at);
  cell.epoch = take<8>(at);
  cell.version = Version(static_cast<std::int64_t>(take<8>(at)));
  cell.format = static_cast<std::uint16_t>(take<2>(at));
  if (cell.format == 0) return std::nullopt;
  if (cell.format != kFormat) {
    cell.understood = false;
  } else if (!readRest(at, bytes.data() + bytes.size(), cell)) {
    return std::nullopt;
  }
  return parsed;
}

}  // namespace strata::internal
