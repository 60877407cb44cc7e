#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "adapters/upstash/pool.h"
#include "adapters/upstash/protocol.h"
#include "adapters/upstash/sync_token.h"
#include "adapters/upstash/token.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/base/secret.h"

namespace strata::internal {

// What the commands of a call do to the database, and so whether they may be sent twice.
enum class UpstashCallKind : std::uint8_t {
  kRead,
  kFencedWrite,  // harmless when repeated
  kSentOnce,     // a plain write, or a lease: late it does harm
};

// Redis commands over the REST API. Thread-safe. Every status it gives names the server.
class UpstashClient {
 public:
  struct Options {
    UpstashPool::Options pool;
    Secret token;
    SecretSource token_source = nullptr;
    std::chrono::nanoseconds request_timeout{};
  };

  // `clock` measures deadlines; it must outlive the client.
  UpstashClient(Options options, const Clock& clock)
      : token_(std::move(options.token), std::move(options.token_source)),
        request_timeout_(options.request_timeout),
        server_(options.pool.endpoint.describe()),
        host_(options.pool.endpoint.hostHeader()),
        path_(options.pool.endpoint.path),
        clock_(clock),
        pool_(std::move(options.pool)) {}

  // The reply to each command, or why there is none. As many requests as it takes, one after the
  // other; after one that failed as a whole, the rest are not sent and fail alike.
  UpstashReplies run(absl::Span<const UpstashCommand> commands, UpstashCallKind kind,
                     Deadline deadline);

  absl::Status annotated(const absl::Status& status) const;
  // For a reply that no server gives to what was asked.
  absl::Status unexpected() const;

 private:
  // One call: its connection, and until when it may take.
  struct Call;

  absl::StatusOr<Call> begin(Deadline deadline);
  absl::StatusOr<UpstashReplies> request(Call& call, absl::Span<const UpstashCommand> commands,
                                         UpstashCallKind kind);
  // With the newest token.
  absl::StatusOr<HttpAnswer> authorized(Call& call, HttpRequest request, UpstashCallKind kind);
  absl::StatusOr<HttpAnswer> exchange(Call& call, std::string_view bytes, UpstashCallKind kind);

  UpstashToken token_;
  const std::chrono::nanoseconds request_timeout_;
  const std::string server_;
  const std::string host_;
  const std::string path_;
  const Clock& clock_;
  UpstashSyncToken sync_token_;
  UpstashPool pool_;
};

}  // namespace strata::internal
