#include "strata/adapters/postgres/postgres_event_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "adapters/events/event_stream.h"
#include "adapters/events/pieces.h"
#include "adapters/postgres/client/array_text.h"
#include "adapters/postgres/client/pool.h"
#include "adapters/postgres/events/postgres_listener.h"
#include "adapters/postgres/events/postgres_notification.h"
#include "src/base/health_check.h"
#include "src/base/start_threads.h"
#include "src/base/utf8.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata_migrations/events.h"

namespace strata {
namespace {

using postgres::ArrayText;
using postgres::Bind;
using postgres::Effect;
using postgres::Statement;

constexpr internal::PieceLimits kOfOneStatement{.messages = 10'000, .bytes = 8 * 1024 * 1024};
constexpr absl::Duration kConnectTimeout = absl::Seconds(2);
constexpr absl::Duration kStatementTimeout = absl::Seconds(5);
// Where a sender or the listener finds the tables missing: `start` waits as long as migrations do.
constexpr absl::Duration kPatienceOfRunning = absl::Seconds(1);
constexpr absl::Duration kBetweenTidyings = absl::Minutes(1);
constexpr std::size_t kMostTidied = 200;

const Statement& sendOne() {
  static const auto* const statement =
      new Statement(fmt::format("SELECT pg_notify({}, $2)", postgres::listenNameSql("$1::text")),
                    "send an event", Effect::kWrites);
  return *statement;
}

// PostgreSQL tells the notifications of a transaction in the order in which they were made.
const Statement& sendSmall() {
  static const auto* const statement =
      new Statement(fmt::format("SELECT count(pg_notify({}, text))"
                                " FROM unnest($1::text[], $2::text[]) AS m(channel, text)",
                                postgres::listenNameSql("channel")),
                    "send events", Effect::kWrites);
  return *statement;
}

// An empty `large`: there is none.
const Statement& sendMixed() {
  static const auto* const statement = new Statement(
      fmt::format("WITH sent AS MATERIALIZED ("
                  " SELECT number, channel, text, large,"
                  " CASE WHEN large <> ''"
                  "  THEN nextval(pg_get_serial_sequence('strata_events', 'id')) END AS id"
                  " FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY"
                  "  AS m(channel, text, large, number)),"
                  " stored AS ("
                  " INSERT INTO strata_events (id, channel, payload)"
                  " SELECT id, channel, large FROM sent WHERE id IS NOT NULL)"
                  " SELECT count(pg_notify({}, text || coalesce(id::text, '')))"
                  " FROM (SELECT * FROM sent ORDER BY number) AS ordered",
                  postgres::listenNameSql("channel")),
      "send events", Effect::kWrites);
  return *statement;
}

const Statement& tidyUp() {
  static const auto* const statement =
      new Statement(fmt::format("SELECT strata_tidy_events({})", kMostTidied), "delete old events",
                    Effect::kWrites);
  return *statement;
}

// Whether what is too large for a NOTIFY could be stored.
const Statement& mayStore() {
  static const auto* const statement = new Statement(
      "SELECT has_table_privilege('strata_events', 'INSERT')"
      " AND has_table_privilege('strata_events', 'SELECT')"
      " AND has_sequence_privilege(pg_get_serial_sequence('strata_events', 'id'), 'USAGE')"
      " AND has_table_privilege('strata_event_secret', 'SELECT')"
      " AND current_setting('transaction_read_only') = 'off'",
      "check the table of events", Effect::kReads);
  return *statement;
}

absl::Status check(absl::Span<const EventMessage> messages) {
  for (const EventMessage& message : messages) {
    if (absl::Status fits = internal::checkSize(message, "postgres"); !fits.ok()) return fits;
    const bool is_text = message.payload.find('\0') == std::string::npos &&
                         internal::isUtf8(message.payload) && internal::isUtf8(message.channel);
    if (!is_text) return absl::InvalidArgumentError("postgres: a payload that is not UTF-8");
  }
  return absl::OkStatus();
}

// Whether the write happened does not matter, for it may be made twice. And what was checked before
// can only be refused for the server's own limit, the length of its queue.
absl::Status asTransport(const absl::Status& status) {
  const std::string message(status.message());
  if (absl::IsUnknown(status) || absl::IsAborted(status)) return absl::UnavailableError(message);
  if (absl::IsInvalidArgument(status)) return absl::ResourceExhaustedError(message);
  return status;
}

absl::Status check(const PostgresEventOptions& options) {
  const bool fits =
      options.heartbeat >= absl::Milliseconds(10) && options.heartbeat <= absl::Minutes(10);
  if (!fits) return absl::InvalidArgumentError("PostgresEventOptions: heartbeat: 10 ms to 10 min");
  constexpr std::string_view kPunctuation = "-_";
  const bool is_plain = std::all_of(options.app.begin(), options.app.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kPunctuation.find(c) != std::string_view::npos;
  });
  if (is_plain) return absl::OkStatus();
  return absl::InvalidArgumentError("PostgresEventOptions: app: letters, digits, '-' and '_'");
}

class PostgresEventTransport final : public EventTransport {
 public:
  PostgresEventTransport(std::shared_ptr<PostgresPool> pool, postgres::ListenerOptions how,
                         const Clock& clock)
      : pool_(std::move(pool)), how_(std::move(how)), clock_(clock) {}

