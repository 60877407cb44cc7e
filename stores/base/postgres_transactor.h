// PostgresTransactor: a Transactor over tables in PostgreSQL.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "adapters/postgres/client/transaction.h"
#include "src/decorators/guard.h"
#include "stores/base/schema_statements.h"
#include "stores/base/transactor.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/base/metrics.h"
#include "strata/decorators/bulkhead.h"

namespace strata::internal {

// Where the statements of one piece of work run: in its transaction, or each by itself.
class PostgresSession {
 public:
  // With `names_tenant` it tells the database, for row-level security, whose rows a statement is
  // about; that takes a transaction. `statements` must outlive it.
  PostgresSession(PostgresPool& pool, UnitOfWork* unit, Deadline deadline, bool names_tenant,
                  const SchemaStatements& statements = SchemaStatements::unqualified())
      : pool_(pool),
        unit_(unit),
        deadline_(deadline),
        names_tenant_(names_tenant),
        statements_(statements) {}

  // In a transaction the answer is good until the next statement runs. $1 of every statement is the
  // tenant, whatever comes after it. Tables are named as SchemaStatements says.
  absl::StatusOr<postgres::Answer> run(const postgres::Statement& statement,
                                       absl::Span<const postgres::Bind> binds);
  bool hasWritten() const { return has_written_; }

 private:
  absl::Status nameTenant(const postgres::Bind& tenant);

  PostgresPool& pool_;
  UnitOfWork* const unit_;
  const Deadline deadline_;
  const bool names_tenant_;
  const SchemaStatements& statements_;
  postgres::Bind named_;
  bool has_written_ = false;
};

// What a domain store needs of its database.
struct PostgresBackend {
  std::shared_ptr<PostgresPool> pool;
  // Null: as many calls go on at once as come.
  std::shared_ptr<Bulkhead> bulkhead;
  // How long a call may take whose caller brings no deadline; zero: for ever.
  absl::Duration timeout = absl::Seconds(5);
  std::shared_ptr<Metrics> metrics = Metrics::none();
  // Whether the tables have policies that bind each row to its tenant.
  bool row_level_security = false;
  // Where the tables are; empty: where search_path leads.
  std::string schema = {};
};

// The part that knows no tables. With row-level security everything runs in transactions. Reads are
// tried again when the database was not there; a transaction that the server rolled back for
// another's sake (a deadlock, a serialization failure) is run again, three times in all.
class PostgresWork {
 public:
  using Work = absl::FunctionRef<absl::Status(PostgresSession&)>;

  // `store` is the name in metrics and errors. InvalidArgument: the timeout is out of its range.
  static absl::StatusOr<PostgresWork> create(PostgresBackend backend, const std::string& store,
                                             const Clock& clock);

  absl::Status read(const ReadOptions& options, Work work) const;
  absl::Status write(const WriteOptions& options, Work work) const;
  Health healthCheck() const;

 private:
  PostgresWork(PostgresBackend backend, std::unique_ptr<Guard> guard)
      : pool_(std::move(backend.pool)),
        row_level_security_(backend.row_level_security),
        statements_(std::make_shared<SchemaStatements>(std::move(backend.schema))),
        guard_(std::move(guard)) {}
  PostgresSession session(UnitOfWork* unit, Deadline deadline, bool names_tenant) const {
    return {*pool_, unit, deadline, names_tenant, *statements_};
  }
  absl::Status writeIn(UnitOfWork& unit, Deadline deadline, Work work) const;
  absl::Status transact(Deadline deadline, Work work) const;

  std::shared_ptr<PostgresPool> pool_;
  bool row_level_security_;
  std::shared_ptr<const SchemaStatements> statements_;
  std::unique_ptr<Guard> guard_;
};

// `PostgresTables` implements `Tables` and is made of a `PostgresSession&`.
template <typename Tables, typename PostgresTables>
class PostgresTransactor final : public Transactor<Tables> {
 public:
  using Work = typename Transactor<Tables>::Work;

  PostgresTransactor(PostgresWork work, const Clock& clock)
      : Transactor<Tables>(clock), work_(std::move(work)) {}

  Health healthCheck() override { return work_.healthCheck(); }

 private:
  absl::Status doRead(const ReadOptions& options, Work work) override {
    return work_.read(options, onTables(work));
  }
  absl::Status doWrite(const WriteOptions& options, Work work) override {
    return work_.write(options, onTables(work));
  }
  static auto onTables(Work work) {
    return [work](PostgresSession& session) {
      PostgresTables tables(session);
      return work(tables);
    };
  }

  const PostgresWork work_;
};

}  // namespace strata::internal
