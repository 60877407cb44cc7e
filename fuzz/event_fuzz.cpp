// Envelopes of events, as other processes and programs publish them.
#include <string>
#include <string_view>

#include "fuzz/fuzz_target.h"
#include "src/events/envelope.h"

namespace strata {
namespace event_fuzz {

using fuzz::expect;

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

}  // namespace event_fuzz
}  // namespace strata

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::event_fuzz::readEnvelope({reinterpret_cast<const char*>(data), size});
  return 0;
}
