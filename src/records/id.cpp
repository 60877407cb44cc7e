#include "strata/records/id.h"

#include <algorithm>
#include <cstddef>

#include "src/base/utf8.h"

namespace strata {
namespace {

constexpr std::string_view kHexDigits = "0123456789ABCDEF";

bool needsEncoding(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte <= 0x20 || byte == 0x7F || c == ':' || c == '%' || c == '*';
}

void appendEncoded(std::string& out, std::string_view segment) {
  if (std::none_of(segment.begin(), segment.end(), needsEncoding)) {
    out.append(segment);
    return;
  }
  for (char c : segment) {
    if (needsEncoding(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', kHexDigits[byte >> 4], kHexDigits[byte & 0xF]});
    } else {
      out.push_back(c);
    }
  }
}

// Leaves what is no proper escape as it stands; the caller compares with the encoding of the
// result.
std::string decodeSegment(std::string_view segment) {
  std::string decoded;
  for (std::size_t i = 0; i < segment.size(); ++i) {
    if (segment[i] == '%' && i + 2 < segment.size()) {
      const std::size_t high = kHexDigits.find(segment[i + 1]);
      const std::size_t low = kHexDigits.find(segment[i + 2]);
      if (high != std::string_view::npos && low != std::string_view::npos) {
        decoded.push_back(static_cast<char>((high << 4) | low));
        i += 2;
        continue;
      }
    }
    decoded.push_back(segment[i]);
  }
  return decoded;
}

}  // namespace

std::string encodeSegment(std::string_view segment) {
  std::string encoded;
  appendEncoded(encoded, segment);
  return encoded;
}

Id::Id(std::initializer_list<std::string_view> segments) {
  if (segments.size() == 0) flaw_ = Flaw::kEmpty;
  for (const std::string_view& segment : segments) {
    if (&segment != segments.begin()) canonical_.push_back(':');
    append(segment);
  }
}

void Id::append(std::string_view segment) {
  if (segment.empty()) flaw_ = Flaw::kEmpty;
  if (segment.find('\0') != std::string_view::npos) flaw_ = Flaw::kNul;
  if (!internal::isUtf8(segment)) flaw_ = Flaw::kNotUtf8;
  appendEncoded(canonical_, segment);
}

Id Id::fromCanonical(std::string_view text) {
  Id id;
  std::string_view rest = text;
  while (true) {
    const std::size_t end = rest.find(':');
    id.append(decodeSegment(rest.substr(0, end)));
    if (end == std::string_view::npos) break;
    id.canonical_.push_back(':');
    rest.remove_prefix(end + 1);
  }
  if (id.canonical_ != text && id.flaw_ == Flaw::kNone) id.flaw_ = Flaw::kNotCanonical;
  return id;
}

std::vector<std::string> Id::segments() const {
  std::vector<std::string> decoded;
  std::string_view rest = canonical_;
  while (true) {
    const std::size_t end = rest.find(':');
    decoded.push_back(decodeSegment(rest.substr(0, end)));
    if (end == std::string_view::npos) return decoded;
    rest.remove_prefix(end + 1);
  }
}

absl::Status Id::check() const {
  switch (flaw_) {
    case Flaw::kNone:
      return absl::OkStatus();
    case Flaw::kEmpty:
      return absl::InvalidArgumentError("an id or a segment of it is empty");
    case Flaw::kNul:
      return absl::InvalidArgumentError("an id holds a NUL byte");
    case Flaw::kNotUtf8:
      return absl::InvalidArgumentError("an id is not UTF-8");
    case Flaw::kNotCanonical:
      return absl::InvalidArgumentError("not the canonical text of an id");
  }
  return absl::InternalError("an id with an unknown flaw");
}

}  // namespace strata
