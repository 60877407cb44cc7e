// PostgresStore against libpq by hand: the same prepared statement, the same decoding.
#include <fmt/format.h>
#include <libpq-fe.h>

#include <memory>

#include "bench/comparison.h"
#include "bench/record.h"
#include "strata/adapters/postgres/postgres_store.h"
#include "strata/records/row_codec.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::bench {
namespace {

struct Finish {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct Clear {
  void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, Clear>;

// What someone writes who has libpq and the row codec: one connection, one prepared statement.
class HandWritten {
 public:
  explicit HandWritten(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    std::string columns;
    for (const Field& field : typeInfo<Session>().fields) {
      columns += quoteIdentifier(field.name) + ", ";
    }
    const std::string sql =
        fmt::format("SELECT {} row_version FROM bench_sessions WHERE id = $1", columns);
    if (PQstatus(connection_.get()) != CONNECTION_OK) fail("libpq cannot connect");
    Result(PQexec(connection_.get(), "SET TimeZone = 'UTC'"));
    const Result prepared(PQprepare(connection_.get(), "get", sql.c_str(), 1, nullptr));
    if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) fail("libpq cannot prepare");
  }

  std::shared_ptr<const Session> get(const std::string& id) {
    const char* parameter = id.c_str();
    const Result result(
        PQexecPrepared(connection_.get(), "get", 1, &parameter, nullptr, nullptr, 0));
    if (PQntuples(result.get()) != 1) fail("libpq found no row");
    auto session = std::make_shared<Session>();
    int column = 0;
    for (const Field& field : typeInfo<Session>().fields) {
      const std::string_view text(PQgetvalue(result.get(), 0, column),
                                  static_cast<std::size_t>(PQgetlength(result.get(), 0, column)));
      if (!fromColumnText(field.type(), text, field.address(session.get())).ok()) fail("decode");
      ++column;
    }
    return session;
  }

 private:
  std::unique_ptr<PGconn, Finish> connection_;
};

Row postgresGet() {
  const std::string url = testing::sharedServers().postgres().url();
  auto pool = PostgresPool::open({.url = url});
  if (!pool.ok()) fail(pool.status().ToString());
  const auto store = PostgresStore<Session>::create(*pool);
  if (!store.ok()) fail(store.status().ToString());
  const Session session = makeSession(1);
  if (!(*store)->put(session).ok()) fail("put");
  HandWritten by_hand(url);
  const Id id = session.id;
  return compareLatency(
      "postgres_get", {Budget::Kind::kAtMost, 1.15},
      [&] {
        const auto found = (*store)->get(id);
        if (!found.ok() || *found == nullptr) fail("get");
      },
      [&] { by_hand.get(session.id); }, {.rounds = 40, .calls_per_round = 500});
}

}  // namespace

std::vector<Benchmark> postgresBenchmarks() { return {{"postgres_get", postgresGet}}; }

}  // namespace strata::bench