  absl::Status start(EventReceiver& receiver, Deadline deadline) override;
  void subscribe(const std::string& channel) override { listener_->subscribe(channel); }
  void unsubscribe(const std::string& channel) override { listener_->unsubscribe(channel); }
  absl::Status waitUntilSubscribed(const std::string& channel, Deadline deadline) override {
    return listener_->waitUntilSubscribed(channel, deadline, clock_);
  }
  absl::Status send(absl::Span<const EventMessage> messages, Deadline deadline) override;
  std::string_view loopbackAdvice() const override {
    return "is there a pooler between, such as PgBouncer in transaction mode, which forgets "
           "LISTEN? "
           "Set DATABASE_DIRECT_URL to a URL that leads to the server itself";
  }
  void relisten(const absl::Status& why) override { listener_->reconnect(why); }
  absl::Status ping(Deadline deadline) override;
  Health healthCheck() override;

 private:
  // `patience`: how long it waits for a lock that another session holds.
  absl::Status makeTable(absl::Duration patience = kPatienceOfRunning);
  absl::Status sendPiece(absl::Span<const EventMessage> messages, Deadline deadline);
  absl::Status run(const Statement& statement, absl::Span<const Bind> binds, Deadline deadline);
  void tidyWhenDue(Deadline deadline);
  void warnOfTidying(const absl::Status& why);

  const std::shared_ptr<PostgresPool> pool_;
  const postgres::ListenerOptions how_;
  const Clock& clock_;
  std::atomic<bool> has_table_ = false;
  MonotonicTime tidy_at_;           // the sender's alone
  bool warned_of_tidying_ = false;  // the sender's alone

