#include "adapters/upstash/connection.h"

#include <fmt/format.h>

#include <utility>

namespace strata::internal {

using std::chrono::steady_clock;

absl::StatusOr<std::unique_ptr<UpstashConnection>> UpstashConnection::open(
    const UpstashEndpoint& endpoint, const StreamOptions& how, IoTime until) {
  absl::StatusOr<Stream> stream = Stream::open(endpoint.host, endpoint.port, how, until);
  if (!stream.ok()) return stream.status();
  std::unique_ptr<UpstashConnection> opened(new UpstashConnection(*std::move(stream)));
  opened->used_at_ = steady_clock::now();
  return opened;
}

// An abandoned request must not be executed later, by a server that was stopped and goes on.
UpstashConnection::~UpstashConnection() {
  if (!usable_) stream_.discardOnClose();
}

absl::StatusOr<HttpAnswer> UpstashConnection::exchange(std::string_view request, IoTime until) {
  // Not to be used again before the answer is complete.
  usable_ = false;
  closed_unanswered_ = false;
  absl::StatusOr<HttpAnswer> answer = sendAndReceive(request, until);
  used_at_ = steady_clock::now();
  // What follows the answer was not asked for, and would be taken for the next one. It may not have
  // been received yet, so the system is asked, too.
  usable_ = answer.ok() && answer->keep_alive && stream_.isQuiet();
  has_answered_ = has_answered_ || answer.ok();
  return answer;
}

absl::StatusOr<HttpAnswer> UpstashConnection::sendAndReceive(std::string_view request,
                                                             IoTime until) {
  const absl::Status sent = stream_.send(request, until);
  if (sent.ok()) return receiveAnswer(until);
  closed_unanswered_ = absl::IsUnavailable(sent);
  return sent;
}

absl::StatusOr<HttpAnswer> UpstashConnection::receiveAnswer(IoTime until) {
  HttpAnswerReader reader;
  while (true) {
    const auto received = stream_.receive(buffer_.data(), buffer_.size(), until);
    if (!received.ok()) {
      // A reset counts like an orderly end as long as nothing of the answer has come.
      closed_unanswered_ = stream_.hasEnded() && !reader.hasBegun();
      if (!stream_.hasEndedInOrder()) return received.status();
      if (absl::Status ended = reader.end(); !ended.ok()) return ended;
      return reader.take();
    }
    const absl::StatusOr<bool> whole = reader.feed({buffer_.data(), *received});
    if (!whole.ok()) return whole.status();
    if (*whole) return reader.take();
  }
}

}  // namespace strata::internal
