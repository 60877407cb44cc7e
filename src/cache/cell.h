// Cell: what one cache key holds. Bytes, always the same layout (integers big-endian):
//
//   tag 1 | nonce 16 | key hash 8 | incarnation 8 | epoch 8 | version 8 | codec 2 | fingerprint 8 |
//   payload
//
// The tag says what it is; the nonce belongs to one attempt to fill and to no other; the rest lets
// a reader recognise what is not for it: another key's reply, a server that came back from the
// past, another codec, another version of the type. Whatever does not match is a miss, never an
// error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "strata/base/nonce.h"
#include "strata/cache/cache.h"
#include "strata/store/version.h"

namespace strata::internal {

enum class CellTag : char {
  kValue = 'V',   // payload: the encoded value
  kAbsent = 'N',  // the database holds no such value
  kLease = 'L',   // somebody is reading the database to fill this cell
};

struct Cell {
  // The codecs of payloads: JSON, and JSON compressed by zstd. 1 was JSON in a cell without epoch.
  static constexpr std::uint16_t kJsonCodec = 2;
  static constexpr std::uint16_t kZstdJsonCodec = 3;
  static constexpr std::size_t kHeaderBytes = 59;
  // Tag and nonce: what a compare-and-set expects.
  static constexpr std::size_t kFencePrefixBytes = 17;

  CellTag tag = CellTag::kValue;
  Nonce nonce{};
  std::uint64_t key_hash = 0;
  Incarnation incarnation;
  // Whoever knows of a newer one does not believe it: see GuardedCache.
  std::uint64_t epoch = 0;
  Version version;
  std::uint16_t codec = kJsonCodec;
  std::uint64_t fingerprint = 0;
  // In a parsed cell it points into the bytes that were parsed.
  std::string_view payload;

  std::string encode() const;
  void appendTo(std::string& bytes) const;
  // None when these bytes are no cell.
  static std::optional<Cell> parse(std::string_view bytes);
};

}  // namespace strata::internal
