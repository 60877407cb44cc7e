#include "adapters/upstash/listener.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <utility>

#include "adapters/upstash/event_text.h"
#include "src/base/backoff.h"
#include "src/base/starved_wait.h"
#include "src/base/unshared_status.h"

namespace strata::internal {
namespace {

using std::chrono::steady_clock;

// Of a stream on which nothing needs to come.
constexpr std::chrono::hours kLongWait(1);
constexpr std::size_t kBufferSize = 16 * 1024;

}  // namespace

UpstashListener::UpstashListener(Options options, EventStream& stream)
    : options_(std::move(options)),
      pattern_(patternOfPrefix(options_.prefix)),
      token_(options_.token, options_.token_source),
      stream_(stream),
      wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      random_(std::random_device{}()) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (...) {
    close(wake_fd_);
    throw;
  }
}

UpstashListener::~UpstashListener() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    eventfd_write(wake_fd_, 1);
    stop_.notify_all();
  }
  thread_.join();
  close(wake_fd_);
}

void UpstashListener::subscribe(const std::string& channel) {
  const std::lock_guard lock(mutex_);
  channels_.insert(channel);
}

void UpstashListener::unsubscribe(const std::string& channel) {
  const std::lock_guard lock(mutex_);
  channels_.erase(channel);
}

bool UpstashListener::isSubscribed(std::string_view channel) const {
  const std::lock_guard lock(mutex_);
  return channel.starts_with(options_.prefix) && channels_.find(channel) != channels_.end();
}

void UpstashListener::reconnect(const absl::Status& why) {
  const std::lock_guard lock(mutex_);
  leave_ = restated(why, absl::StatusCode::kUnavailable, std::string(why.message()));
  eventfd_write(wake_fd_, 1);
}

absl::Status UpstashListener::takeLeave() {
  const std::lock_guard lock(mutex_);
  if (!stopping_) {
    eventfd_t ignored = 0;
    eventfd_read(wake_fd_, &ignored);
  }
  return std::exchange(leave_, absl::OkStatus());
}

bool UpstashListener::isStopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

// ---- The thread ----

void UpstashListener::run() {
  while (!isStopping()) {
    stream_.onEnd(listenOnce());
    pauseBeforeReconnecting();
  }
}

void UpstashListener::pauseBeforeReconnecting() {
  std::unique_lock lock(mutex_);
  stop_.wait_for(lock, backoffAfter(++failures_, random_), [this] { return stopping_; });
}

absl::Status UpstashListener::listenOnce() {
  const absl::StatusOr<Secret> token = token_.current();
  if (!token.ok()) return token.status();
  absl::Status ended = listenWith(*token);
  if (is_whole_ || !absl::IsPermissionDenied(ended)) return ended;
  const std::optional<Secret> newer = token_.newerThan(*token);
  return newer ? listenWith(*newer) : ended;
}

absl::Status UpstashListener::listenWith(const Secret& token) {
  is_whole_ = false;
  absl::StatusOr<Stream> connection = connect();
  if (!connection.ok()) return connection.status();
  takeLeave().IgnoreError();  // meant for the connection before
  connection->interruptBy(wake_fd_);
  EventSource source;
  if (absl::Status begun = begin(*connection, source, token); !begun.ok()) return begun;
  while (!isStopping()) {
    absl::Status received = receive(*connection, source, steady_clock::now() + kLongWait);
    if (!received.ok() && !absl::IsDeadlineExceeded(received)) return received;
  }
  return absl::CancelledError("the listener was stopped");
}

absl::StatusOr<Stream> UpstashListener::connect() const {
  const StarvedWaitScope scope("upstash_connect", options_.connect_timeout, IoTime::max());
  const UpstashEndpoint& endpoint = options_.endpoint;
  return Stream::open(endpoint.host, endpoint.port,
                      {.tls = options_.tls.get(), .resolver = options_.resolver.get()},
                      steady_clock::now() + options_.connect_timeout);
}

absl::Status UpstashListener::begin(Stream& connection, EventSource& source, const Secret& token) {
  const StarvedWaitScope scope("upstash_request", options_.request_timeout, IoTime::max());
  const IoTime until = steady_clock::now() + options_.request_timeout;
  if (absl::Status sent = connection.send(request(token), until); !sent.ok()) return sent;
  while (!is_whole_ && !isStopping()) {
    absl::Status received = receive(connection, source, until);
    if (received.ok()) continue;
    if (!absl::IsDeadlineExceeded(received)) return received;
    if (steady_clock::now() < scope.endOf(until)) continue;  // woken
    return absl::DeadlineExceededError("the event stream has not begun in time");
  }
  return absl::OkStatus();
}

// DeadlineExceeded: nothing has come until then, or there is something else to do.
absl::Status UpstashListener::receive(Stream& connection, EventSource& source, IoTime until) {
  if (absl::Status leave = takeLeave(); !leave.ok()) return leave;
  std::array<char, kBufferSize> buffer;
  const auto received = connection.receive(buffer.data(), buffer.size(), until);
  if (!received.ok()) return connection.hasEnded() ? source.end() : received.status();
  return source.feed({buffer.data(), *received}, [this](std::string_view data) { take(data); });
}

void UpstashListener::take(std::string_view data) {
  if (!is_whole_ && isConfirmation(data, pattern_)) {
    is_whole_ = true;
    failures_ = 0;
    return stream_.onWhole();
  }
  const auto event = parseStreamed(
      data, pattern_, [this](std::string_view channel) { return isSubscribed(channel); });
  if (!event) return;
  if (const std::optional<std::string> payload = payloadOfText(event->text)) {
    stream_.onMessage(event->channel, *payload);
  } else {
    stream_.onLost(event->channel, absl::DataLossError("a message that cannot be read"));
  }
}

std::string UpstashListener::request(const Secret& token) const {
  return fmt::format(
      "POST {}/psubscribe/{} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n"
      "Accept: text/event-stream\r\nCache-Control: no-cache\r\nUser-Agent: strata\r\n"
      "Content-Length: 0\r\n\r\n",
      options_.endpoint.path, pathSegment(pattern_), options_.endpoint.hostHeader(),
      token.reveal());
}

}  // namespace strata::internal
