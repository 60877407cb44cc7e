// HttpConnection, while it is a stream of events.
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <utility>

#include "examples/copilot_server/http_connection.h"
#include "examples/copilot_server/run_on.h"

namespace copilot {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kMaxStreamChunk = 64 << 10;

}  // namespace

asio::awaitable<void> HttpConnection::serveStream(const Response& response) {
  EventStream& stream = *response.stream;
  const bool begun = co_await writeText(streamHeader(response) + stream.first);
  if (!begun) co_return;
  auto watch = [self = shared_from_this()] { return self->watchClient(); };
  asio::co_spawn(stream_.get_executor(), std::move(watch), asio::detached);
  next_heartbeat_ = strata::Clock::system().now() + context_.options.heartbeat;
  while (!closed_) {
    EventStream::Text next = co_await takeEvents(stream);
    if (draining_) next.is_last = true;
    if (next.is_last) next.text += "event: bye\ndata: {}\n\n";
    if (next.text.empty()) {
      co_await waitForEvents(*stream.right);
      continue;
    }
    next_heartbeat_ = strata::Clock::system().now() + context_.options.heartbeat;
    const bool written = co_await writeText(std::move(next.text));
    if (!written || next.is_last) break;
  }
  beast::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

asio::awaitable<EventStream::Text> HttpConnection::takeEvents(EventStream& stream) {
  ReadRight& right = *stream.right;
  woken_ = false;
  if (right.untilDue() == absl::ZeroDuration()) co_await renew(right);
  if (right.isFresh() && collectEvents(stream)) {
    right.expire();
    co_await renew(right);
  }
  if (right.hasEnded()) co_return EventStream::Text{.text = "", .is_last = true};
  if (!right.isFresh()) co_return EventStream::Text{};
  co_return std::exchange(stream.pending, EventStream::Text{});
}

bool HttpConnection::collectEvents(EventStream& stream) {
  bool has_gap = false;
  EventStream::Text& pending = stream.pending;
  while (pending.text.size() < kMaxStreamChunk && !pending.is_last) {
    const auto delivery = stream.events->tryNext();
    if (!delivery) break;
    has_gap = has_gap || delivery->event == nullptr;
    EventStream::Text one = stream.render(*delivery);
    pending.text += one.text;
    pending.is_last = one.is_last;
  }
  return has_gap;
}

asio::awaitable<void> HttpConnection::renew(ReadRight& right) {
  const auto ask = [&right] {
    right.renew();
    return true;
  };
  co_await runOn(context_.workers, ask);
}

// Returns with a heartbeat on its way where that is due, and when the right has to be renewed.
asio::awaitable<void> HttpConnection::waitForEvents(const ReadRight& right) {
  if (woken_ || closed_ || draining_) co_return;
  const absl::Duration to_heartbeat = next_heartbeat_ - strata::Clock::system().now();
  timer_.expires_after(absl::ToChronoNanoseconds(std::min(to_heartbeat, right.untilDue())));
  const auto [error] = co_await timer_.async_wait(kToken);
  if (error || woken_ || closed_ || draining_) co_return;
  if (strata::Clock::system().now() < next_heartbeat_) co_return;
  next_heartbeat_ = strata::Clock::system().now() + context_.options.heartbeat;
  const bool written = co_await writeText(": heartbeat\n\n");
  if (!written) closed_ = true;
}

asio::awaitable<void> HttpConnection::watchClient() {
  std::string dropped(1024, '\0');
  beast::error_code error;
  while (!error) {
    stream_.expires_never();
    const auto [read_error, bytes] =
        co_await stream_.async_read_some(asio::buffer(dropped), kToken);
    error = read_error;
  }
  closed_ = true;
  wakeUp();
}

void HttpConnection::wakeUp() {
  woken_ = true;
  timer_.cancel();
}

}  // namespace copilot
