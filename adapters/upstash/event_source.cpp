#include "adapters/upstash/event_source.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <utility>

#include "adapters/upstash/errors.h"
#include "adapters/upstash/protocol.h"

namespace strata::internal {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::size_t kMaxHead = std::size_t{16} << 10U;
// 16 MiB of payload in base64, and what stands around it.
constexpr std::size_t kMaxLine = std::size_t{24} << 20U;
// Of a chunk's size: less than 4 GiB.
constexpr int kMaxDigits = 8;
constexpr std::string_view kEndOfHead = "\r\n\r\n";

absl::Status senseless() {
  return absl::InternalError("what answers does not speak HTTP, or answers too much");
}
absl::Status closed() { return absl::UnavailableError("the server closed the connection"); }

int hexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// None: it says something else than data.
bool dataOf(std::string_view line, std::string_view& data) {
  constexpr std::string_view kName = "data:";
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.starts_with(kName)) return false;
  line.remove_prefix(kName.size());
  if (line.starts_with(' ')) line.remove_prefix(1);
  data = line;
  return true;
}

}  // namespace

// ---- ChunkReader ----

bool ChunkReader::feed(std::string_view bytes, std::string& body) {
  while (!bytes.empty() && part_ != Part::kEnd) {
    if (part_ == Part::kData) {
      takeData(bytes, body);
    } else {
      if (!takeByte(bytes.front())) return false;
      bytes.remove_prefix(1);
    }
  }
  return true;
}

void ChunkReader::takeData(std::string_view& bytes, std::string& body) {
  const std::size_t count = std::min<std::uint64_t>(size_, bytes.size());
  body.append(bytes.substr(0, count));
  bytes.remove_prefix(count);
  size_ -= count;
  if (size_ == 0) part_ = Part::kDataCr;
}

bool ChunkReader::takeByte(char byte) {
  switch (part_) {
    case Part::kSize:
      return takeOfSize(byte);
    case Part::kExtension:
      if (byte == '\r') part_ = Part::kSizeEnd;
      return true;
    case Part::kSizeEnd:
      part_ = size_ == 0 ? Part::kEnd : Part::kData;
      return byte == '\n';
    case Part::kDataCr:
      part_ = Part::kDataEnd;
      return byte == '\r';
    case Part::kDataEnd:
      part_ = Part::kSize;
      digits_ = 0;
      return byte == '\n';
    default:
      return false;
  }
}

bool ChunkReader::takeOfSize(char byte) {
  if (const int digit = hexDigit(byte); digit >= 0) {
    size_ = size_ * 16 + static_cast<std::uint64_t>(digit);
    return ++digits_ <= kMaxDigits;
  }
  part_ = byte == '\r' ? Part::kSizeEnd : Part::kExtension;
  return digits_ > 0 && (byte == '\r' || byte == ';' || byte == ' ' || byte == '\t');
}

// ---- EventSource ----

absl::Status EventSource::feed(std::string_view bytes, Tell tell) {
  while (part_ == Part::kHead && !bytes.empty()) {
    if (absl::Status taken = takeHead(bytes); !taken.ok()) return taken;
  }
  if (part_ == Part::kHead) return absl::OkStatus();
  if (part_ == Part::kRefusal) return takeRefusal(bytes);
  if (part_ == Part::kPlain) lines_.append(bytes);
  if (part_ == Part::kChunks && !chunks_.feed(bytes, lines_)) return senseless();
  if (absl::Status taken = takeLines(tell); !taken.ok()) return taken;
  return chunks_.hasEnded() ? closed() : absl::OkStatus();
}

// Takes bytes up to the end of the head, all of them if that is not there yet.
absl::Status EventSource::takeHead(std::string_view& bytes) {
  const std::size_t known = head_.size();
  head_.append(bytes);
  const std::size_t from = known - std::min(known, kEndOfHead.size() - 1);
  const std::size_t end = head_.find(kEndOfHead, from);
  const std::size_t size = end == std::string::npos ? head_.size() : end + kEndOfHead.size();
  if (size > kMaxHead) return senseless();
  bytes.remove_prefix(size - known);
  head_.resize(size);
  return end == std::string::npos ? absl::OkStatus() : readHead();
}

absl::Status EventSource::readHead() {
  http::response_parser<http::empty_body> parser;
  parser.skip(true);
  beast::error_code error;
  parser.put(boost::asio::buffer(head_), error);
  if (error || !parser.is_header_done()) return senseless();
  const unsigned status = parser.get().result_int();
  const std::string head = std::exchange(head_, {});
  if (status / 100 == 1) return absl::OkStatus();  // an answer follows that is none yet
  if (status != 200) {
    part_ = Part::kRefusal;
    return takeRefusal(head);
  }
  if (!parser.get()[http::field::content_type].starts_with("text/event-stream")) {
    return absl::FailedPreconditionError("the REST API does not answer with an event stream");
  }
  part_ = parser.chunked() ? Part::kChunks : Part::kPlain;
  return absl::OkStatus();
}

absl::Status EventSource::takeRefusal(std::string_view bytes) {
  const absl::StatusOr<bool> whole = refusal_.feed(bytes);
  if (!whole.ok() || !*whole) return whole.status();
  const HttpAnswer answer = refusal_.take();
  return upstashHttpStatus(answer.status, upstashErrorText(answer.body), answer.retry_after);
}

absl::Status EventSource::takeLines(Tell tell) {
  std::size_t begin = 0;
  while (true) {
    const std::size_t end = lines_.find('\n', std::max(begin, searched_));
    if (end == std::string::npos) break;
    std::string_view data;
    if (dataOf(std::string_view(lines_).substr(begin, end - begin), data)) tell(data);
    begin = end + 1;
  }
  lines_.erase(0, begin);
  searched_ = lines_.size();
  return lines_.size() > kMaxLine ? senseless() : absl::OkStatus();
}

absl::Status EventSource::end() {
  if (part_ != Part::kRefusal || !refusal_.end().ok()) return closed();
  const HttpAnswer answer = refusal_.take();
  return upstashHttpStatus(answer.status, upstashErrorText(answer.body), answer.retry_after);
}

}  // namespace strata::internal
