#include "adapters/postgres/connection.h"

#include <fmt/format.h>
#include <poll.h>
#include <soci/postgresql/soci-postgresql.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "adapters/postgres/sqlstate.h"

namespace strata::postgres {
namespace {

// How long after the server's own statement_timeout the watchdog gives it up.
constexpr absl::Duration kServerGrace = absl::Seconds(1);
// The look at the socket is a system call; a busy connection is spared it.
constexpr absl::Duration kSurelyAlive = absl::Milliseconds(1);
// A parameter larger than this does not keep its buffer.
constexpr std::size_t kKeptBuffer = 64 * 1024;

// Asks once more only to learn the SQLSTATE, which neither SOCI nor libpq's ordinary message tells,
// and whose text may be in any language. A server that takes the connection this time was starting.
std::string sqlStateOfConnectFailure(const ConnInfo& where) {
  PGconn* connection = PQconnectStart(where.text.reveal().c_str());
  PQsetErrorVerbosity(connection, PQERRORS_SQLSTATE);
  PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
  while (wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING) {
    const short events = wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    pollfd socket{.fd = PQsocket(connection), .events = events, .revents = 0};
    constexpr int kPatience = 2000;  // ms
    if (::poll(&socket, 1, kPatience) <= 0) break;
    wanted = PQconnectPoll(connection);
  }
  // "… failed: FATAL:  28P01\n"
  std::string message = PQerrorMessage(connection);
  const bool accepted = PQstatus(connection) == CONNECTION_OK;
  PQfinish(connection);
  if (accepted) return "57P03";
  while (!message.empty() && message.back() == '\n') message.pop_back();
  const std::size_t start = message.rfind(":  ");
  const bool has_state = start != std::string::npos && message.size() - start == 3 + 5;
  return has_state ? message.substr(start + 3) : "";
}

bool serverAnswered(std::string_view connect_message) {
  return connect_message.find(":  ") != std::string_view::npos;  // "FATAL:  …"
}

// The server's primary message from libpq's terse one, "ERROR:  … at character 15\n".
std::string primaryMessage(PGconn* connection) {
  std::string_view message = PQerrorMessage(connection);
  message = message.substr(0, message.find('\n'));
  const std::size_t start = message.find(":  ");
  return start == std::string_view::npos ? "" : std::string(message.substr(start + 3));
}

// The SQLSTATE of what `call` throws, empty when the server gave none; none when it returns.
template <typename Call>
std::optional<std::string> sqlStateOf(Call call) {
  try {
    call();
    return std::nullopt;
  } catch (const soci::postgresql_soci_error& error) {
    const std::string sqlstate = error.sqlstate();
    return sqlstate.front() == ' ' ? "" : sqlstate;
  } catch (const std::exception&) {
    return "";
  }
}

std::string sqlStateIn(const PGresult* result) {
  const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return sqlstate == nullptr ? "" : sqlstate;
}

soci::postgresql_statement_backend& backendOf(soci::statement& statement) {
  return static_cast<soci::postgresql_statement_backend&>(*statement.get_backend());
}

}  // namespace

// A prepared statement with the buffers that its parameters are bound to for good.
struct Connection::Prepared {
  Prepared(soci::session& session, std::size_t parameters)
      : statement(session), texts(parameters), indicators(parameters, soci::i_ok) {
    // SOCI asks for the name of every parameter of a statement that fails, and throws something
    // else when there is none; it takes names only from ':name'.
    backendOf(statement).names_.assign(parameters, "parameter");
    for (std::size_t i = 0; i < parameters; ++i) {
      statement.exchange(soci::use(texts[i], indicators[i]));
    }
  }
  // The session ends with its statements: no DEALLOCATE for each, which would wait for the server.
  ~Prepared() { backendOf(statement).statementName_.clear(); }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

  void assign(absl::Span<const Bind> binds) {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      indicators[i] = binds[i] ? soci::i_ok : soci::i_null;
      if (binds[i]) texts[i].assign(*binds[i]);
    }
  }
  // After it has failed: SOCI frees its copies of the parameters when a statement has succeeded,
  // and otherwise loses them when it is executed again.
  void freeCopies() {
    for (auto& [position, copy] : backendOf(statement).useByPosBuffers_) {
      delete[] std::exchange(*copy, nullptr);
    }
  }
  void clear() {
    backendOf(statement).result_.reset();
    for (std::string& text : texts) {
      if (text.capacity() > kKeptBuffer) std::string().swap(text);
    }
  }

