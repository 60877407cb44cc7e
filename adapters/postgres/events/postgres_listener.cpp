#include "adapters/postgres/events/postgres_listener.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "src/base/backoff.h"
#include "src/base/unshared_status.h"

namespace strata::postgres {

using std::chrono::steady_clock;

// What ends a wait of the thread.
class PostgresListener::Wake {
 public:
  Wake() : file_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Wake() { close(file_); }
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

  int file() const { return file_; }
  void signal() { eventfd_write(file_, 1); }
  void clear() {
    eventfd_t ignored = 0;
    eventfd_read(file_, &ignored);
  }
  void wait() {
    pollfd file{.fd = file_, .events = POLLIN, .revents = 0};
    ::poll(&file, 1, -1);
    clear();
  }

 private:
  const int file_;
};

// A connection that is being made.
struct PostgresListener::Attempt {
  void finish(absl::StatusOr<std::unique_ptr<Connection>> made) {
    const std::lock_guard lock(mutex);
    result = std::move(made);
  }
  std::optional<absl::StatusOr<std::unique_ptr<Connection>>> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(result, std::nullopt);
  }

  std::shared_ptr<Watchdog> watchdog;  // outlives the connection
  std::mutex mutex;
  std::optional<absl::StatusOr<std::unique_ptr<Connection>>> result ABSL_GUARDED_BY(mutex);
};

// The system's clock, which lives for ever, as the connects may that are left behind.
PostgresListener::PostgresListener(ListenerOptions options, internal::EventStream& stream)
    : options_(std::move(options)),
      stream_(stream),
      wake_(std::make_shared<Wake>()),
      watchdog_(std::make_shared<Watchdog>(Clock::system())),
      random_(std::random_device{}()),
      thread_([this] { run(); }) {}

PostgresListener::~PostgresListener() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    stop_.notify_all();
  }
  wake_->signal();
  thread_.join();
}

void PostgresListener::subscribe(const std::string& channel) {
  if (channels_.want(channel)) wake_->signal();
}

void PostgresListener::unsubscribe(const std::string& channel) {
  if (channels_.unwant(channel)) wake_->signal();
}

void PostgresListener::reconnect(const absl::Status& why) {
  {
    const std::lock_guard lock(mutex_);
    leave_ = internal::unshared(why);
  }
  wake_->signal();
}

absl::Status PostgresListener::takeLeave() {
  const std::lock_guard lock(mutex_);
  return std::exchange(leave_, absl::OkStatus());
}

bool PostgresListener::isStopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

// ---- The thread ----

void PostgresListener::run() {
  while (!isStopping()) {
    const absl::Status why = listenOnce();
    channels_.lost(why);
    stream_.onEnd(why);
    pauseBeforeReconnecting();
  }
}

void PostgresListener::pauseBeforeReconnecting() {
  std::unique_lock lock(mutex_);
  stop_.wait_for(lock, internal::backoffAfter(++failures_, random_), [this] { return stopping_; });
}

absl::StatusOr<std::unique_ptr<Connection>> PostgresListener::connect() {
  auto attempt = std::make_shared<Attempt>();
  attempt->watchdog = watchdog_;
  absl::Status begun = connects_.start([attempt, wake = wake_, settings = options_.connection]() {
    attempt->finish(Connection::open(settings, *attempt->watchdog, Clock::system()));
    wake->signal();
  });
  if (!begun.ok()) return begun;
  while (!isStopping()) {
    if (auto made = attempt->take()) return *std::move(made);
    wake_->wait();
  }
  return absl::CancelledError("the listener was stopped");
}

absl::Status PostgresListener::listenOnce() {
  auto connection = connect();
  if (!connection.ok()) return connection.status();
  if (absl::Status own = (*connection)->requireSession(); !own.ok()) return own;
  PostgresStream session(*std::move(connection));
  if (absl::Status known = readSecret(session); !known.ok()) return known;
  channels_.connected();
  is_whole_ = false;
  asked_.clear();
  channels_of_.clear();
  spoke_at_ = steady_clock::now();
  takeLeave().IgnoreError();  // meant for the session before
  return listen(session);
}

absl::Status PostgresListener::readSecret(PostgresStream& session) {
  constexpr const char* kWhat = "read the secret of the names of channels";
  absl::Status begun = session.begin("SELECT encode(secret, 'hex') FROM strata_event_secret", kWhat,
                                     options_.patience);
  if (begun.ok()) begun = finish(session);
  if (!begun.ok()) return begun;
  const absl::StatusOr<Result> rows = session.takeAnswer();
  if (absl::IsFailedPrecondition(rows.status())) {
    // Missing: the database was away when the transport was started, or this is another one.
    if (absl::Status made = options_.make_tables(); !made.ok()) return made;
    return internal::restated(
        rows.status(), absl::StatusCode::kFailedPrecondition,
        fmt::format("{}; DATABASE_DIRECT_URL and DATABASE_URL must lead to the same database",
                    std::string(rows.status().message())));
  }
  if (!rows.ok()) return rows.status();
  if (PQntuples(rows->get()) != 1) {
    return absl::FailedPreconditionError("strata_event_secret does not hold its one row");
  }
  const std::string digits(Rows(rows->get()).at(0, 0).value_or(""));
  secret_ = absl::HexStringToBytes(digits);
  return absl::OkStatus();
}

