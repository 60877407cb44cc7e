// The head of a request as it was sent, checked by RFC 9112 before anything is made of it: where two
// readers of one byte stream can disagree on where a request ends, one's body is the other's request.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace copilot {

// What has arrived of a head.
struct HeadScan {
  std::size_t length = 0;  // with the empty line that ends it; 0: it has not ended
  bool is_broken = false;  // it never becomes one: a bare CR or LF, NUL, another control character
};
// Looks from `from` on, up to where the last scan of fewer bytes came to.
HeadScan scanHead(std::string_view bytes, std::size_t from = 0);

struct HeadProblem {
  int status;  // 400 or 501
  std::string message;
};
// Of a whole head, with its last empty line. None: the length of the body is beyond doubt, and every
// header that decides something is there once at most. After a problem the connection must be closed,
// because the place where the next request begins is not known. Not looked into: the request line.
std::optional<HeadProblem> problemOf(std::string_view head);

// Whether the extension of a chunk has no control characters, which some readers take for its end.
bool isCleanChunkExtension(std::string_view extension);

}  // namespace copilot
