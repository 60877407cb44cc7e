#include "src/cache/record_shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/records/members.h"
#include "strata/base/hash.h"

namespace strata::internal {
namespace {

constexpr std::size_t kHashBytes = 4;

std::string encoded(const TypeInfo& type) {
  std::string bytes;
  for (const std::uint32_t hash : memberHashes(type)) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(hash >> shift & 0xFFU);
  }
  return bytes;
}

}  // namespace

std::uint64_t cellIdentity(const EntityInfo& entity, const CachingOptions& options) {
  // No part but the last can hold a line break.
  return stableHash(
      fmt::format("{}\n{}\n{}", entity.keys.prefix(options.app), entity.table, options.database));
}

RecordShape::RecordShape(const TypeInfo& type)
    : fingerprint_(strata::fingerprint(type)), members_(encoded(type)) {}

// Big-endian numbers are in the order of their bytes.
bool RecordShape::isPartOf(std::string_view part, std::string_view whole) {
  while (!part.empty()) {
    const std::string_view wanted = part.substr(0, kHashBytes);
    while (!whole.empty() && whole.substr(0, kHashBytes) < wanted) {
      whole.remove_prefix(std::min(kHashBytes, whole.size()));
    }
    if (whole.substr(0, kHashBytes) != wanted) return false;
    part.remove_prefix(wanted.size());
  }
  return true;
}

}  // namespace strata::internal