absl::Status PostgresListener::listen(PostgresStream& session) {
  while (!isStopping()) {
    if (absl::Status leave = takeLeave(); !leave.ok()) return leave;
    if (absl::Status said = speak(session); !said.ok()) return said;
    absl::Status waited = session.wait(wake_->file(), spoke_at_ + options_.heartbeat / 3);
    if (!waited.ok()) return waited;
    wake_->clear();
    if (absl::Status answered = takeAnswer(session); !answered.ok()) return answered;
    // Whatever comes before belongs behind the gap.
    if (!is_whole_) continue;
    if (absl::Status told = tellNotifications(session); !told.ok()) return told;
  }
  return absl::CancelledError("the listener was stopped");
}

absl::Status PostgresListener::speak(PostgresStream& session) {
  if (session.isBusy()) return absl::OkStatus();
  absl::Status said = sayChanges(session);
  if (!said.ok() || session.isBusy()) return said;
  if (!std::exchange(is_whole_, true)) {
    failures_ = 0;
    stream_.onWhole();
  }
  const Moment now = steady_clock::now();
  if (now - spoke_at_ < options_.heartbeat / 3) return absl::OkStatus();
  spoke_at_ = now;
  return session.begin("SELECT 1", "wait for notifications", options_.heartbeat);
}

// A channel whose name is listened to already is confirmed without a word to the server, which has
// answered everything that was said before.
absl::Status PostgresListener::sayChanges(PostgresStream& session) {
  internal::ListenedChannels::Changes changes = channels_.takeChanges();
  std::string sql;
  for (const std::string& channel : changes.listen) {
    const std::string name = listenName(secret_, channel);
    if (++channels_of_[name] == 1) sql += fmt::format("LISTEN {};", name);
  }
  for (const std::string& channel : changes.unlisten) {
    const auto found = channels_of_.find(listenName(secret_, channel));
    if (found == channels_of_.end() || --found->second > 0) continue;
    sql += fmt::format("UNLISTEN {};", found->first);
    channels_of_.erase(found);
  }
  asked_ = std::move(changes.listen);
  if (sql.empty()) {
    confirmAsked();
    return absl::OkStatus();
  }
  spoke_at_ = steady_clock::now();
  return session.begin(sql, "listen to channels", options_.patience);
}

void PostgresListener::confirmAsked() {
  for (const std::string& channel : std::exchange(asked_, {})) channels_.confirm(channel);
}

absl::Status PostgresListener::takeAnswer(PostgresStream& session) {
  if (session.isBusy()) return absl::OkStatus();
  if (const auto answer = session.takeAnswer(); !answer.ok()) return answer.status();
  confirmAsked();
  return absl::OkStatus();
}

// ---- Notifications ----

namespace {

// One transaction: the setting, which the policy of the table asks for, ends with it. The channel is
// compared as well, so that a row of another is not read where the policy does not hold.
std::string readRow(std::int64_t row, std::string_view quoted_channel) {
  return fmt::format(
      "SELECT set_config('strata.event_channel', {0}, true);"
      "SELECT payload FROM strata_events WHERE id = {1} AND channel = {0}",
      quoted_channel, row);
}

}  // namespace

absl::Status PostgresListener::tellNotifications(PostgresStream& session) {
  while (const Notify notify = session.nextNotify()) {
    if (absl::Status told = tell(session, notify->extra); !told.ok()) return told;
  }
  return absl::OkStatus();
}

absl::Status PostgresListener::tell(PostgresStream& session, std::string_view text) {
  const std::optional<Notification> notification = parseNotification(text);
  // Other channels have the same name; and anybody may NOTIFY anything.
  if (!notification || !channels_.wants(notification->channel)) return absl::OkStatus();
  if (notification->row) return tellRow(session, *notification);
  stream_.onMessage(notification->channel, notification->payload);
  return absl::OkStatus();
}

absl::Status PostgresListener::tellRow(PostgresStream& session, const Notification& notification) {
  if (absl::Status finished = finish(session); !finished.ok()) return finished;
  if (absl::Status answered = takeAnswer(session); !answered.ok()) return answered;
  spoke_at_ = steady_clock::now();
  absl::Status begun =
      session.begin(readRow(*notification.row, session.quoted(std::string(notification.channel))),
                    "read an event", options_.patience);
  if (begun.ok()) begun = finish(session);
  if (!begun.ok()) return begun;
  const absl::StatusOr<Result> rows = session.takeAnswer();
  if (!rows.ok()) {
    stream_.onLost(notification.channel, rows.status());
  } else if (PQntuples(rows->get()) != 1) {
    stream_.onLost(notification.channel, absl::NotFoundError("the row of the event is gone"));
  } else {
    stream_.onMessage(notification.channel, Rows(rows->get()).at(0, 0).value_or(""));
  }
  return absl::OkStatus();
}

// Waits until nothing is asked of the server.
absl::Status PostgresListener::finish(PostgresStream& session) {
  while (session.isBusy()) {
    if (isStopping()) return absl::CancelledError("the listener was stopped");
    absl::Status waited = session.wait(wake_->file(), Moment::max());
    if (!waited.ok()) return waited;
    wake_->clear();
  }
  return absl::OkStatus();
}

}  // namespace strata::postgres