  soci::statement statement;
  std::vector<std::string> texts;
  std::vector<soci::indicator> indicators;
};

Connection::Connection(const Settings& settings, Watchdog& watchdog, const Clock& clock)
    : clock_(clock),
      statement_timeout_(settings.statement_timeout),
      prepare_statements_(settings.prepare_statements),
      needs_primary_(settings.where.needs_primary),
      watchdog_(watchdog) {}

Connection::~Connection() = default;

absl::StatusOr<std::unique_ptr<Connection>> Connection::openOnce(const Settings& settings,
                                                                 Watchdog& watchdog,
                                                                 const Clock& clock) {
  std::unique_ptr<Connection> made(new Connection(settings, watchdog, clock));
  try {
    made->session_.open(soci::postgresql, settings.where.text.reveal());
  } catch (const soci::soci_error& error) {
    const std::string message = error.get_error_message();
    const std::string sqlstate =
        serverAnswered(message) ? sqlStateOfConnectFailure(settings.where) : "";
    return connectFailure(settings.where, sqlstate, message);
  }
  absl::Status status = made->setUp();
  if (status.ok() && settings.where.needs_primary) {
    // One that cannot tell, for this is only like a PostgreSQL, is taken.
    status = made->prove(MonotonicTime::max());
    if (made->readOnly()) return standbyFailure(settings.where);
    if (!made->lost()) return made;
  }
  if (made->lost() && !made->expired()) return endedAtOnce(settings.where);
  if (!status.ok()) return status;
  return made;
}

absl::Status Connection::setUp() {
  auto* backend = static_cast<soci::postgresql_session_backend*>(session_.get_backend());
  connection_ = backend->conn_;
  PQsetErrorVerbosity(connection_, PQERRORS_TERSE);
  PQsetNoticeProcessor(
      connection_, [](void*, const char*) {}, nullptr);
  watch_.emplace(watchdog_, connection_);
  opened_at_ = clock_.now();
  const auto timeout = absl::ToInt64Milliseconds(statement_timeout_);
  return script(fmt::format("SET statement_timeout = {}; SET TimeZone = 'UTC';"
                            "SET DateStyle = 'ISO, MDY'; SET client_encoding = 'UTF8';"
                            "SET standard_conforming_strings = on",
                            timeout),
                "set up a connection", limitOf(opened_at_, {}));
}

MonotonicTime Connection::limitOf(MonotonicTime now, Deadline deadline) const {
  return std::min(deadline.time(), now + (statement_timeout_ + kServerGrace));
}

absl::Status Connection::guarded(std::string_view what, MonotonicTime now, MonotonicTime limit,
                                 absl::FunctionRef<std::optional<std::string>()> call) {
  used_at_ = now;
  watchdog_.watch(*watch_, now, limit);
  const std::optional<std::string> failed = call();
  const Watchdog::Outcome outcome = watchdog_.release(*watch_);
  if (!outcome.reusable) lost_ = true;
  // An answer that came just before the limit is an answer.
  if (!failed) return absl::OkStatus();
  expired_ = outcome.expired;
  return failure(what, *failed);
}

// SOCI's message is not used: it quotes the parameters.
absl::Status Connection::failure(std::string_view what, std::string_view sqlstate) {
  const bool broken = PQstatus(connection_) != CONNECTION_OK;
  read_only_ = sqlstate == "25006";
  refused_ = sqlstate == "0A000" || sqlstate == "26000" || read_only_;
  blocked_ = sqlstate == "55P03" || sqlstate == "40P01";
  lost_ = lost_ || broken || refused_ || endsConnection(sqlstate);
  if (expired_) return absl::DeadlineExceededError(fmt::format("{}: out of time", what));
  if (!sqlstate.empty()) return toStatus(what, sqlstate, primaryMessage(connection_));
  if (broken) return absl::UnavailableError(fmt::format("{}: the connection was lost", what));
  return absl::InternalError(fmt::format("{}: the statement could not be sent", what));
}

