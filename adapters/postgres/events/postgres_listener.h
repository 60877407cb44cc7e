// PostgresListener: listens for the notifications of events, on a session and a thread of its own.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/events/event_stream.h"
#include "adapters/events/listened_channels.h"
#include "adapters/postgres/client/background.h"
#include "adapters/postgres/client/connection.h"
#include "adapters/postgres/events/postgres_notification.h"
#include "adapters/postgres/events/postgres_stream.h"

namespace strata::postgres {

struct ListenerOptions {
  Connection::Settings connection;
  // A statement goes out three times as often; a server that says nothing for so long after one is
  // left, as one is that says nothing for `patience` of what takes longer.
  std::chrono::nanoseconds heartbeat = std::chrono::seconds(1);
  std::chrono::nanoseconds patience = std::chrono::seconds(5);
  // Creates the tables of events; called by the thread of the listener where they are missing.
  std::function<absl::Status()> make_tables = [] { return absl::OkStatus(); };
};

// Thread-safe.
class PostgresListener {
 public:
  // `stream` must outlive it. Throws std::system_error where no thread can be started.
  PostgresListener(ListenerOptions options, internal::EventStream& stream);
  // Waits for a call of the stream that is under way.
  ~PostgresListener();
  PostgresListener(const PostgresListener&) = delete;
  PostgresListener& operator=(const PostgresListener&) = delete;

  void subscribe(const std::string& channel);
  void unsubscribe(const std::string& channel);
  // Leaves the session, as if it had been lost.
  void reconnect(const absl::Status& why);
  absl::Status waitUntilSubscribed(const std::string& channel, Deadline deadline,
                                   const Clock& clock) const {
    return channels_.await(channel, deadline, clock);
  }

 private:
  struct Attempt;
  class Wake;

  void run();
  void pauseBeforeReconnecting();
  // Connects, listens, and returns why that ended.
  absl::Status listenOnce();
  // On a thread that may be left behind: libpq connects for as long as it likes.
  absl::StatusOr<std::unique_ptr<Connection>> connect();
  // The secret of the database, by which channels are named.
  absl::Status readSecret(PostgresStream& session);
  absl::Status listen(PostgresStream& session);
  // Begins what is to be said to the server now, if anything.
  absl::Status speak(PostgresStream& session);
  absl::Status sayChanges(PostgresStream& session);
  void confirmAsked();
  absl::Status takeAnswer(PostgresStream& session);
  absl::Status tellNotifications(PostgresStream& session);
  absl::Status tell(PostgresStream& session, std::string_view text);
  absl::Status tellRow(PostgresStream& session, const Notification& notification);
  absl::Status finish(PostgresStream& session);
  bool isStopping() const;
  absl::Status takeLeave();

  const ListenerOptions options_;
  internal::EventStream& stream_;
  const std::shared_ptr<Wake> wake_;
  // Outlives the connections, and with the one that makes them this object.
  const std::shared_ptr<Watchdog> watchdog_;
  BackgroundJobs connects_{4};
  internal::ListenedChannels channels_;

  mutable std::mutex mutex_;
  std::condition_variable stop_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  // Ok: the session is not to be left.
  absl::Status leave_ ABSL_GUARDED_BY(mutex_);

  // The thread's own.
  std::string secret_;
  bool is_whole_ = false;
  Moment spoke_at_{};
  // Being listened to, as soon as there is an answer.
  std::vector<std::string> asked_;
  // How many channels there are under each name that is listened to, or will be after `asked_`.
  std::map<std::string, int> channels_of_;
  int failures_ = 0;
  std::minstd_rand random_;

  std::thread thread_;
};

}  // namespace strata::postgres
