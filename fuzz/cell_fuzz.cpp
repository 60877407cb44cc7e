// Cells: what a key of the cache holds, which anybody with access to the server can write.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz_target.h"
#include "src/cache/cell.h"
#include "src/cache/compression.h"
#include "src/cache/record_shape.h"
#include "strata/records/described.h"

namespace strata {
namespace cell_fuzz {

using fuzz::expect;
using internal::Cell;

struct Part {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(Part, (), (name))

struct Whole {
  std::int64_t number = 0;
  std::optional<double> ratio;
  std::vector<Part> parts;
};
BOOST_DESCRIBE_STRUCT(Whole, (), (number, ratio, parts))

void readPayload(const Cell& cell) {
  static const internal::RecordShape shape(typeInfo<Whole>());
  const bool reads = shape.canRead(cell);
  expect(reads || cell.fingerprint != shape.fingerprint());
  shape.isOfUseToOthers(cell);
  constexpr std::size_t kMostBytes = 1 << 20;
  const auto plain = internal::decompress(cell.payload, kMostBytes);
  if (plain.ok()) expect(plain->size() <= kMostBytes);
}

void readCell(std::string_view bytes) {
  const auto cell = Cell::parse(bytes);
  if (!cell) return;
  expect(cell->payload.size() + cell->members.size() <= bytes.size());
  readPayload(*cell);
  if (!cell->understood || !cell->hasKnownTag()) return;
  const std::string whole = cell->encode();
  const auto again = Cell::parse(whole);
  expect(again && again->understood && again->tag == cell->tag && again->nonce == cell->nonce &&
         again->identity == cell->identity && again->version == cell->version &&
         again->members == cell->members && again->payload == cell->payload);
}

}  // namespace cell_fuzz
}  // namespace strata

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::cell_fuzz::readCell({reinterpret_cast<const char*>(data), size});
  return 0;
}
