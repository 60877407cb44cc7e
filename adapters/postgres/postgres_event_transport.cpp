#include "strata/adapters/postgres/postgres_event_transport.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "adapters/postgres/array_text.h"
#include "adapters/postgres/pool.h"
#include "adapters/postgres/postgres_listener.h"
#include "adapters/postgres/postgres_notification.h"
#include "src/core/event_stream.h"
#include "src/core/utf8.h"
#include "strata/core/status.h"
#include "strata_migrations/events.h"

namespace strata {
namespace {

using postgres::ArrayText;
using postgres::Bind;
using postgres::Effect;
using postgres::Statement;

// Of one statement.
constexpr std::size_t kMostMessages = 10'000;
constexpr std::size_t kMostBytes = 8 * 1024 * 1024;
constexpr std::size_t kLargestPayload = 16 * 1024 * 1024;
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
    if (message.payload.size() > kLargestPayload) {
      return absl::InvalidArgumentError("postgres: a payload above 16 MiB");
    }
    const bool is_text = message.payload.find('\0') == std::string::npos &&
                         internal::isUtf8(message.payload) && internal::isUtf8(message.channel);
    if (!is_text) return absl::InvalidArgumentError("postgres: a payload that is not UTF-8");
  }
  return absl::OkStatus();
}

// How many of the first messages make one statement: at least one.
std::size_t pieceOf(absl::Span<const EventMessage> messages) {
  std::size_t bytes = 0;
  std::size_t count = 0;
  while (count < messages.size() && count < kMostMessages && bytes < kMostBytes) {
    bytes += messages[count++].payload.size();
  }
  return count;
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

}  // namespace

class PostgresEventTransport::Core {
 public:
  Core(std::shared_ptr<PostgresPool> pool, postgres::ListenerOptions how, const Clock& clock)
      : pool_(std::move(pool)), how_(std::move(how)), clock_(clock) {}

  absl::Status start(EventReceiver& receiver, Deadline deadline);
  absl::Status send(absl::Span<const EventMessage> messages, Deadline deadline);
  absl::Status ping(Deadline deadline);
  Health health();
  // Only after start.
  postgres::PostgresListener& listener() { return *listener_; }
  const Clock& clock() const { return clock_; }

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
  // Last, so that its thread ends before anything that it uses.
  std::optional<postgres::PostgresListener> listener_;
};

absl::Status PostgresEventTransport::Core::start(EventReceiver& receiver, Deadline deadline) {
  stream_.emplace(receiver, clock_);
  listener_.emplace(how_, *stream_);
  const absl::Status made = makeTable();
  const absl::Status listens = stream_->awaitStart(deadline);
  return annotate(listens.ok() ? made : listens, "postgres: listen to events");
}

absl::Status PostgresEventTransport::Core::makeTable() {
  if (has_table_) return absl::OkStatus();
  absl::Status made = applyMigrations(*pool_, eventsMigrations());
  has_table_ = made.ok();
  return made;
}

// ---- Sending ----

absl::Status PostgresEventTransport::Core::send(absl::Span<const EventMessage> messages,
                                                Deadline deadline) {
  absl::Status status = check(messages);
  while (status.ok() && !messages.empty()) {
    const std::size_t piece = pieceOf(messages);
    status = sendPiece(messages.subspan(0, piece), deadline);
    messages.remove_prefix(piece);
  }
  if (status.ok()) tidyWhenDue(deadline);
  return status;
}

absl::Status PostgresEventTransport::Core::sendPiece(absl::Span<const EventMessage> messages,
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

absl::Status PostgresEventTransport::Core::run(const Statement& statement,
                                               absl::Span<const Bind> binds, Deadline deadline) {
  return asTransport(pool_->internals().run(statement, binds, deadline).status());
}

void PostgresEventTransport::Core::tidyWhenDue(Deadline deadline) {
  if (!has_table_ || clock_.now() < tidy_at_) return;
  tidy_at_ = clock_.now() + kBetweenTidyings;
  const auto deleted = pool_->internals().run(tidyUp(), {}, deadline);
  // Failed: what is old now is older the next time.
  if (deleted.ok() && static_cast<std::size_t>(deleted->rows.size()) == kMostTidied) tidy_at_ = {};
}

// ---- Health ----

absl::Status PostgresEventTransport::Core::ping(Deadline deadline) {
  static const auto* const statement = new Statement("SELECT 1", "ping", Effect::kReads);
  const auto answered = pool_->internals().run(*statement, {}, deadline);
  return annotate(answered.status(), "postgres");
}

Health PostgresEventTransport::Core::health() {
  const MonotonicTime started = clock_.now();
  absl::Status works = ping(Deadline::in(absl::Seconds(1), clock_));
  if (works.ok()) {
    works = stream_ ? annotate(stream_->state(), "postgres: listen to events")
                    : absl::FailedPreconditionError("postgres: not started");
  }
  Health health{.component = "event-transport", .backend = "postgres"};
  health.latency = clock_.now() - started;
  if (works.ok()) return health;
  health.state = HealthState::kFail;
  health.error = describe(works);
  return health;
}

// ---- The public class ----

absl::StatusOr<std::unique_ptr<PostgresEventTransport>> PostgresEventTransport::create(
    std::shared_ptr<PostgresPool> pool, PostgresEventOptions options, const Clock& clock) {
  if (pool == nullptr) return absl::InvalidArgumentError("PostgresEventTransport: no pool");
  if (absl::Status checked = check(options); !checked.ok()) return checked;
  auto where = postgres::readConnInfo(options.url, kConnectTimeout);
  if (!where.ok()) return where.status();
  // The later of two settings holds, and one of the URL's own above both. No blank: SOCI would take
  // it for the end, quoted or not.
  where->text = fmt::format("{} fallback_application_name='strata-events-{}'", where->text.reveal(),
                            options.app);
  postgres::ListenerOptions how{
      .connection = {.where = *std::move(where), .statement_timeout = kStatementTimeout},
      .heartbeat = absl::ToChronoNanoseconds(options.heartbeat)};
  auto core = std::make_unique<Core>(std::move(pool), std::move(how), clock);
  return std::unique_ptr<PostgresEventTransport>(new PostgresEventTransport(std::move(core)));
}

PostgresEventTransport::PostgresEventTransport(std::unique_ptr<Core> core)
    : core_(std::move(core)) {}
PostgresEventTransport::~PostgresEventTransport() = default;

absl::Status PostgresEventTransport::start(EventReceiver& receiver, Deadline deadline) {
  return core_->start(receiver, deadline);
}
void PostgresEventTransport::subscribe(const std::string& channel) {
  core_->listener().subscribe(channel);
}
void PostgresEventTransport::unsubscribe(const std::string& channel) {
  core_->listener().unsubscribe(channel);
}
absl::Status PostgresEventTransport::waitUntilSubscribed(const std::string& channel,
                                                         Deadline deadline) {
  return core_->listener().waitUntilSubscribed(channel, deadline, core_->clock());
}
absl::Status PostgresEventTransport::send(absl::Span<const EventMessage> messages,
                                          Deadline deadline) {
  return core_->send(messages, deadline);
}
absl::Status PostgresEventTransport::ping(Deadline deadline) { return core_->ping(deadline); }
Health PostgresEventTransport::healthCheck() { return core_->health(); }

}  // namespace strata
