#include "src/events/envelope.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "src/base/sha256.h"
#include "src/base/utf8.h"
#include "strata/records/described.h"
#include "strata/records/id.h"
#include "strata/records/json_codec.h"

namespace strata::internal {
namespace {

struct Envelope {
  std::string event;
  Json data;
  Timestamp timestamp;
  std::string instanceId;  // NOLINT(readability-identifier-naming): as others read it
  std::uint64_t sequence = 0;
};
BOOST_DESCRIBE_STRUCT(Envelope, (), (event, data, timestamp, instanceId, sequence))

struct Lost {
  std::uint64_t missed = 0;
};
BOOST_DESCRIBE_STRUCT(Lost, (), (missed))

constexpr std::size_t kMaxChannelBytes = 512;
constexpr std::size_t kMaxNameBytes = 64;
// No name holds a '%' that two hex digits do not follow, so no whole name looks like a short one.
constexpr std::string_view kHashMark = "%~";

bool isPrintable(char c) { return c > ' ' && c < '\x7f'; }
bool isControl(char c) { return (c >= '\0' && c < ' ') || c == '\x7f'; }

std::string printable(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    if (isPrintable(c)) {
      encoded.push_back(c);
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace

std::string eventPrefix(std::string_view app) { return encodeSegment(app) + ":events:"; }

std::string transportName(std::string_view prefix, const EventChannel& channel) {
  std::string name;
  name.reserve(prefix.size() + channel.name().size());
  name.append(prefix).append(channel.name());
  if (!std::all_of(name.begin(), name.end(), isPrintable)) name = printable(name);
  if (name.size() <= kMaxChannelBytes) return name;
  const std::string hash = sha256Hex(name);
  return name.substr(0, kMaxChannelBytes - kHashMark.size() - hash.size())
      .append(kHashMark)
      .append(hash);
}

absl::Status checkEventName(std::string_view name) {
  const bool is_text = isUtf8(name) && std::none_of(name.begin(), name.end(), isControl);
  if (!name.empty() && name.size() <= kMaxNameBytes && is_text) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "the name of an event must be 1 to 64 bytes of UTF-8 without control bytes");
}

Event lostNotice(std::string instance_id, std::uint64_t sequence, std::uint64_t missed) {
  return {.name = "",
          .data = Json::parse(encodeJson(Lost{missed})).value(),
          .timestamp = {},
          .instance_id = std::move(instance_id),
          .sequence = sequence};
}

bool isLostNotice(const Event& event) { return event.name.empty(); }

std::uint64_t missedOf(const Event& lost_notice) {
  const auto lost = decodeJson<Lost>(lost_notice.data.text());
  return lost.ok() ? lost->missed : 0;
}

std::string encodeEnvelope(const Event& event) {
  return encodeJson(Envelope{.event = event.name,
                             .data = event.data,
                             .timestamp = event.timestamp,
                             .instanceId = event.instance_id,
                             .sequence = event.sequence});
}

absl::StatusOr<Event> decodeEnvelope(std::string_view payload) {
  auto read = decodeJson<Envelope>(payload);
  if (!read.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("not the envelope of an event: {}", std::string(read.status().message())));
  }
  if (read->instanceId.empty() || read->sequence == 0) {
    return absl::InvalidArgumentError("not the envelope of an event: no instanceId or sequence");
  }
  Event event{
      .name = std::move(read->event),
      .data = Json(read->data),  // a copy: the memory of what was read may be twice its size
      .timestamp = read->timestamp,
      .instance_id = std::move(read->instanceId),
      .sequence = read->sequence};
  if (isLostNotice(event)) return event;
  if (absl::Status valid = checkEventName(event.name); !valid.ok()) return valid;
  return event;
}

}  // namespace strata::internal
