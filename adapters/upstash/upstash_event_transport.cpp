#include "strata/adapters/upstash/upstash_event_transport.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/events/event_stream.h"
#include "adapters/events/pieces.h"
#include "adapters/upstash/client.h"
#include "adapters/upstash/client_options.h"
#include "adapters/upstash/errors.h"
#include "adapters/upstash/event_text.h"
#include "adapters/upstash/listener.h"
#include "src/base/health_check.h"
#include "src/base/start_threads.h"
#include "src/events/envelope.h"
#include "strata/base/status.h"

namespace strata {
namespace {

using internal::UpstashCallKind;
using internal::UpstashClient;
using internal::UpstashCommand;
using internal::UpstashListener;

// As much as one request takes, so that what is not sent yet is not copied.
constexpr internal::PieceLimits kOfOneRequest{.messages = 256, .bytes = 512 * 1024};
constexpr absl::Duration kHealthTimeout = absl::Seconds(1);

absl::Status check(absl::Span<const EventMessage> messages) {
  for (const EventMessage& message : messages) {
    if (absl::Status fits = internal::checkSize(message, "upstash"); !fits.ok()) return fits;
  }
  return absl::OkStatus();
}

class UpstashEventTransport final : public EventTransport {
 public:
  UpstashEventTransport(UpstashClient::Options sends, UpstashListener::Options listens,
                        const Clock& clock)
      : clock_(clock), client_(std::move(sends), clock), listens_(std::move(listens)) {}

  absl::Status start(EventReceiver& receiver, Deadline deadline) override;
  void subscribe(const std::string& channel) override { listener_->subscribe(channel); }
  void unsubscribe(const std::string& channel) override { listener_->unsubscribe(channel); }
  absl::Status waitUntilSubscribed(const std::string& channel, Deadline deadline) override;
  absl::Status send(absl::Span<const EventMessage> messages, Deadline deadline) override;
  std::string_view loopbackAdvice() const override {
    return "does a proxy between hold back the event stream, or may the token not PSUBSCRIBE?";
  }
  void relisten(const absl::Status& why) override { listener_->reconnect(why); }
  absl::Status ping(Deadline deadline) override;
  Health healthCheck() override;

 private:
  absl::Status sendPiece(absl::Span<const EventMessage> messages, Deadline deadline);
  absl::Status listening() const;

  const Clock& clock_;
  UpstashClient client_;
  const UpstashListener::Options listens_;
  std::optional<internal::EventStream> stream_;
  // Made by `start`. Last, so that its thread ends before anything that it uses.
  std::optional<UpstashListener> listener_;
};

absl::Status UpstashEventTransport::start(EventReceiver& receiver, Deadline deadline) {
  stream_.emplace(receiver, clock_);
  absl::Status started = internal::startThreads("upstash: listen to events",
                                                [&] { listener_.emplace(listens_, *stream_); });
  if (!started.ok()) return started;
  return client_.annotated(annotate(stream_->awaitStart(deadline), "listen to events"));
}

// There is nothing to wait for: the stream brings every channel, or none.
absl::Status UpstashEventTransport::waitUntilSubscribed(const std::string& channel,
                                                        Deadline /*deadline*/) {
  if (!listener_->isSubscribed(channel)) {
    return absl::UnavailableError("the channel is not subscribed to");
  }
  absl::Status state = stream_->state();
  if (state.ok()) return state;
  return absl::UnavailableError("the connection is lost: " + describe(state));
}

absl::Status UpstashEventTransport::send(absl::Span<const EventMessage> messages,
                                         Deadline deadline) {
  if (absl::Status checked = check(messages); !checked.ok()) return checked;
  return internal::sendInPieces(messages, kOfOneRequest, [&](absl::Span<const EventMessage> piece) {
    return sendPiece(piece, deadline);
  });
}

absl::Status UpstashEventTransport::sendPiece(absl::Span<const EventMessage> messages,
                                              Deadline deadline) {
  std::vector<UpstashCommand> commands;
  commands.reserve(messages.size());
  for (const EventMessage& message : messages) {
    commands.push_back({"PUBLISH", message.channel, internal::publishedText(message.payload)});
  }
  // Harmless when repeated, as EventTransport::send says.
  for (const auto& reply : client_.run(commands, UpstashCallKind::kFencedWrite, deadline)) {
    if (reply.ok()) continue;
    const bool never = messages.size() == 1 && internal::isTooLarge(reply.status());
    return never ? absl::InvalidArgumentError(reply.status().message()) : reply.status();
  }
  return absl::OkStatus();
}

// A PING, which costs as much, is answered to a token that may only read, too. Whether what is
// published arrives is proven by the hub.
absl::Status UpstashEventTransport::ping(Deadline deadline) {
  const EventMessage nothing{.channel = listens_.prefix + "~tried", .payload = {}};
  return sendPiece({&nothing, 1}, deadline);
}

absl::Status UpstashEventTransport::listening() const {
  const absl::Status listens =
      stream_ ? stream_->state() : absl::FailedPreconditionError("not started");
  return client_.annotated(annotate(listens, "listen to events"));
}

Health UpstashEventTransport::healthCheck() {
  return internal::healthByCheck("event-transport", "upstash", clock_, [this] {
    if (absl::Status works = ping(Deadline::in(kHealthTimeout, clock_)); !works.ok()) return works;
    return listening();
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<EventTransport>> makeUpstashEventTransport(
    UpstashEventOptions options, const Clock& clock) {
  if (options.app.empty()) return absl::InvalidArgumentError("UpstashEventOptions: no app");
  auto sends = internal::upstashClientOptions(std::move(options.server));
  if (!sends.ok()) return sends.status();
  UpstashListener::Options listens{.endpoint = sends->pool.endpoint,
                                   .tls = sends->pool.tls,
                                   .resolver = sends->pool.resolver,
                                   .token = sends->token,
                                   .token_source = sends->token_source,
                                   .prefix = internal::eventPrefix(options.app),
                                   .connect_timeout = sends->pool.connect_timeout,
                                   .request_timeout = sends->request_timeout};
  return std::make_unique<UpstashEventTransport>(*std::move(sends), std::move(listens), clock);
}

}  // namespace strata
