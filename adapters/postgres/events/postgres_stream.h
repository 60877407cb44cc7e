// PostgresStream: a session that waits for notifications and runs one statement at a time
// meanwhile, without ever blocking but in `wait`.
#pragma once

#include <libpq-fe.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/postgres/client/connection.h"
#include "adapters/postgres/client/libpq_handles.h"
#include "src/base/starved_wait.h"

namespace strata::postgres {

using Moment = std::chrono::steady_clock::time_point;

// For one thread.
class PostgresStream {
 public:
  explicit PostgresStream(std::unique_ptr<Connection> connection);

  // Begins statements, separated by ';', while none is under way. `what` is for messages; a server
  // that says nothing for `patience` after it is given up.
  absl::Status begin(const std::string& sql, const char* what, std::chrono::nanoseconds patience);
  bool isBusy() const { return is_busy_; }
  // When the server is to have said something; far away while nothing is asked of it.
  Moment limit() const;

  // Waits for the server or until `wake_fd` can be read, at most `until`. Unavailable,
  // DeadlineExceeded: the session is lost.
  absl::Status wait(int wake_fd, Moment until);
  // The last answer to the statements that are done, or why one of them failed. Once.
  absl::StatusOr<Result> takeAnswer();
  // `text` as a literal of SQL, with its quotes.
  std::string quoted(const std::string& text) const;
  Notify nextNotify() { return Notify(PQnotifies(raw_)); }

 private:
  // Nothing came by the limit: why the session is given up, if it is.
  absl::Status judgeSilence(Moment began);
  absl::Status readAnswers();
  absl::Status failureOf(const PGresult& result) const;
  absl::Status lost() const;

  const std::unique_ptr<Connection> owner_;
  PGconn* const raw_;
  const char* what_ = "";
  bool is_busy_ = false;
  Moment begun_at_{};
  Moment heard_at_{};
  std::chrono::nanoseconds patience_{};
  internal::StarvedWait starved_{"postgres_stream"};
  Result answer_;
  absl::Status failure_;
};

}  // namespace strata::postgres
