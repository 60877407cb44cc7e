// An HTTP answer that is a stream of server-sent events, without I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "adapters/upstash/http.h"

namespace strata::internal {

// What is inside of chunks (RFC 9112, 7.1). Trailers are not read: nothing follows the last chunk
// that counts.
class ChunkReader {
 public:
  // Appends what is inside to `body`. False: these are no chunks.
  bool feed(std::string_view bytes, std::string& body);
  bool hasEnded() const { return part_ == Part::kEnd; }

 private:
  enum class Part : std::uint8_t { kSize, kExtension, kSizeEnd, kData, kDataCr, kDataEnd, kEnd };

  void takeData(std::string_view& bytes, std::string& body);
  bool takeByte(char byte);
  bool takeOfSize(char byte);

  Part part_ = Part::kSize;
  std::uint64_t size_ = 0;
  int digits_ = 0;
};

// For one thread; after an error it is of no more use.
class EventSource {
 public:
  using Tell = absl::FunctionRef<void(std::string_view data)>;

  // Calls `tell` with what each "data:" line that has come says. Each is a message of its own.
  //
  // Unavailable: the stream has ended. Internal: this is no HTTP, or a line is longer than is
  // accepted (24 MiB). FailedPrecondition: the answer is no stream. Otherwise what the service
  // refused, as upstashHttpStatus tells.
  absl::Status feed(std::string_view bytes, Tell tell);
  // The connection was closed: why, if the answer says it, or Unavailable.
  absl::Status end();

 private:
  enum class Part : std::uint8_t { kHead, kRefusal, kChunks, kPlain };

  absl::Status takeHead(std::string_view& bytes);
  absl::Status readHead();
  absl::Status takeRefusal(std::string_view bytes);
  absl::Status takeLines(Tell tell);

  Part part_ = Part::kHead;
  std::string head_;
  HttpAnswerReader refusal_;
  ChunkReader chunks_;
  // What was inside of the chunks: lines, the last of which is not whole yet.
  std::string lines_;
  std::size_t searched_ = 0;
};

}  // namespace strata::internal
