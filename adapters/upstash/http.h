// HTTP/1.1 as the REST API needs it, without I/O.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace strata::internal {

struct HttpRequest {
  std::string_view host;
  std::string_view target;
  std::string_view token;
  std::string_view sync_token;
  std::string body;
};

// A POST as it is to be sent.
std::string serialized(HttpRequest request);

struct HttpAnswer {
  unsigned status = 0;
  std::string body;
  // Of the headers upstash-sync-token and retry-after; empty and zero without them.
  std::string sync_token;
  absl::Duration retry_after;
  // Whether the connection can carry another request.
  bool keep_alive = false;
};

// Reads one answer. For one thread; after an error, or an answer, it is of no more use.
class HttpAnswerReader {
 public:
  HttpAnswerReader();
  ~HttpAnswerReader();

  // True as soon as the answer is whole. Internal: this is no HTTP, or more than is accepted (64
  // MiB of body, 16 KiB of headers).
  absl::StatusOr<bool> feed(std::string_view bytes);
  // The server closed the connection, which ends an answer of unknown length. Unavailable: that was
  // in the middle of it.
  absl::Status end();
  // Whether anything of the answer has come.
  bool hasBegun() const;
  HttpAnswer take();

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

}  // namespace strata::internal
