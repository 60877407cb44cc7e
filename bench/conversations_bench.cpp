// The conversation stores among 100 000 conversations of 100 tenants, against libpq by hand: the
// same statements prepared, their rows fetched, and nothing decoded or decided.
#include <fmt/format.h>
#include <libpq-fe.h>

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/comparison.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/records/internal/type_info.h"
#include "strata/testing/servers/local_servers.h"
#include "tests/stores/conversations/conversation/many_conversations.h"

namespace strata::bench {
namespace {

constexpr int kPage = 50;
constexpr int kMessagesBefore = many::kDeepMessages - kPage;

// A server of its own, which counts statements, and both stores on it.
struct Stores {
  Stores() {
    auto started = testing::LocalServers::start(
        {.postgres = true,
         .postgres_settings = {{"shared_preload_libraries", "pg_stat_statements"}}});
    if (!started.ok()) fail(started.status().ToString());
    servers = *std::move(started);
    Config config;
    config.database_url = servers->postgres().url();
    const auto backends = connect(config);
    if (!backends.ok()) fail(backends.status().ToString());
    conversations = *createConversationStore(*backends);
    paths = *createPathStore(*backends);
    const absl::Status filled = insertManyConversations(servers->postgres());
    if (!filled.ok()) fail(filled.ToString());
    ask("ANALYZE conversations, conversation_paths, messages");
    ask("CREATE EXTENSION pg_stat_statements");
  }
  std::string ask(const std::string& sql) const {
    const auto rows = servers->postgres().query(sql);
    if (!rows.ok()) fail(rows.status().ToString());
    return rows->empty() ? "" : rows->front().front().value_or("");
  }
  // Beside BEGIN and COMMIT, of which the server keeps no count when they are prepared.
  double statementsOf(const Call& call) const {
    ask("SELECT pg_stat_statements_reset()");
    call();
    return std::stod(
        ask("SELECT coalesce(sum(calls), 0) FROM pg_stat_statements"
            " WHERE toplevel AND query NOT LIKE '%pg\\_stat\\_statements%'"));
  }

  std::unique_ptr<testing::LocalServers> servers;
  std::unique_ptr<ConversationStore> conversations;
  std::unique_ptr<PathStore> paths;
};

Stores& stores() {
  static Stores made;
  return made;
}

std::string columnsOf(const TypeInfo& type, const std::string& alias) {
  std::string list;
  for (const Field& field : type.fields) {
    list += fmt::format("{}{}.{}", list.empty() ? "" : ", ", alias, field.name);
  }
  return list;
}

// What someone writes who has libpq and knows the schema.
class ByHand {
 public:
  ByHand() : connection_(PQconnectdb(stores().servers->postgres().url().c_str()), &PQfinish) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) fail("libpq cannot connect");
    const std::string conversation = columnsOf(typeInfo<Conversation>(), "c");
    const std::string message = columnsOf(typeInfo<Message>(), "m");
    prepare("get",
            fmt::format("SELECT {} FROM conversations c WHERE c.tenant_id = $1 AND c.id = $2",
                        conversation));
    prepare("list",
            fmt::format(
                "SELECT {} FROM conversations c WHERE c.tenant_id = $1 AND c.archived_at IS NULL"
                " AND (c.user_id IS NULL OR c.user_id = $2"
                " OR c.share_audience IN ('tenant', 'public'))"
                " ORDER BY CASE WHEN c.last_message_at IS NULL THEN c.created_at"
                " ELSE c.last_message_at END DESC, c.id DESC LIMIT $3",
                conversation));
    prepare("resolve",
            fmt::format(
                "WITH RECURSIVE line AS ("
                " SELECT id, parent_path_id, branch_point_message_id, NULL::bigint AS up_to,"
                "  0 AS depth FROM conversation_paths WHERE tenant_id = $1 AND id = $2"
                " UNION ALL SELECT a.id, a.parent_path_id, a.branch_point_message_id,"
                "  b.sequence_in_path, line.depth + 1 FROM line"
                "  JOIN conversation_paths a ON a.tenant_id = $1 AND a.id = line.parent_path_id"
                "  JOIN messages b ON b.tenant_id = $1 AND b.id = line.branch_point_message_id) "
                "SELECT {} FROM line JOIN messages m ON m.tenant_id = $1 AND m.path_id = line.id"
                " AND m.sequence_in_path <= coalesce(line.up_to, 9223372036854775807)"
                " WHERE m.deleted_at IS NULL"
                " ORDER BY line.depth DESC, m.sequence_in_path LIMIT $3 OFFSET $4",
                message));
    prepareAppend(conversation);
  }

  using Parameters = std::initializer_list<std::string>;
  int run(const char* name, Parameters parameters) {
    std::vector<const char*> values;
    for (const std::string& parameter : parameters) values.push_back(parameter.c_str());
    const Result result(PQexecPrepared(connection_.get(), name, static_cast<int>(values.size()),
                                       values.data(), nullptr, nullptr, 0),
                        &PQclear);
    const ExecStatusType outcome = PQresultStatus(result.get());
    if (outcome != PGRES_TUPLES_OK && outcome != PGRES_COMMAND_OK) fail(name);
    return PQntuples(result.get());
  }

