#include "adapters/postgres/events/postgres_stream.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "adapters/postgres/client/sqlstate.h"

namespace strata::postgres {
namespace {

using std::chrono::steady_clock;

// In whole milliseconds, not less than what is left.
int millisecondsUntil(Moment until) {
  using std::chrono::milliseconds;
  constexpr milliseconds kLongest = std::chrono::hours(1);
  const auto left = std::chrono::ceil<milliseconds>(
      std::min<steady_clock::duration>(until - steady_clock::now(), kLongest));
  return static_cast<int>(std::max(left, milliseconds(0)).count());
}

}  // namespace

PostgresStream::PostgresStream(std::unique_ptr<Connection> connection)
    : owner_(std::move(connection)), raw_(owner_->raw()) {
  owner_->clear();
  PQsetnonblocking(raw_, 1);
}

absl::Status PostgresStream::begin(const std::string& sql, const char* what,
                                   std::chrono::nanoseconds patience) {
  what_ = what;
  patience_ = patience;
  begun_at_ = steady_clock::now();
  answer_ = nullptr;
  failure_ = absl::OkStatus();
  if (PQsendQuery(raw_, sql.c_str()) == 0) return lost();
  is_busy_ = true;
  return absl::OkStatus();
}

Moment PostgresStream::limit() const {
  return is_busy_ ? std::max(begun_at_, heard_at_) + patience_ : Moment::max();
}

absl::Status PostgresStream::wait(int wake_fd, Moment until) {
  const int unsent = PQflush(raw_);
  if (unsent < 0) return lost();
  const short events = unsent > 0 ? POLLIN | POLLOUT : POLLIN;
  std::array<pollfd, 2> files{{{.fd = PQsocket(raw_), .events = events, .revents = 0},
                               {.fd = wake_fd, .events = POLLIN, .revents = 0}}};
  const Moment began = steady_clock::now();
  const int timeout = millisecondsUntil(std::min(until, limit()));
  if (::poll(files.data(), files.size(), timeout) < 0 && errno != EINTR) return lost();
  if (files[0].revents != 0) {
    if (PQconsumeInput(raw_) == 0) return lost();
    if ((files[0].revents & POLLIN) != 0) {
      heard_at_ = steady_clock::now();
      starved_.answered();
    }
  }
  if (absl::Status read = readAnswers(); !read.ok()) return read;
  return is_busy_ ? judgeSilence(began) : absl::OkStatus();
}

absl::Status PostgresStream::judgeSilence(Moment began) {
  const Moment now = steady_clock::now();
  const Moment end = limit();
  if (now < end) return absl::OkStatus();
  if (!starved_.repeats({.until = end, .timeout = patience_, .began = began, .now = now})) {
    return absl::DeadlineExceededError(fmt::format("{}: the server does not answer", what_));
  }
  begun_at_ = now;
  return absl::OkStatus();
}

absl::Status PostgresStream::readAnswers() {
  while (is_busy_ && PQisBusy(raw_) == 0) {
    Result result(PQgetResult(raw_));
    if (result == nullptr) {
      is_busy_ = false;
      break;
    }
    const ExecStatusType outcome = PQresultStatus(result.get());
    if (outcome != PGRES_COMMAND_OK && outcome != PGRES_TUPLES_OK) {
      failure_ = failureOf(*result);
      if (PQstatus(raw_) != CONNECTION_OK) return failure_;
    }
    answer_ = std::move(result);
  }
  return PQstatus(raw_) == CONNECTION_OK ? absl::OkStatus() : lost();
}

absl::Status PostgresStream::failureOf(const PGresult& result) const {
  const char* const sqlstate = PQresultErrorField(&result, PG_DIAG_SQLSTATE);
  if (sqlstate == nullptr) return lost();
  const char* const message = PQresultErrorField(&result, PG_DIAG_MESSAGE_PRIMARY);
  return toStatus(what_, sqlstate, message == nullptr ? "" : message);
}

absl::StatusOr<Result> PostgresStream::takeAnswer() {
  if (!failure_.ok()) return std::exchange(failure_, absl::OkStatus());
  return std::move(answer_);
}

std::string PostgresStream::quoted(const std::string& text) const {
  const std::unique_ptr<char, decltype(&PQfreemem)> literal(
      PQescapeLiteral(raw_, text.data(), text.size()), &PQfreemem);
  return literal == nullptr ? "NULL" : literal.get();
}

absl::Status PostgresStream::lost() const {
  return absl::UnavailableError("the connection to PostgreSQL was lost");
}

}  // namespace strata::postgres
