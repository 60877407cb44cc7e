#include "strata/adapters/postgres/postgres_event_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "adapters/events/event_stream.h"
#include "adapters/events/pieces.h"
#include "adapters/postgres/array_text.h"
#include "adapters/postgres/pool.h"
#include "adapters/postgres/postgres_listener.h"
#include "adapters/postgres/postgres_notification.h"
#include "src/base/health_check.h"
#include "src/base/utf8.h"
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
constexpr absl::Duration kBetweenTidyings = absl::Minutes(1);
constexpr std::size_t kMostTidied = 200;

const Statement& sendOne() {
  static const auto* const statement =
      new Statement("SELECT pg_notify($1, $2)", "send an event", Effect::kWrites);
  return *statement;
}

// PostgreSQL tells the notifications of a transaction in the order in which they were made.
const Statement& sendSmall() {
  static const auto* const statement = new Statement(
      "SELECT count(pg_notify(name, text)) FROM unnest($1::text[], $2::text[]) AS m(name, text)",
      "send events", Effect::kWrites);
  return *statement;
}

// An empty `large`: there is none.
const Statement& sendMixed() {
  static const auto* const statement = new Statement(
      "WITH sent AS MATERIALIZED ("
      " SELECT number, name, text, channel, large,"
      " CASE WHEN large <> ''"
      "  THEN nextval(pg_get_serial_sequence('strata_events', 'id')) END AS id"
      " FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY"
      "  AS m(name, text, channel, large, number)),"
      " stored AS ("
      " INSERT INTO strata_events (id, channel, payload)"
      " SELECT id, channel, large FROM sent WHERE id IS NOT NULL)"
      " SELECT count(pg_notify(name, text || coalesce(id::text, '')))"
      " FROM (SELECT * FROM sent ORDER BY number) AS ordered",
      "send events", Effect::kWrites);
  return *statement;
}

// Of two who do this at once each leaves the other's rows alone.
const Statement& tidyUp() {
  static const auto* const statement =
      new Statement(fmt::format("DELETE FROM strata_events WHERE id IN ("
                                " SELECT id FROM strata_events"
                                " WHERE created_at < now() - interval '10 minutes'"
                                " ORDER BY created_at LIMIT {} FOR UPDATE SKIP LOCKED) RETURNING 1",
                                kMostTidied),
                    "delete old events", Effect::kWrites);
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
  absl::Status makeTable();
  absl::Status sendPiece(absl::Span<const EventMessage> messages, Deadline deadline);
  absl::Status run(const Statement& statement, absl::Span<const Bind> binds, Deadline deadline);
  void tidyWhenDue(Deadline deadline);

  const std::shared_ptr<PostgresPool> pool_;
  const postgres::ListenerOptions how_;
  const Clock& clock_;
  // Of the one who sends, and of start before that.
  bool has_table_ = false;
  MonotonicTime tidy_at_;

  std::optional<internal::EventStream> stream_;
  // Made by `start`. Last, so that its thread ends before anything that it uses.
  std::optional<postgres::PostgresListener> listener_;
};

absl::Status PostgresEventTransport::start(EventReceiver& receiver, Deadline deadline) {
  stream_.emplace(receiver, clock_);
  listener_.emplace(how_, *stream_);
  const absl::Status made = makeTable();
  const absl::Status listens = stream_->awaitStart(deadline);
  return annotate(listens.ok() ? made : listens, "postgres: listen to events");
}

absl::Status PostgresEventTransport::makeTable() {
  if (has_table_) return absl::OkStatus();
  absl::Status made = applyMigrations(*pool_, eventsMigrations());
  has_table_ = made.ok();
  return made;
}

// ---- Sending ----

absl::Status PostgresEventTransport::send(absl::Span<const EventMessage> messages,
                                          Deadline deadline) {
  if (absl::Status checked = check(messages); !checked.ok()) return checked;
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
      return run(sendOne(), {{postgres::listenName(message.channel), std::move(text)}}, deadline);
    }
  }
  ArrayText names;
  ArrayText texts;
  ArrayText channels;
  ArrayText larges;
  bool is_mixed = false;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const EventMessage& message = messages[i];
    const std::string head = postgres::notificationHead(message.channel, false, i);
    const bool is_large = head.size() + message.payload.size() > postgres::kMostNotifyBytes;
    is_mixed = is_mixed || is_large;
    names.append(postgres::listenName(message.channel));
    texts.append(is_large ? postgres::notificationHead(message.channel, true, i)
                          : head + message.payload);
    channels.append(is_large ? message.channel : "");
    larges.append(is_large ? message.payload : "");
  }
  if (!is_mixed) return run(sendSmall(), {{names.take(), texts.take()}}, deadline);
  if (absl::Status made = makeTable(); !made.ok()) return asTransport(made);
  return run(sendMixed(), {{names.take(), texts.take(), channels.take(), larges.take()}}, deadline);
}

absl::Status PostgresEventTransport::run(const Statement& statement, absl::Span<const Bind> binds,
                                         Deadline deadline) {
  return asTransport(pool_->internals().run(statement, binds, deadline).status());
}

void PostgresEventTransport::tidyWhenDue(Deadline deadline) {
  if (!has_table_ || clock_.now() < tidy_at_) return;
  tidy_at_ = clock_.now() + kBetweenTidyings;
  const auto deleted = pool_->internals().run(tidyUp(), {}, deadline);
  // Failed: what is old now is older the next time.
  if (deleted.ok() && static_cast<std::size_t>(deleted->rows.size()) == kMostTidied) tidy_at_ = {};
}

// ---- Health ----

absl::Status PostgresEventTransport::ping(Deadline deadline) {
  static const auto* const statement = new Statement("SELECT 1", "ping", Effect::kReads);
  const auto answered = pool_->internals().run(*statement, {}, deadline);
  return annotate(answered.status(), "postgres");
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
