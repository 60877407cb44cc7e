// makePostgresEventTransport(pool, options): an EventTransport between all processes that share a
// PostgreSQL database, by its LISTEN and NOTIFY.
//
//   auto transport = makePostgresEventTransport(pool, {.url = url, .app = "shop"});
//
// It listens on a session and a thread of its own, and sends over the pool. The session must be its
// own: through a pooler such as PgBouncer in transaction mode it would hear nothing. So `start`
// refuses one (FailedPrecondition) unless the pool's options say that it keeps sessions: give a
// `url` that leads past it. The pool's may lead through it.
//
// What does not fit a NOTIFY, above about 7 900 bytes, goes through a row of the table
// strata_events, which `start` creates; whoever sends deletes such rows when they are ten minutes
// old. So a user needs the table, and for the first start the right to create it. The names of
// channels are hashes with a secret of the table strata_event_secret, since LISTEN and NOTIFY need
// no right.
//
// Not for: many thousands of events a second. A NOTIFY is a commit, and PostgreSQL makes those of
// one database one after the other.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/base/clock.h"
#include "strata/base/secret.h"
#include "strata/base/secret_source.h"
#include "strata/events/event_transport.h"

namespace strata {

struct PostgresEventOptions {
  // As PostgresOptions::url, of the same database as the pool, past any pooler.
  Secret url;
  // As PostgresOptions::password.
  SecretSource password = nullptr;
  // Shown by pg_stat_activity as "strata-events-app". Letters, digits, '-' and '_'.
  std::string app;
  // The server is asked something three times as often. One that says nothing for so long after
  // that is left, and taken up again.
  absl::Duration heartbeat = absl::Seconds(1);
};

// What it makes is thread-safe, as EventTransport says. It connects to nothing before its `start`,
// which also creates the table where it is missing. `clock` must outlive the transport.
//
// InvalidArgument: an option, or something in the URL, is wrong; says what. Errors of `send` are
// those of Cache, each for the reasons that postgres_pool.h tells; ResourceExhausted also while the
// queue for notifications is full, which a session of anybody fills that listens in a transaction
// that does not end.
//
// The messages of one `send` are one statement, up to 8 MiB. A receiver reads a row before it goes
// on, so a large message holds up those behind it for as long as that takes.
absl::StatusOr<std::unique_ptr<EventTransport>> makePostgresEventTransport(
    std::shared_ptr<PostgresPool> pool, PostgresEventOptions options,
    const Clock& clock = Clock::system());

}  // namespace strata
