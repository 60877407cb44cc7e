// Keeps Boost.Beast's HTTP parser from the one input at which it ends the process.
//
// Beast (seen in Boost 1.81, `BOOST_ASSERT(n >= 5)` of basic_parser::parse_chunk_header) assumes
// that it has five bytes once it has read the size of the last chunk. A body whose first chunk is
// the last one can arrive as "0\r\n" and then "\r": four bytes, and where assertions are on the
// process ends. Requests and responses are parsed by the same code. After a first chunk the line
// end before a size makes up for what is missing, so only the begin of a body needs care.
//
//   const Error header_error = …async_read_header(stream, buffer, parser)…
//   while (!strata::mayParseBody(parser, bytesOf(buffer))) { …read more into the buffer… }
//   …async_read(stream, buffer, parser)…
#pragma once

#include <cstddef>
#include <string_view>

namespace strata {

// Whether a parser that has read a header, and nothing of the body, may be handed the `buffered`
// bytes that follow it. While it may not, read on; at the end of the input `put_eof` reports the
// message as partial. It holds back only the begin of a last chunk, which takes five bytes, so all
// else, right or wrong, is answered as soon as before.
template <typename Parser>
bool mayParseBody(const Parser& parser, std::string_view buffered) {
  constexpr std::size_t kShortest = 5;  // "0\r\n\r\n"
  if (!parser.chunked() || parser.is_done() || buffered.size() >= kShortest) return true;
  return !buffered.empty() && buffered.front() != '0';
}

}  // namespace strata
