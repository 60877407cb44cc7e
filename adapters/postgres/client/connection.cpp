#include "adapters/postgres/client/connection.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "adapters/postgres/client/session_settings.h"
#include "adapters/postgres/client/sqlstate.h"
#include "src/store/page_bound.h"
#include "strata/base/status.h"
#include "strata/records/row_codec.h"

namespace strata::postgres {
namespace {

// How long after the server's own statement_timeout the watchdog gives it up.
constexpr absl::Duration kServerGrace = absl::Seconds(1);
// The look at the socket is a system call; a busy connection is spared it.
constexpr absl::Duration kSurelyAlive = absl::Milliseconds(1);
// Each time another transaction has got on, so even with many rivals one's turn comes.
constexpr int kMostTries = 8;

constexpr const char* kSetTimeout = "SELECT pg_catalog.set_config('statement_timeout', $1, true)";

// Asks once more only to learn the SQLSTATE, which libpq's ordinary message does not tell, and whose
// text may be in any language. A server that takes the connection this time was starting.
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

// PgBouncer's "FATAL:  unsupported startup parameter: options". Empty: it is another failure.
std::string refusedParameter(std::string_view message) {
  constexpr std::string_view kSign = "unsupported startup parameter: ";
  const std::size_t sign = message.find(kSign);
  if (sign == std::string_view::npos) return "";
  const std::string_view rest = message.substr(sign + kSign.size());
  return std::string(rest.substr(0, rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz_")));
}

absl::Status connectFailure(const ConnInfo& where, std::string_view message) {
  if (const std::string parameter = refusedParameter(message); !parameter.empty()) {
    return absl::InvalidArgumentError(fmt::format(
        "cannot connect to PostgreSQL ({}): a pooler refuses the URL's parameter \"{}\"",
        where.place, parameter));
  }
  return connectFailure(where, serverAnswered(message) ? sqlStateOfConnectFailure(where) : "",
                        message);
}

// The statement was not found, or its name is taken: the session is not the one that it was.
bool lostItsStatements(std::string_view sqlstate) {
  return sqlstate == "26000" || sqlstate == "42P05";
}

// Another transaction came first, and nothing of this one happened.
bool wasRolledBack(std::string_view sqlstate) { return sqlstate == "40001" || sqlstate == "40P01"; }

SetUp::Stay stayOf(const Pooler& pooler) {
  if (!pooler.keepsSessions()) return SetUp::Stay::kNo;
  return pooler.policy() == PrepareStatements::kOn ? SetUp::Stay::kYes : SetUp::Stay::kUnlessPooled;
}

absl::InlinedVector<const char*, 16> valuesOf(absl::Span<const Bind> binds) {
  absl::InlinedVector<const char*, 16> values(binds.size());
  for (std::size_t i = 0; i < binds.size(); ++i) values[i] = binds[i] ? binds[i]->c_str() : nullptr;
  return values;
}

// A standby says so of a transaction that is to write: as of a write.
void nameReadOnly(const Pipeline::Outcome& outcome, std::optional<Failure>& failure) {
  if (failure && outcome.failed == 0 && failure->sqlstate == "0A000") failure->sqlstate = "25006";
}

}  // namespace

Connection::Connection(const Settings& settings, Watchdog& watchdog, const Clock& clock)
    : clock_(clock),
      statement_timeout_(settings.statement_timeout),
      needs_primary_(settings.where.needs_primary),
      pooler_(settings.pooler),
      watchdog_(watchdog) {}

Connection::~Connection() = default;

absl::StatusOr<std::unique_ptr<Connection>> Connection::openOnce(const Settings& settings,
                                                                 Watchdog& watchdog,
                                                                 const Clock& clock) {
  std::unique_ptr<Connection> made(new Connection(settings, watchdog, clock));
  made->connection_.reset(PQconnectdb(settings.where.text.reveal().c_str()));
  PGconn* const raw = made->raw();
  if (PQstatus(raw) != CONNECTION_OK) return connectFailure(settings.where, PQerrorMessage(raw));
  absl::Status status = made->setUp();
  if (status.ok() && settings.where.needs_primary && made->is_standby_) {
    return standbyFailure(settings.where);
  }
  if (made->lost() && !made->expired()) return endedAtOnce(settings.where);
  if (absl::IsFailedPrecondition(status)) {
    return annotate(status, fmt::format("PostgreSQL ({})", settings.where.place));
  }
  if (!status.ok()) return status;
  return made;
}

absl::Status Connection::setUp() {
  PQsetNoticeProcessor(
      raw(), [](void*, const char*) {}, nullptr);
  watch_.emplace(watchdog_, raw(), Watchdog::Cancelling::kNever);
  opened_at_ = clock_.now();
  const std::string sql =
      setUpSql({.stay = stayOf(*pooler_),
                .client_backend = PQbackendPID(raw()),
                .server_version = PQserverVersion(raw()),
                .statement_timeout = absl::ToInt64Milliseconds(statement_timeout_)});
  absl::Status status = guarded("set up a connection", opened_at_, limitOf(opened_at_, {}),
                                [&] { return query(sql.c_str()); });
  return status.ok() ? readSetUp(Rows(result_.get())) : status;
}

absl::Status Connection::readSetUp(const Rows& row) {
  is_pooled_ = row.at(0, kIsPooled) == "t";
  is_standby_ = row.at(0, kIsStandby) == "t";
  if (is_pooled_) pooler_->recognise("the server knows the session by another number");
  if (!is_pooled_) watch_.emplace(watchdog_, raw());
  cancels_ = !is_pooled_;
  if (row.at(0, kReplicationRole) == "replica") {
    return absl::FailedPreconditionError(
        "session_replication_role is replica for this role, database or server, which turns "
        "foreign keys and triggers off");
  }
  search_path_ = row.at(0, kSearchPath).value_or("");
  local_settings_ = localSettingsSql("$1", search_path_);
  if (search_path_.empty() || !pooler_->keepsSessions()) return absl::OkStatus();
  return script(fmt::format("SELECT pg_catalog.set_config('search_path', {}, false)",
                            quoteLiteral(search_path_)),
                "set up a connection", limitOf(opened_at_, {}));
}

absl::Status Connection::requireSession() const {
  const bool may_be_shared = is_pooled_ || pooler_->isRecognised();
  if (pooler_->policy() == PrepareStatements::kOn || !may_be_shared) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "this needs a session of its own, and there is a pooler before the server: set "
      "DATABASE_DIRECT_URL to a URL that leads past it, or DATABASE_PREPARE_STATEMENTS=on if it "
      "is in session mode");
}

MonotonicTime Connection::limitOf(MonotonicTime now, Deadline deadline) const {
  return std::min(deadline.time(), now + (statement_timeout_ + kServerGrace));
}

// Not less than a millisecond, for 0 is no limit.
std::string Connection::timeoutUntil(MonotonicTime limit) const {
  const absl::Duration left = std::min(limit - clock_.now(), statement_timeout_);
  return std::to_string(std::max<std::int64_t>(absl::ToInt64Milliseconds(left), 1));
}

absl::Status Connection::guarded(std::string_view what, MonotonicTime now, MonotonicTime limit,
                                 Call call) {
  used_at_ = now;
  watchdog_.watch(*watch_, now, limit);
  const std::optional<Failure> failed = call();
  const Watchdog::Outcome outcome = watchdog_.release(*watch_);
  if (!outcome.reusable) lost_ = true;
  // An answer that came just before the limit is an answer.
  if (!failed) return absl::OkStatus();
  expired_ = outcome.expired;
  return failure(what, *failed);
}

absl::Status Connection::failure(std::string_view what, const Failure& failed) {
  sqlstate_ = failed.sqlstate;
  const bool broken = PQstatus(raw()) != CONNECTION_OK;
  const bool pooler_shows =
      lostItsStatements(sqlstate_) && pooler_->policy() != PrepareStatements::kOn;
  read_only_ = sqlstate_ == "25006";
  refused_ = sqlstate_ == "0A000" || read_only_ || (lostItsStatements(sqlstate_) && !pooler_shows);
  blocked_ = sqlstate_ == "55P03" || sqlstate_ == "40P01";
  lost_ = lost_ || broken || refused_ || endsConnection(sqlstate_) ||
          PQpipelineStatus(raw()) != PQ_PIPELINE_OFF;
  if (expired_) return absl::DeadlineExceededError(fmt::format("{}: out of time", what));
  if (pooler_shows) {
    pooler_->recognise("it lost a prepared statement");
    return absl::AbortedError(
        fmt::format("{}: a pooler took the prepared statements of the session away", what));
  }
  if (!sqlstate_.empty()) return toStatus(what, sqlstate_, failed.message);
  if (broken) return absl::UnavailableError(fmt::format("{}: the connection was lost", what));
  return absl::InternalError(fmt::format("{}: the statement could not be sent", what));
}

absl::Status Connection::prepare(const Statement& statement, std::size_t parameters,
                                 Deadline deadline) {
  if (!pooler_->keepsSessions() || prepared_.find(statement) != nullptr) return absl::OkStatus();
  std::string name = prepared_.newName();
  const MonotonicTime now = clock_.now();
  absl::Status status = guarded(statement.what(), now, limitOf(now, deadline),
                                [&] { return prepareNow(name, statement); });
  if (status.ok()) prepared_.add(statement, std::move(name), parameters);
  // It is sent without a name then.
  return mayRepeat(deadline) && !pooler_->keepsSessions() ? absl::OkStatus() : status;
}

std::optional<Failure> Connection::prepareNow(const std::string& name, const Statement& statement) {
  if (!prepared_.isFull()) {
    const Result prepared(PQprepare(raw(), name.c_str(), statement.sql().c_str(), 0, nullptr));
    return failureOf(prepared.get());
  }
  Pipeline pipeline(raw());
  const std::string make_room = fmt::format("DEALLOCATE {}", prepared_.takeOldest());
  pipeline.query(make_room.c_str());
  pipeline.prepare(name.c_str(), statement.sql().c_str());
  return pipeline.finish(0).failure;
}

absl::StatusOr<Rows> Connection::execute(const Statement& statement, absl::Span<const Bind> binds,
                                         Deadline deadline) {
  clear();
  const absl::InlinedVector<const char*, 16> values = valuesOf(binds);
  const bool alone = isAlone();
  for (int tries = 1;; ++tries) {
    absl::Status status = executeOnce(statement, values, deadline);
    if (status.ok()) return Rows(result_.get());
    if (!alone || tries == kMostTries || !mayRepeat(deadline)) return status;
  }
}

bool Connection::mayRepeat(Deadline deadline) const {
  const bool nothing_happened = wasRolledBack(sqlstate_) || lostItsStatements(sqlstate_);
  return nothing_happened && !lost_ && isAlone() && !deadline.hasPassed(clock_);
}

absl::Status Connection::executeOnce(const Statement& statement, ParameterValues values,
                                     Deadline deadline) {
  const MonotonicTime now = clock_.now();
  const MonotonicTime limit = limitOf(now, deadline);
  if (!pooler_->keepsSessions()) {
    stopCancelling();
    absl::Status status = guarded(statement.what(), now, limit, [&] {
      return isAlone() ? executeAlone(statement, values, limit)
                       : executeInside(statement, values, limit);
    });
    return statement.isPage() ? checkPage(std::move(status)) : status;
  }
  const PreparedStatement* const prepared = prepared_.find(statement);
  if (prepared == nullptr || prepared->parameters != values.size()) {
    return absl::InternalError(
        fmt::format("{}: not prepared for {} parameters", statement.what(), values.size()));
  }
  if (statement.isPage()) {
    return checkPage(
        guarded(statement.what(), now, limit, [&] { return receivePage(prepared->name, values); }));
  }
  return guarded(statement.what(), now, limit,
                 [&] { return executePrepared(prepared->name, values); });
}

absl::Status Connection::checkPage(absl::Status status) {
  const bool is_cut_off = std::exchange(is_too_large_, false);
  if (is_cut_off && !expired_) {
    lost_ = true;
  } else if (!status.ok() || !isTooLarge(result_.get())) {
    return status;
  }
  clear();
  sqlstate_.clear();
  expired_ = false;
  return internal::pageTooLarge();
}

// A request to cancel could reach another client's statement in the session.
void Connection::stopCancelling() {
  if (!pooler_->isRecognised() || !std::exchange(cancels_, false)) return;
  watch_.emplace(watchdog_, raw(), Watchdog::Cancelling::kNever);
}

std::optional<Failure> Connection::executePrepared(const std::string& name,
                                                   ParameterValues values) {
  result_.reset(PQexecPrepared(raw(), name.c_str(), static_cast<int>(values.size()), values.data(),
                               nullptr, nullptr, 0));
  return failureOf(result_.get());
}

std::optional<Failure> Connection::receivePage(const std::string& name, ParameterValues values) {
  if (PQsendQueryPrepared(raw(), name.c_str(), static_cast<int>(values.size()), values.data(),
                          nullptr, nullptr, 0) == 0) {
    return Failure{};
  }
  is_too_large_ = !AnswerBound(raw()).await();
  if (is_too_large_) return Failure{};
  result_.reset(PQgetResult(raw()));
  while (const Result end{PQgetResult(raw())}) {
  }
  return failureOf(result_.get());
}

std::optional<Failure> Connection::executeAlone(const Statement& statement, ParameterValues values,
                                                MonotonicTime limit) {
  const std::string timeout = timeoutUntil(limit);
  const char* const timeouts[] = {timeout.c_str()};
  Pipeline pipeline(raw());
  pipeline.query(beginSql(statement.writes()));
  pipeline.query(local_settings_.c_str(), timeouts);
  pipeline.query(statement.sql().c_str(), values);
  pipeline.query("COMMIT");
  Pipeline::Outcome outcome = pipeline.finish(2, statement.bound());
  is_too_large_ = outcome.is_too_large;
  result_ = std::move(outcome.answer);
  nameReadOnly(outcome, outcome.failure);
  if (inFailedTransaction()) Result(PQexec(raw(), "ROLLBACK"));
  return std::move(outcome.failure);
}

std::optional<Failure> Connection::executeInside(const Statement& statement, ParameterValues values,
                                                 MonotonicTime limit) {
  Pipeline pipeline(raw());
  // One that failed takes nothing but its end.
  const bool limits = limits_statements_ && !inFailedTransaction();
  const std::string timeout = timeoutUntil(limit);
  const char* const timeouts[] = {timeout.c_str()};
  if (limits) pipeline.query(kSetTimeout, timeouts);
  pipeline.query(statement.sql().c_str(), values);
  Pipeline::Outcome outcome = pipeline.finish(limits ? 1 : 0, statement.bound());
  is_too_large_ = outcome.is_too_large;
  result_ = std::move(outcome.answer);
  return std::move(outcome.failure);
}

std::optional<Failure> Connection::query(const char* sql) {
  result_.reset(PQexec(raw(), sql));
  return failureOf(result_.get());
}

const char* Connection::beginSql(bool writes) const {
  // A session of one's own has the default that suits both a primary and a standby.
  const bool says_so = writes && !is_standby_ && !pooler_->keepsSessions();
  return says_so ? "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
                 : "BEGIN ISOLATION LEVEL READ COMMITTED";
}

absl::Status Connection::begin(Deadline deadline) {
  clear();
  limits_statements_ = true;
  const MonotonicTime now = clock_.now();
  const MonotonicTime limit = limitOf(now, deadline);
  const auto call = [&]() -> std::optional<Failure> {
    if (pooler_->keepsSessions()) return query(beginSql(true));
    const std::string timeout = timeoutUntil(limit);
    const char* const timeouts[] = {timeout.c_str()};
    Pipeline pipeline(raw());
    pipeline.query(beginSql(true));
    pipeline.query(local_settings_.c_str(), timeouts);
    Pipeline::Outcome outcome = pipeline.finish(0);
    nameReadOnly(outcome, outcome.failure);
    return std::move(outcome.failure);
  };
  return guarded("begin a transaction", now, limit, call);
}

absl::StatusOr<Rows> Connection::run(const Statement& statement, absl::Span<const Bind> binds,
                                     Deadline deadline) {
  if (absl::Status status = prepare(statement, binds.size(), deadline); !status.ok()) return status;
  return execute(statement, binds, deadline);
}

absl::Status Connection::script(std::string_view sql, std::string_view what, MonotonicTime limit) {
  clear();
  std::string text;
  if (isAlone()) {
    limits_statements_ = false;
    if (!pooler_->keepsSessions()) text = scriptSettings();
  }
  text += sql;
  return guarded(what, clock_.now(), limit, [&] { return query(text.c_str()); });
}

// A script is one transaction, whose first statement may still say what kind.
std::string Connection::scriptSettings() const {
  const std::string timeout = fmt::format("'{}'", absl::ToInt64Milliseconds(statement_timeout_));
  return fmt::format("SET TRANSACTION ISOLATION LEVEL READ COMMITTED{};{};",
                     is_standby_ ? "" : ", READ WRITE", localSettingsSql(timeout, search_path_));
}

absl::Status Connection::prove(MonotonicTime limit) {
  clear();
  const MonotonicTime now = clock_.now();
  absl::Status status = guarded("check the database", now, std::min(limit, limitOf(now, {})),
                                [&] { return query("SELECT pg_catalog.pg_is_in_recovery()"); });
  if (!status.ok()) return status;
  is_standby_ = Rows(result_.get()).at(0, 0) == "t";
  if (!is_standby_ || !needs_primary_) return absl::OkStatus();
  lost_ = true;
  read_only_ = true;
  expired_ = false;
  return absl::UnavailableError(fmt::format("check the database: {}", kStandby));
}

void Connection::clear() { result_.reset(); }

bool Connection::looksAlive(MonotonicTime now) const {
  if (PQstatus(raw()) != CONNECTION_OK) return false;
  if (now - used_at_ < kSurelyAlive) return true;
  pollfd socket{.fd = PQsocket(raw()), .events = POLLIN | POLLRDHUP, .revents = 0};
  return ::poll(&socket, 1, 0) == 0;
}

bool Connection::inTransaction() const { return PQtransactionStatus(raw()) == PQTRANS_INTRANS; }

bool Connection::inFailedTransaction() const {
  return PQtransactionStatus(raw()) == PQTRANS_INERROR;
}

bool Connection::mustBeDropped() const {
  return lost_ || PQtransactionStatus(raw()) != PQTRANS_IDLE;
}

}  // namespace strata::postgres
