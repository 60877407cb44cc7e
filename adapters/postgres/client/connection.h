// Connection: one connection to PostgreSQL, and how statements run over it.
//
// Where the session is known to be its own, the settings are made once and statements stay prepared
// in it. Where there is, or may be, a pooler between (pooler.h) nothing is left in a session:
//
//   by itself           BEGIN, settings, the statement without a name, COMMIT    one round trip
//   in a transaction    the time limit, the statement without a name             one round trip
#pragma once

#include <libpq-fe.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "adapters/postgres/client/answer_bound.h"
#include "adapters/postgres/client/conninfo.h"
#include "adapters/postgres/client/libpq_handles.h"
#include "adapters/postgres/client/pipeline.h"
#include "adapters/postgres/client/pooler.h"
#include "adapters/postgres/client/prepared_statements.h"
#include "adapters/postgres/client/statement.h"
#include "adapters/postgres/client/watchdog.h"
#include "src/base/fork.h"
#include "strata/base/deadline.h"

namespace strata::postgres {

// The rows of an answer, in text format. Valid until the connection runs something else.
class Rows {
 public:
  Rows() = default;
  explicit Rows(const PGresult* result) : result_(result) {}

  int size() const { return PQntuples(result_); }
  // Whether the statement answered or changed any row.
  bool any() const {
    const std::string_view count = PQcmdTuples(const_cast<PGresult*>(result_));
    return !count.empty() && count != "0";
  }
  // None for NULL.
  std::optional<std::string_view> at(int row, int column) const {
    if (PQgetisnull(result_, row, column) != 0) return std::nullopt;
    return std::string_view(PQgetvalue(result_, row, column),
                            static_cast<std::size_t>(PQgetlength(result_, row, column)));
  }
  // The bytes of the texts and JSON in all rows.
  std::size_t textBytes() const { return postgres::textBytes(result_); }

 private:
  const PGresult* result_ = nullptr;
};

// Not thread-safe: one caller at a time, who leased it from the pool.
class Connection {
 public:
  struct Settings {
    ConnInfo where;
    absl::Duration statement_timeout;
    // Shared by the connections of a pool.
    std::shared_ptr<Pooler> pooler;
  };

  // Connects; blocks for as long as libpq's connect_timeout, and for what gives the password. Where
  // that has changed since, a second time. FailedPrecondition: the role, the database or the server
  // has a setting with which answers would be wrong; names it.
  static absl::StatusOr<std::unique_ptr<Connection>> open(const Settings& settings,
                                                          Watchdog& watchdog, const Clock& clock);
  ~Connection();

  // Prepares a statement of `parameters` parameters, unless that was done before or nothing stays in
  // the session. Changes nothing.
  absl::Status prepare(const Statement& statement, std::size_t parameters, Deadline deadline);
  // Runs a statement that was prepared just before. By itself it is repeated where the server rolled
  // it back for another transaction's sake.
  absl::StatusOr<Rows> execute(const Statement& statement, absl::Span<const Bind> binds,
                               Deadline deadline);
  // Both.
  absl::StatusOr<Rows> run(const Statement& statement, absl::Span<const Bind> binds,
                           Deadline deadline);
  // Begins a transaction: read committed, whatever the session's default.
  absl::Status begin(Deadline deadline);
  // Several statements without parameters, separated by ';': one transaction, unless one is open or
  // they bring their own. Runs to its end where the server does, whatever it takes; `limit` is for
  // a server that does not answer.
  absl::Status script(std::string_view sql, std::string_view what,
                      MonotonicTime limit = MonotonicTime::max());
  // Asks the server, in one round trip, whether the session works and, where a primary is needed, is
  // one of a primary. A session of a standby is lost then.
  absl::Status prove(MonotonicTime limit);
  // Frees the last answer.
  void clear();

  // For what talks to the server by itself. No time limit but the server's statement_timeout holds
  // then.
  PGconn* raw() const { return connection_.get(); }
  // Ok: what is left in the session stays there for this connection. FailedPrecondition: there is a
  // pooler between, which may give the session to others; says which variables change that.
  absl::Status requireSession() const;

