#include "adapters/postgres/client/watchdog.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

#include "src/base/starved_wait.h"

namespace strata::postgres {
namespace {

using strata::internal::noteStarvedWait;
using strata::internal::toleratedDelay;

// For the arithmetic of condition variables, which overflows on the largest durations.
constexpr absl::Duration kLongestSleep = absl::Hours(1);

}  // namespace

// Shared with the background job that sends the request, which may outlive the connection.
class Watchdog::Watch::Cancel {
 public:
  explicit Cancel(PGconn* connection) : handle_(PQgetCancel(connection)) {}
  ~Cancel() { PQfreeCancel(handle_); }
  Cancel(const Cancel&) = delete;
  Cancel& operator=(const Cancel&) = delete;

  void announce() {
    const std::lock_guard lock(mutex_);
    under_way_ = true;
  }

  // PQcancel returns when the server has closed the request's connection, which it does after it
  // has signalled the session: a statement sent later cannot be hit any more.
  void send() {
    std::array<char, 256> error{};
    if (PQcancel(handle_, error.data(), static_cast<int>(error.size())) != 1) return;
    const std::lock_guard lock(mutex_);
    under_way_ = false;
    done_.notify_all();
  }

  // The session often answers a moment before its request is seen to be done.
  bool isDoneWithin(absl::Duration timeout) {
    std::unique_lock lock(mutex_);
    return done_.wait_for(lock, absl::ToChronoNanoseconds(timeout), [this] { return !under_way_; });
  }

 private:
  PGcancel* const handle_;
  std::mutex mutex_;
  std::condition_variable done_;
  bool under_way_ ABSL_GUARDED_BY(mutex_) = false;
};

Watchdog::Watch::Watch(Watchdog& watchdog, PGconn* connection, Cancelling cancelling)
    : watchdog_(watchdog),
      socket_(PQsocket(connection)),
      cancel_(cancelling == Cancelling::kNever ? nullptr : std::make_shared<Cancel>(connection)) {
  watchdog_.add(this);
}

Watchdog::Watch::~Watch() { watchdog_.remove(this); }

Watchdog::~Watchdog() {
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    thread = std::move(thread_);
    sooner_.notify_one();
  }
  if (thread.joinable()) thread.join();
  jobs_.drain(kCancelGrace);
}

void Watchdog::add(Watch* watch) {
  const std::lock_guard lock(mutex_);
  watches_.push_back(watch);
}

void Watchdog::remove(Watch* watch) {
  const std::lock_guard lock(mutex_);
  std::erase(watches_, watch);
}

void Watchdog::watch(Watch& watch, MonotonicTime now, MonotonicTime limit) {
  if (limit == MonotonicTime::max()) return;
  const std::lock_guard lock(mutex_);
  watch.stage_ = Watch::Stage::kArmed;
  watch.limit_ = limit;
  watch.is_prolonged_ = false;
  shortest_ = std::min(shortest_, limit - now);
  if (!thread_.joinable()) startThread();
  if (limit < next_look_) sooner_.notify_one();
}

Watchdog::Outcome Watchdog::release(Watch& watch) {
  Watch::Stage stage{};
  {
    const std::lock_guard lock(mutex_);
    watch.limit_ = MonotonicTime::max();
    stage = std::exchange(watch.stage_, Watch::Stage::kIdle);
  }
  if (stage == Watch::Stage::kIdle || stage == Watch::Stage::kArmed) return {};
  const bool reusable = stage == Watch::Stage::kCancelled &&
                        (watch.cancel_ == nullptr || watch.cancel_->isDoneWithin(kCancelGrace));
  return {.expired = true, .reusable = reusable};
}

void Watchdog::resetInChild() ABSL_NO_THREAD_SAFETY_ANALYSIS {
  internal::abandon(mutex_);
  internal::abandon(sooner_);
  internal::abandon(thread_);
  next_look_ = MonotonicTime::max();
  shortest_ = absl::InfiniteDuration();
  const int nowhere = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  for (Watch* watch : watches_) {
    watch->stage_ = Watch::Stage::kIdle;
    watch->limit_ = MonotonicTime::max();
    ::dup3(nowhere, watch->socket_, O_CLOEXEC);
  }
  ::close(nowhere);
}

void Watchdog::startThread() {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // No threads left: the server's own statement_timeout has to do until the next call tries.
  }
}

void Watchdog::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const MonotonicTime now = clock_.now();
    if (Cancels cancels = expire(now); !cancels.empty()) {
      lock.unlock();
      send(std::move(cancels));
      lock.lock();
      continue;  // much may have happened meanwhile
    }
    next_look_ = nextLook(now);
    sooner_.wait_for(lock, absl::ToChronoNanoseconds(std::min(next_look_ - now, kLongestSleep)));
  }
}

Watchdog::Cancels Watchdog::expire(MonotonicTime now) {
  Cancels cancels;
  for (Watch* watch : watches_) {
    if (watch->limit_ > now || prolong(*watch, now)) continue;
    if (watch->stage_ == Watch::Stage::kArmed) {
      watch->stage_ = Watch::Stage::kCancelled;
      watch->limit_ = now + kCancelGrace;
      watch->is_prolonged_ = false;
      if (watch->cancel_ == nullptr) continue;
      watch->cancel_->announce();
      cancels.push_back(watch->cancel_);
    } else {
      // Safe under this lock only: whoever closes the socket takes the watch back first.
      watch->stage_ = Watch::Stage::kCut;
      watch->limit_ = MonotonicTime::max();
      ::shutdown(watch->socket_, SHUT_RDWR);
    }
  }
  return cancels;
}

bool Watchdog::prolong(Watch& watch, MonotonicTime now) {
  if (std::exchange(watch.is_prolonged_, true)) return false;
  pollfd socket{.fd = watch.socket_, .events = POLLIN, .revents = 0};
  if (::poll(&socket, 1, 0) > 0) {
    watch.limit_ = now + kAnswerGrace;
    return true;
  }
  // This thread is late itself: the server, and the one that asks it to cancel, may be as starved.
  const auto grace = absl::ToChronoNanoseconds(kCancelGrace);
  const bool is_late = now - watch.limit_ > absl::FromChrono(toleratedDelay(grace));
  if (watch.stage_ != Watch::Stage::kCancelled || !is_late) return false;
  noteStarvedWait("postgres_cancel");
  watch.limit_ = now + kCancelGrace;
  return true;
}

MonotonicTime Watchdog::nextLook(MonotonicTime now) {
  const absl::Duration expected = std::exchange(shortest_, absl::InfiniteDuration());
  MonotonicTime next = now + expected;
  for (const Watch* watch : watches_) next = std::min(next, watch->limit_);
  return next;
}

void Watchdog::send(Cancels cancels) {
  for (auto& cancel : cancels) {
    // Not started, it counts as under way for ever: the connection is cut and replaced instead.
    jobs_.start([cancel = std::move(cancel)] { cancel->send(); }).IgnoreError();
  }
}

}  // namespace strata::postgres
