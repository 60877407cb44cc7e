// What a server of the Upstash REST API answers: HTTP, and Redis replies as JSON.
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/upstash/http.h"
#include "adapters/upstash/protocol.h"
#include "adapters/upstash/text.h"
#include "fuzz/fuzz_target.h"

namespace strata::internal {
namespace {

using fuzz::expect;

// The answer, if the bytes, fed in parts of that size, are one.
std::optional<HttpAnswer> readInParts(std::string_view bytes, std::size_t part) {
  HttpAnswerReader reader;
  while (!bytes.empty()) {
    const auto is_whole = reader.feed(bytes.substr(0, part));
    if (!is_whole.ok()) return std::nullopt;
    if (*is_whole) return reader.take();
    bytes.remove_prefix(std::min(part, bytes.size()));
  }
  if (!reader.end().ok()) return std::nullopt;
  return reader.take();
}

void expectSame(const std::optional<HttpAnswer>& a, const std::optional<HttpAnswer>& b) {
  expect(a.has_value() == b.has_value());
  if (a) expect(a->status == b->status && a->body == b->body && a->sync_token == b->sync_token);
}

void readBody(std::string_view body) {
  for (const std::size_t count : {1, 2}) {
    const auto replies = parseUpstashReplies(body, count);
    if (replies.ok()) expect(replies->size() == count);
  }
  upstashErrorText(body);
  expect(bytesOfText(textOfBytes(body)) == body);
  expect(keyOfText(textOfKey(body)) == body);
}

}  // namespace
}  // namespace strata::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace strata::internal;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = readInParts(bytes, std::max<std::size_t>(size, 1));
  const std::size_t part = size == 0 ? 1 : 1 + data[0] % 7;
  expectSame(readInParts(bytes, part), whole);
  if (whole) readBody(whole->body);
  readBody(bytes);
  return 0;
}
