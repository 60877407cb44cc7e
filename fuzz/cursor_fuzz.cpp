// Whatever somebody calls a cursor, of a listing of keys or of conversations, and what the node of
// a cluster says of its slots.
#include <string>

#include "adapters/redis/client/scan.h"
#include "fuzz/fuzz_target.h"
#include "stores/conversations/conversation/page_cursor.h"

namespace strata {
namespace cursor_fuzz {

using fuzz::expect;

void readScanCursor(std::string_view text) {
  const auto cursor = internal::RedisScanCursor::parse(text);
  if (!cursor) return;
  const auto again = internal::RedisScanCursor::parse(cursor->text());
  expect(again && again->census == cursor->census && again->node == cursor->node &&
         again->at == cursor->at);
}

void readPageCursor(std::string_view text) {
  const absl::StatusOr<internal::ActivityCursor> cursor = internal::decodeCursor(text);
  if (!cursor.ok()) return;
  const absl::StatusOr<internal::ActivityCursor> again =
      internal::decodeCursor(internal::encodeCursor(*cursor));
  expect(again.ok() && again->active_at == cursor->active_at && again->id == cursor->id);
}

void readOwnSlots(std::string_view text) {
  const auto slots = internal::parseRedisOwnSlots(text);
  if (!slots.ok()) return;
  for (const std::string& range : slots->ranges) expect(!range.empty());
}

}  // namespace cursor_fuzz
}  // namespace strata

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  strata::cursor_fuzz::readScanCursor(text);
  strata::cursor_fuzz::readPageCursor(text);
  strata::cursor_fuzz::readOwnSlots(text);
  return 0;
}