  std::optional<internal::EventStream> stream_;
  // Made by `start`. Last, so that its thread ends before anything that it uses.
  std::optional<postgres::PostgresListener> listener_;
};

absl::Status PostgresEventTransport::start(EventReceiver& receiver, Deadline deadline) {
  stream_.emplace(receiver, clock_);
  const absl::Status made = makeTable(MigrationOptions{}.lock_patience);
  // The listener needs the secret that the migration makes.
  postgres::ListenerOptions how = how_;
  how.make_tables = [this] { return makeTable(); };
  absl::Status started = internal::startThreads(
      "postgres: listen to events", [&] { listener_.emplace(std::move(how), *stream_); });
  if (!started.ok()) return started;
  const absl::Status listens = stream_->awaitStart(deadline);
  return annotate(listens.ok() ? made : listens, "postgres: listen to events");
}

absl::Status PostgresEventTransport::makeTable(absl::Duration patience) {
  if (has_table_) return absl::OkStatus();
  absl::Status made = applyMigrations(*pool_, eventsMigrations(), {.lock_patience = patience});
  has_table_ = made.ok();
  return made;
}

// ---- Sending ----

absl::Status PostgresEventTransport::send(absl::Span<const EventMessage> messages,
                                          Deadline deadline) {
  if (absl::Status checked = check(messages); !checked.ok()) return checked;
  if (absl::Status made = makeTable(); !made.ok()) return asTransport(made);
  absl::Status sent = internal::sendInPieces(
      messages, kOfOneStatement,
      [&](absl::Span<const EventMessage> piece) { return sendPiece(piece, deadline); });
  if (sent.ok()) tidyWhenDue(deadline);
  return sent;
}

absl::Status PostgresEventTransport::sendPiece(absl::Span<const EventMessage> messages,
                                               Deadline deadline) {
  if (messages.size() == 1) {
    const EventMessage& message = messages.front();
    std::string text = postgres::notificationHead(message.channel, false, 0) + message.payload;
    if (text.size() <= postgres::kMostNotifyBytes) {
      return run(sendOne(), {{message.channel, std::move(text)}}, deadline);
    }
  }
  ArrayText channels;
  ArrayText texts;
  ArrayText larges;
  bool is_mixed = false;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const EventMessage& message = messages[i];
    const std::string head = postgres::notificationHead(message.channel, false, i);
    const bool is_large = head.size() + message.payload.size() > postgres::kMostNotifyBytes;
    is_mixed = is_mixed || is_large;
    channels.append(message.channel);
    texts.append(is_large ? postgres::notificationHead(message.channel, true, i)
                          : head + message.payload);
    larges.append(is_large ? message.payload : "");
  }
  if (!is_mixed) return run(sendSmall(), {{channels.take(), texts.take()}}, deadline);
  return run(sendMixed(), {{channels.take(), texts.take(), larges.take()}}, deadline);
}

absl::Status PostgresEventTransport::run(const Statement& statement, absl::Span<const Bind> binds,
                                         Deadline deadline) {
  return asTransport(pool_->internals().run(statement, binds, deadline).status());
}

void PostgresEventTransport::tidyWhenDue(Deadline deadline) {
  if (!has_table_ || clock_.now() < tidy_at_) return;
  tidy_at_ = clock_.now() + kBetweenTidyings;
  const auto deleted = pool_->internals().run(tidyUp(), {}, deadline);
  // What is old now is older the next time.
  if (!deleted.ok()) return warnOfTidying(deleted.status());
  if (deleted->rows.size() != 1) return;
  if (deleted->rows.at(0, 0) == std::to_string(kMostTidied)) tidy_at_ = {};
}

// ---- Health ----

absl::Status PostgresEventTransport::ping(Deadline deadline) {
  const auto answered = pool_->internals().run(mayStore(), {}, deadline);
  if (!answered.ok()) return annotate(answered.status(), "postgres");
  if (answered->rows.at(0, 0) == "t") return absl::OkStatus();
  return absl::FailedPreconditionError(
      "postgres: events cannot be stored: the database is read-only, or this user lacks INSERT and "
      "SELECT on strata_events, USAGE on its sequence or SELECT on strata_event_secret");
}

void PostgresEventTransport::warnOfTidying(const absl::Status& why) {
  if (std::exchange(warned_of_tidying_, true)) return;
  log(Severity::kWarning, "strata.postgres.old_events_stay", {{"why", describe(why)}});
}

Health PostgresEventTransport::healthCheck() {
  return internal::healthByCheck("event-transport", "postgres", clock_, [this] {
    if (absl::Status works = ping(Deadline::in(absl::Seconds(1), clock_)); !works.ok())
      return works;
    return stream_ ? annotate(stream_->state(), "postgres: listen to events")
                   : absl::FailedPreconditionError("postgres: not started");
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventTransport>> makePostgresEventTransport(
    std::shared_ptr<PostgresPool> pool, PostgresEventOptions options, const Clock& clock) {
  if (pool == nullptr) return absl::InvalidArgumentError("PostgresEventTransport: no pool");
  if (absl::Status checked = check(options); !checked.ok()) return checked;
  auto where = postgres::readConnInfo(options.url, kConnectTimeout);
  if (!where.ok()) return where.status();
  where->password_source = options.password;
  // The later of two settings holds, and one of the URL's own above both.
  where->text = fmt::format("{} fallback_application_name='strata-events-{}'", where->text.reveal(),
                            options.app);
  auto pooler = std::make_shared<postgres::Pooler>(pool->internals().preparing(), where->place);
  postgres::ListenerOptions how{.connection = {.where = *std::move(where),
                                               .statement_timeout = kStatementTimeout,
                                               .pooler = std::move(pooler)},
                                .heartbeat = absl::ToChronoNanoseconds(options.heartbeat)};
  return std::make_unique<PostgresEventTransport>(std::move(pool), std::move(how), clock);
}

}  // namespace strata
