#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/net/stream.h"
#include "adapters/upstash/http.h"
#include "adapters/upstash/url.h"

namespace strata::internal {

// One connection to the REST API, plain or encrypted. For one thread at a time.
class UpstashConnection {
 public:
  // Errors: those of Stream::open.
  static absl::StatusOr<std::unique_ptr<UpstashConnection>> open(const UpstashEndpoint& endpoint,
                                                                 const StreamOptions& how,
                                                                 IoTime until);
  ~UpstashConnection();
  UpstashConnection(const UpstashConnection&) = delete;
  UpstashConnection& operator=(const UpstashConnection&) = delete;

  // Sends a request and waits for the answer to it, whatever its HTTP status.
  //
  // Unavailable: the connection broke. DeadlineExceeded: not by `until`. Internal: what came is no
  // answer. After any of them the connection is of no more use.
  absl::StatusOr<HttpAnswer> exchange(std::string_view request, IoTime until);

  // Whether it can carry another request, as far as it knows.
  bool isUsable() const { return usable_; }
  // Whether an exchange on it has succeeded, so that the server may close it at any time.
  bool hasAnswered() const { return has_answered_; }
  // Whether the last exchange found it closed before anything of the answer had come.
  bool wasClosedUnanswered() const { return closed_unanswered_; }
  // Asks the system, without waiting: whether the server has neither closed it nor said anything
  // that was not asked for. Only between exchanges.
  bool isQuiet() { return stream_.isQuiet(); }
  // When it was last used.
  IoTime usedAt() const { return used_at_; }

 private:
  explicit UpstashConnection(Stream stream) : stream_(std::move(stream)) {}
  absl::StatusOr<HttpAnswer> sendAndReceive(std::string_view request, IoTime until);
  absl::StatusOr<HttpAnswer> receiveAnswer(IoTime until);

  Stream stream_;
  std::array<char, 16384> buffer_{};
  IoTime used_at_;
  bool usable_ = true;
  bool has_answered_ = false;
  bool closed_unanswered_ = false;
};

}  // namespace strata::internal