  void append(const std::string& tenant, const std::string& conversation, const std::string& path) {
    run("begin", {});
    run("lock", {tenant, conversation});
    run("path", {tenant, path});
    run("append", {tenant, conversation, path});
    run("commit", {});
  }

 private:
  using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

  void prepareAppend(const std::string& conversation) {
    prepare("begin", "BEGIN");
    prepare("lock", fmt::format("SELECT {} FROM conversations c WHERE c.tenant_id = $1 AND"
                                " c.id = $2 FOR NO KEY UPDATE",
                                conversation));
    prepare("path", "SELECT is_active FROM conversation_paths WHERE tenant_id = $1 AND id = $2");
    prepare(
        "append",
        "WITH last AS (SELECT coalesce(max(sequence_in_path), 0) AS sequence FROM messages"
        "  WHERE tenant_id = $1 AND path_id = $3),"
        " counted AS (UPDATE conversation_paths SET message_count = message_count + 1,"
        "  updated_at = now() WHERE tenant_id = $1 AND id = $3),"
        " touched AS (UPDATE conversations SET last_message_at = now(), updated_at = now(),"
        "  row_version = nextval('strata_row_version') WHERE tenant_id = $1 AND id = $2)"
        " INSERT INTO messages (tenant_id, conversation_id, path_id, id, sequence_in_path, role,"
        "  content) SELECT $1, $2, $3, gen_random_uuid(), sequence + 1, 'user', 'Hello'"
        " FROM last RETURNING sequence_in_path");
    prepare("commit", "COMMIT");
  }
  void prepare(const char* name, const std::string& sql) {
    const Result prepared(PQprepare(connection_.get(), name, sql.c_str(), 0, nullptr), &PQclear);
    if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) {
      fail(PQerrorMessage(connection_.get()));
    }
  }

  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
};

template <typename T>
void need(const absl::StatusOr<T>& result) {
  if (!result.ok()) fail(result.status().ToString());
}

const std::string& tenant() {
  static const std::string id = many::tenant(many::kLarge);
  return id;
}
const std::string& large() {
  static const std::string id = many::conversation(many::kLarge);
  return id;
}
Caller reader() { return {tenant(), many::owner()}; }

// An operation, ours and by hand.
struct Pair {
  Call ours;
  Call by_hand;
};

Pair getPair() {
  auto hand = std::make_shared<ByHand>();
  return {[] { need(stores().conversations->getConversation(reader(), large())); },
          [hand] {
            if (hand->run("get", {tenant(), large()}) != 1) fail("get by hand");
          }};
}

Pair listPair() {
  auto hand = std::make_shared<ByHand>();
  return {[] { need(stores().conversations->listConversations(reader(), {.limit = kPage})); },
          [hand] {
            const std::string limit = std::to_string(kPage + 1);
            if (hand->run("list", {tenant(), many::owner(), limit}) != kPage + 1) fail("list");
          }};
}

Pair resolvePair() {
  auto hand = std::make_shared<ByHand>();
  return {[] {
            need(stores().paths->resolvePathMessages(tenant(), many::path(many::kDeepPath),
                                                     {.limit = kPage, .offset = kMessagesBefore}));
          },
          [hand] {
            const int rows =
                hand->run("resolve", {tenant(), many::path(many::kDeepPath), std::to_string(kPage),
                                      std::to_string(kMessagesBefore)});
            if (rows != kPage) fail("resolve by hand");
          }};
}

// Each to a path of its own, which both make longer.
Pair appendPair() {
  auto hand = std::make_shared<ByHand>();
  const std::string path = many::path(200'047);
  const std::string other = many::path(200'046);
  return {[path] {
            need(stores().conversations->appendMessage(
                reader(), {.conversation_id = large(), .content = "Hello", .path_id = path}));
          },
          [hand, other] { hand->append(tenant(), large(), other); }};
}

Benchmark latency(const std::string& name, Pair (*make)(), int calls) {
  return {name, [=] {
            const Pair pair = make();
            return compareLatency(name, {}, pair.ours, pair.by_hand,
                                  {.rounds = 20, .calls_per_round = calls});
          }};
}

Benchmark statements(const std::string& name, Pair (*make)()) {
  return {name, [=] {
            const Pair pair = make();
            pair.ours();
            pair.by_hand();
            return compareRuns(name, {}, "queries", 2, [&](bool is_ours) {
              return stores().statementsOf(is_ours ? pair.ours : pair.by_hand);
            });
          }};
}

}  // namespace

std::vector<Benchmark> conversationBenchmarks() {
  return {latency("conversation_get", getPair, 300),
          latency("conversation_list_50", listPair, 100),
          latency("path_resolve_last_50", resolvePair, 20),
          latency("conversation_append", appendPair, 100),
          statements("conversation_get_queries", getPair),
          statements("conversation_list_queries", listPair),
          statements("path_resolve_queries", resolvePair),
          statements("conversation_append_queries", appendPair)};
}

}  // namespace strata::bench
