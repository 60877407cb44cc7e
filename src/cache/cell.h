// Cell: what one cache key holds. Bytes; integers are big-endian, and sizes in bytes:
//
//   in every format   tag 1 | nonce 16 | key hash 8 | incarnation 8 | epoch 8 | version 8 | format 2
//   in format 4       | identity 8 | fingerprint 8 | codec 1 | size of the fields 2 | fields | payload
//   a field           number 1 | size 2 | content
//
// The tag says what it is; the nonce belongs to one attempt to fill and to no other; the rest lets
// a reader recognise what is not for it: another key's reply, a server that came back from the
// past, the record of another entity or database, a type that lacks a member. Whatever does not
// match is a miss, never an error.
//
// The layout is shared by all binaries of a fleet, older ones and newer ones. A new part is a field:
// a reader skips fields that it does not know, and does not use the cell if the number of one has
// the bit kMustBeUnderstood. Decision record 0025 lists numbers and tags; none is used twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "strata/base/nonce.h"
#include "strata/cache/cache.h"
#include "strata/store/version.h"

namespace strata::internal {

// A cell of a later Strata may have any other upper-case letter.
enum class CellTag : char {
  kValue = 'V',   // payload: the encoded value
  kAbsent = 'N',  // the database holds no such value
  kLease = 'L',   // somebody is reading the database to fill this cell
};

struct Cell {
  // Formats 1 to 3 had the codec in this place, and neither identity nor fields.
  static constexpr std::uint16_t kFormat = 4;
  // The codecs of payloads: JSON, and JSON compressed by zstd.
  static constexpr std::uint8_t kJsonCodec = 1;
  static constexpr std::uint8_t kZstdJsonCodec = 2;
  // Of a cell without fields.
  static constexpr std::size_t kHeaderBytes = 70;
  // Tag and nonce: what a compare-and-set expects.
  static constexpr std::size_t kFencePrefixBytes = 17;
  static constexpr std::uint8_t kMustBeUnderstood = 0x80;

  CellTag tag = CellTag::kValue;
  Nonce nonce{};
  std::uint64_t key_hash = 0;
  Incarnation incarnation;
  // A cell of an older epoch than a reader knows of is not used: see GuardedCache.
  std::uint64_t epoch = 0;
  Version version;
  std::uint16_t format = kFormat;
  // Whose record it is: see cellIdentity.
  std::uint64_t identity = 0;
  // The shape of the payload: see RecordShape.
  std::uint64_t fingerprint = 0;
  std::uint8_t codec = kJsonCodec;
  // The members of the payload, as of RecordShape::encodedMembers; empty: not said.
  std::string_view members;
  std::string_view payload;
  // In a parsed cell: whether this binary knows its tag, its format, its codec and every field that
  // must be understood. If not, only what stands before the format is to be used.
  bool understood = true;

  bool hasKnownTag() const {
    return tag == CellTag::kValue || tag == CellTag::kAbsent || tag == CellTag::kLease;
  }
  // Members that are too long for a field (16 000 of them) are left out.
  std::string encode() const;
  // The same for a cell without fields and payload, such as a lease.
  std::array<char, kHeaderBytes> encodeHeader() const { return header(0); }
  // None when these bytes are no cell. What is parsed points into them.
  static std::optional<Cell> parse(std::string_view bytes);

 private:
  std::array<char, kHeaderBytes> header(std::size_t size_of_fields) const;
};

}  // namespace strata::internal