  // Whether it looks alive without asking the server: an idle session has nothing to say, so a
  // readable socket is one that was closed. Not looked at again within a millisecond of its use.
  bool looksAlive(MonotonicTime now) const;
  bool inTransaction() const;
  // A statement of the transaction failed: the server refuses all but its end.
  bool inFailedTransaction() const;
  // No further statement may be sent: the session is gone, in doubt, or inside a transaction.
  bool mustBeDropped() const;
  // Whether the last error makes the session useless; the statement may have happened unless
  // `refused`.
  bool lost() const { return lost_; }
  // Whether the server refused to run it because of this session's state: its plan is of a table
  // that was altered since, a pooler took the prepared statement away, or the server takes no
  // writes. Another session may.
  bool refused() const { return refused_; }
  // Whether it did so as a standby does, or was found to be one where a primary is needed.
  bool readOnly() const { return read_only_; }
  // Whether the last error was a lock that was not to be had in time, or a deadlock: the
  // transaction did nothing, and may be repeated.
  bool blocked() const { return blocked_; }
  // Whatever this session answers is not to be believed: it is not used again.
  void distrust() { lost_ = true; }
  // Whether the last error came from its time limit.
  bool expired() const { return expired_; }
  // Whether it is the parent's, of whom this process is a fork. It leads nowhere then.
  bool isInherited() const { return made_in_.isInherited(); }
  MonotonicTime openedAt() const { return opened_at_; }
  // When the last thing that the server was asked here was begun.
  MonotonicTime usedAt() const { return used_at_; }

 private:
  using Call = absl::FunctionRef<std::optional<Failure>()>;

  Connection(const Settings& settings, Watchdog& watchdog, const Clock& clock);
  static absl::StatusOr<std::unique_ptr<Connection>> openOnce(const Settings& settings,
                                                              Watchdog& watchdog,
                                                              const Clock& clock);
  absl::Status setUp();
  absl::Status readSetUp(const Rows& row);
  // Says how a transaction begins that reads only, or may write.
  const char* beginSql(bool writes) const;
  bool isAlone() const { return PQtransactionStatus(connection_.get()) == PQTRANS_IDLE; }

  void stopCancelling();
  absl::Status executeOnce(const Statement& statement, ParameterValues values, Deadline deadline);
  std::optional<Failure> executePrepared(const std::string& name, ParameterValues values);
  // The same for a page.
  std::optional<Failure> receivePage(const std::string& name, ParameterValues values);
  // What came of a page, which `pageTooLarge` refuses. Where it was not received to its end the
  // session is lost.
  absl::Status checkPage(absl::Status status);
  // In a transaction of its own, or in the one that is open.
  std::optional<Failure> executeAlone(const Statement& statement, ParameterValues values,
                                      MonotonicTime limit);
  std::optional<Failure> executeInside(const Statement& statement, ParameterValues values,
                                       MonotonicTime limit);
  std::optional<Failure> prepareNow(const std::string& name, const Statement& statement);
  std::optional<Failure> query(const char* sql);
  std::string scriptSettings() const;
  // Whether a statement that has just failed, by itself, may succeed if it is run again now.
  bool mayRepeat(Deadline deadline) const;

  // The latest moment at which a statement that begins now must be over.
  MonotonicTime limitOf(MonotonicTime now, Deadline deadline) const;
  // The statement_timeout, in milliseconds, of a statement that must be over then.
  std::string timeoutUntil(MonotonicTime limit) const;
  // Runs `call` under the watchdog.
  absl::Status guarded(std::string_view what, MonotonicTime now, MonotonicTime limit, Call call);
  absl::Status failure(std::string_view what, const Failure& failed);

  const internal::ProcessMark made_in_;
  const Clock& clock_;
  const absl::Duration statement_timeout_;
  const bool needs_primary_;
  const std::shared_ptr<Pooler> pooler_;
  RawConnection connection_;
  std::optional<Watchdog::Watch> watch_;
  Watchdog& watchdog_;
  PreparedStatements prepared_;
  // The last answer.
  Result result_;
  std::string search_path_;
  std::string local_settings_;
  bool is_pooled_ = false;
  // Whether the watchdog may cancel a statement.
  bool cancels_ = false;
  // Whether each statement of the transaction has its own time limit: not in one of a script, which
  // may have said otherwise.
  bool limits_statements_ = true;
  bool is_standby_ = false;
  MonotonicTime opened_at_;
  MonotonicTime used_at_;
  // Of the last error.
  std::string sqlstate_;
  bool lost_ = false;
  bool refused_ = false;
  bool read_only_ = false;
  bool blocked_ = false;
  bool expired_ = false;
  // Whether the last answer was a page that was too large, and not received to its end.
  bool is_too_large_ = false;
};

}  // namespace strata::postgres