absl::Status Connection::prepare(const Statement& statement, std::size_t parameters,
                                 Deadline deadline) {
  if (prepared_.contains(statement.key())) return absl::OkStatus();
  auto made = std::make_unique<Prepared>(session_, parameters);
  const auto type =
      prepare_statements_ ? soci::details::st_repeatable_query : soci::details::st_one_time_query;
  const auto call = [&] {
    return sqlStateOf([&] {
      made->statement.alloc();
      made->statement.prepare(statement.sql(), type);
      made->statement.define_and_bind();
    });
  };
  const MonotonicTime now = clock_.now();
  absl::Status status = guarded(statement.what(), now, limitOf(now, deadline), call);
  if (status.ok()) prepared_.emplace(statement.key(), std::move(made));
  return status;
}

absl::StatusOr<Rows> Connection::execute(const Statement& statement, absl::Span<const Bind> binds,
                                         Deadline deadline) {
  Prepared& prepared = *prepared_.at(statement.key());
  if (binds.size() != prepared.texts.size()) {
    return absl::InternalError(fmt::format("{}: {} parameters bound where {} are", statement.what(),
                                           binds.size(), prepared.texts.size()));
  }
  clear();
  prepared.assign(binds);
  last_ = &prepared;
  const auto call = [&] { return sqlStateOf([&] { prepared.statement.execute(false); }); };
  const MonotonicTime now = clock_.now();
  absl::Status status = guarded(statement.what(), now, limitOf(now, deadline), call);
  if (!status.ok()) {
    prepared.freeCopies();
    return status;
  }
  return Rows(backendOf(prepared.statement).result_.get_result());
}

absl::StatusOr<Rows> Connection::run(const Statement& statement, absl::Span<const Bind> binds,
                                     Deadline deadline) {
  if (absl::Status status = prepare(statement, binds.size(), deadline); !status.ok()) return status;
  return execute(statement, binds, deadline);
}

absl::Status Connection::script(std::string_view sql, std::string_view what, MonotonicTime limit) {
  clear();
  // Past SOCI, which would take a ':' in a comment or a $$body$$ for a parameter.
  const auto call = [&]() -> std::optional<std::string> {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection_, std::string(sql).c_str()), &PQclear);
    const ExecStatusType outcome = PQresultStatus(result.get());
    if (outcome == PGRES_COMMAND_OK || outcome == PGRES_TUPLES_OK) return std::nullopt;
    if (outcome == PGRES_EMPTY_QUERY) return std::nullopt;
    return sqlStateIn(result.get());
  };
  return guarded(what, clock_.now(), limit, call);
}

absl::Status Connection::prove(MonotonicTime limit) {
  clear();
  bool standby = false;
  const auto call = [&]() -> std::optional<std::string> {
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(
        PQexec(connection_, "SELECT pg_catalog.pg_is_in_recovery()"), &PQclear);
    if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) return sqlStateIn(result.get());
    standby = *PQgetvalue(result.get(), 0, 0) == 't';
    return std::nullopt;
  };
  const MonotonicTime now = clock_.now();
  absl::Status status = guarded("check the database", now, std::min(limit, limitOf(now, {})), call);
  if (!status.ok() || !standby || !needs_primary_) return status;
  lost_ = true;
  read_only_ = true;
  expired_ = false;
  return absl::UnavailableError(fmt::format("check the database: {}", kStandby));
}

void Connection::clear() {
  if (last_ != nullptr) std::exchange(last_, nullptr)->clear();
}

bool Connection::looksAlive(MonotonicTime now) const {
  if (PQstatus(connection_) != CONNECTION_OK) return false;
  if (now - used_at_ < kSurelyAlive) return true;
  pollfd socket{.fd = PQsocket(connection_), .events = POLLIN | POLLRDHUP, .revents = 0};
  return ::poll(&socket, 1, 0) == 0;
}

bool Connection::inTransaction() const {
  return PQtransactionStatus(connection_) == PQTRANS_INTRANS;
}

bool Connection::inFailedTransaction() const {
  return PQtransactionStatus(connection_) == PQTRANS_INERROR;
}

bool Connection::mustBeDropped() const {
  return lost_ || PQtransactionStatus(connection_) != PQTRANS_IDLE;
}

}  // namespace strata::postgres
