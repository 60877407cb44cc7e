// Cells: what a key of the cache holds, which anybody with access to the server can write.
#include <cstddef>
#include <string>
#include <string_view>

#include "fuzz/fuzz_target.h"
#include "src/cache/cell.h"
#include "src/cache/compression.h"

namespace strata::internal {
namespace {

using fuzz::expect;

void readCell(std::string_view bytes) {
  const auto cell = Cell::parse(bytes);
  if (!cell) return;
  expect(cell->payload.size() <= bytes.size());
  constexpr std::size_t kMostBytes = 1 << 20;
  const auto plain = decompress(cell->payload, kMostBytes);
  if (plain.ok()) expect(plain->size() <= kMostBytes);
  const std::string whole = cell->encode();
  const auto again = Cell::parse(whole);
  expect(again && again->tag == cell->tag && again->nonce == cell->nonce &&
         again->version == cell->version && again->payload == cell->payload);
}

}  // namespace
}  // namespace strata::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::internal::readCell({reinterpret_cast<const char*>(data), size});
  return 0;
}
