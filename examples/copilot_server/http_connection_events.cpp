// HttpConnection, while it is a stream of events.
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
  while (!closed_) {
    EventStream::Text next = co_await takeEvents(stream);
    if (draining_) next.is_last = true;
    if (next.is_last) next.text += "event: bye\ndata: {}\n\n";
    if (next.text.empty()) {
      co_await waitForEvents();
      continue;
    }
    const bool written = co_await writeText(std::move(next.text));
    if (!written || next.is_last) break;
  }
  beast::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

asio::awaitable<EventStream::Text> HttpConnection::takeEvents(EventStream& stream) {
  EventStream::Text taken;
  bool has_gap = false;
  woken_ = false;
  while (taken.text.size() < kMaxStreamChunk && !taken.is_last) {
    const auto delivery = stream.events->tryNext();
    if (!delivery) break;
    has_gap = has_gap || delivery->event == nullptr;
    EventStream::Text one = stream.render(*delivery);
    taken.text += one.text;
    taken.is_last = one.is_last;
  }
  if (has_gap && !taken.is_last) {
    const bool may_go_on = co_await runOn(context_.workers, stream.may_go_on);
    if (!may_go_on) co_return EventStream::Text{.text = "", .is_last = true};
  }
  co_return taken;
}

// Returns with a heartbeat on its way where there is nothing else.
asio::awaitable<void> HttpConnection::waitForEvents() {
  if (woken_ || closed_ || draining_) co_return;
  timer_.expires_after(absl::ToChronoNanoseconds(context_.options.heartbeat));
  const auto [error] = co_await timer_.async_wait(kToken);
  if (error || woken_ || closed_ || draining_) co_return;
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
