// Connection: one session of PostgreSQL with its prepared statements. Exceptions of SOCI end here.
#pragma once

#include <libpq-fe.h>
#include <soci/soci.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "adapters/postgres/conninfo.h"
#include "adapters/postgres/statement.h"
#include "adapters/postgres/watchdog.h"
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

 private:
  const PGresult* result_ = nullptr;
};

// Not thread-safe: one caller at a time, who leased it from the pool.
class Connection {
 public:
  struct Settings {
    ConnInfo where;
    absl::Duration statement_timeout;
    bool prepare_statements = true;
  };

  // Connects; blocks for as long as libpq's connect_timeout, and for what gives the password. Where
  // that has changed since, a second time.
  static absl::StatusOr<std::unique_ptr<Connection>> open(const Settings& settings,
                                                          Watchdog& watchdog, const Clock& clock);
  ~Connection();

  // Prepares a statement of `parameters` parameters unless that was done before. Changes nothing.
  absl::Status prepare(const Statement& statement, std::size_t parameters, Deadline deadline);
  // Runs a prepared statement.
  absl::StatusOr<Rows> execute(const Statement& statement, absl::Span<const Bind> binds,
                               Deadline deadline);
  // Both.
  absl::StatusOr<Rows> run(const Statement& statement, absl::Span<const Bind> binds,
                           Deadline deadline);
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

  // For SQL that wants SOCI's own interface; its exceptions are the caller's then, and so is a time
  // limit: the server's statement_timeout is the only one.
  soci::session& session() { return session_; }

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
  bool isInherited() const { return generation_ != internal::forkGeneration(); }
  MonotonicTime openedAt() const { return opened_at_; }
  // When the last thing that the server was asked here was begun.
  MonotonicTime usedAt() const { return used_at_; }

 private:
  struct Prepared;

  Connection(const Settings& settings, Watchdog& watchdog, const Clock& clock);
  static absl::StatusOr<std::unique_ptr<Connection>> openOnce(const Settings& settings,
                                                              Watchdog& watchdog,
                                                              const Clock& clock);
  absl::Status setUp();
  // The latest moment at which a statement that begins now must be over.
  MonotonicTime limitOf(MonotonicTime now, Deadline deadline) const;
  // Runs `call` under the watchdog. It returns none, or the SQLSTATE of its failure.
  absl::Status guarded(std::string_view what, MonotonicTime now, MonotonicTime limit,
                       absl::FunctionRef<std::optional<std::string>()> call);
  absl::Status failure(std::string_view what, std::string_view sqlstate);

  const std::uint64_t generation_ = internal::forkGeneration();
  const Clock& clock_;
  const absl::Duration statement_timeout_;
  const bool prepare_statements_;
  const bool needs_primary_;
  soci::session session_;
  PGconn* connection_ = nullptr;  // owned by the session
  std::optional<Watchdog::Watch> watch_;
  Watchdog& watchdog_;
  absl::flat_hash_map<std::size_t, std::unique_ptr<Prepared>> prepared_;
  Prepared* last_ = nullptr;
  MonotonicTime opened_at_;
  MonotonicTime used_at_;
  bool lost_ = false;
  bool refused_ = false;
  bool read_only_ = false;
  bool blocked_ = false;
  bool expired_ = false;
};

}  // namespace strata::postgres
