// What a client sends to the example service: the head and the body of a request, a signed token, a
// list of addresses.
#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "examples/copilot_server/address.h"
#include "examples/copilot_server/http_head.h"
#include "examples/copilot_server/signed_token.h"
#include "fuzz/fuzz_target.h"
#include "strata/adapters/net/chunked_body.h"

namespace copilot {
namespace {

namespace http = boost::beast::http;
using strata::fuzz::expect;
using Parser = http::request_parser<http::string_body>;

// The scan of a head that arrives in parts, each a continuation of the one before.
HeadScan scanInParts(std::string_view bytes, std::size_t part) {
  HeadScan scan;
  std::size_t seen = 0;
  for (std::size_t size = 0; size < bytes.size() && scan.length == 0 && !scan.is_broken;) {
    size = std::min(size + part, bytes.size());
    scan = scanHead(bytes.substr(0, size), seen);
    seen = size;
  }
  return scan;
}

// A head without a problem leaves no doubt about its body and about who asks.
void expectNoDoubt(const Parser& parser) {
  const auto& fields = parser.get();
  const bool is_encoded = fields.count(http::field::transfer_encoding) > 0;
  expect(is_encoded == parser.chunked());
  expect(!is_encoded || fields.count(http::field::content_length) == 0);
  for (const char* const once : {"Content-Length", "Host", "X-Tenant-Id", "X-User-Id",
                                 "X-Gateway-Secret", "Authorization"}) {
    expect(fields.count(once) <= 1);
  }
}

// As the service does, `part` bytes at a time, behind the guard.
void readBody(Parser& parser, std::string_view body, std::size_t part) {
  boost::beast::error_code error;
  std::string buffered;
  bool has_begun = false;
  while (!body.empty() && !error && !parser.is_done()) {
    buffered += body.substr(0, part);
    body.remove_prefix(std::min(part, body.size()));
    has_begun = has_begun || strata::mayParseBody(parser, buffered);
    if (!has_begun) continue;
    const std::size_t used = parser.put(boost::asio::buffer(buffered), error);
    buffered.erase(0, used);
    if (error == http::error::need_more) error = {};
  }
}

void readRequest(std::string_view bytes, std::size_t part) {
  const HeadScan scan = scanHead(bytes);
  const HeadScan in_parts = scanInParts(bytes, part);
  expect(scan.length == in_parts.length && scan.is_broken == in_parts.is_broken);
  if (scan.is_broken || scan.length == 0) return;
  const std::string_view head = bytes.substr(0, scan.length);
  if (const auto problem = problemOf(head)) {
    return expect(problem->status == 400 || problem->status == 501);
  }
  Parser parser;
  parser.header_limit(16 * 1024);
  parser.body_limit(1 << 20);
  boost::beast::error_code error;
  parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error || !parser.is_header_done()) return;
  expectNoDoubt(parser);
  readBody(parser, bytes.substr(scan.length), part);
}

const TokenVerifier& verifier() {
  static const auto verifier =
      TokenVerifier::ofSecret(strata::Secret(std::string(32, 'k')), "audience").value();
  return *verifier;
}

}  // namespace
}  // namespace copilot

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  copilot::readRequest(bytes, size == 0 ? 1 : 1 + data[size - 1] % 9);
  copilot::verifier().verify(bytes, absl::UnixEpoch()).status().IgnoreError();
  copilot::AddressSet::parse(bytes).status().IgnoreError();
  copilot::limitKey(bytes);
  return 0;
}
