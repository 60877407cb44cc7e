// Whatever arrives on a channel of events: what PostgreSQL notifies of, and envelopes.
#include <cstdlib>
#include <string>

#include "adapters/postgres/postgres_notification.h"
#include "fuzz/fuzz_target.h"
#include "src/events/envelope.h"

namespace strata {
namespace event_fuzz {

void expect(bool holds) {
  if (!holds) std::abort();
}

void readEnvelope(std::string_view text) {
  const absl::StatusOr<Event> event = internal::decodeEnvelope(text);
  if (!event.ok()) return;
  expect(event->sequence > 0 && !event->instance_id.empty());
  expect(internal::isLostNotice(*event) || internal::checkEventName(event->name).ok());
  if (internal::isLostNotice(*event)) internal::missedOf(*event);
  const std::string whole = internal::encodeEnvelope(*event);
  const absl::StatusOr<Event> again = internal::decodeEnvelope(whole);
  expect(again.ok() && internal::encodeEnvelope(*again) == whole);
}

void readNotification(std::string_view text) {
  const auto found = postgres::parseNotification(text);
  if (!found) return;
  expect(found->channel.find('\n') == std::string_view::npos);
  expect(!found->row || found->payload.empty());
  const std::string whole =
      postgres::notificationHead(found->channel, found->row.has_value(), 7) +
      (found->row ? std::to_string(*found->row) : std::string(found->payload));
  const auto again = postgres::parseNotification(whole);
  expect(again && again->channel == found->channel && again->payload == found->payload &&
         again->row == found->row);
  readEnvelope(found->payload);
}

}  // namespace event_fuzz
}  // namespace strata

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  strata::event_fuzz::readNotification(text);
  strata::event_fuzz::readEnvelope(text);
  return 0;
}

std::span<const std::string_view> fuzzCorpus() {
  static constexpr std::string_view kCorpus[] = {
      R"({"event":"a","data":"é","timestamp":"2026-01-31T12:00:00Z","instanceId":"b","sequence":7})",
      R"({"event":"","data":{"missed":18446744073709551615},"instanceId":"a1","sequence":1})",
      R"({"event":"done","data":null,"instanceId":"a1","sequence":18446744073709551616})",
      R"({"event":"path:created","data":[[[]]],"timestamp":"-0001-01-01","instanceId":"\u0000"})",
      "v0\ncopilot:events:a\n{\"event\":\"done\",\"instanceId\":\"a\",\"sequence\":1}",
      "r12\ncopilot:events:conversation-list:t\n9223372036854775807",
      "r0\n\n-9223372036854775808",
      "v\n\n",
  };
  return kCorpus;
}
