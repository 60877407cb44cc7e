#include "strata/records/key_space.h"

#include <functional>
#include <mutex>
#include <set>

#include "src/base/sha256.h"
#include "src/records/key_form.h"

namespace strata {
namespace {

// No canonical id holds a '%' that two hex digits do not follow, so no short key looks like this.
constexpr std::string_view kHashMark = "%~";
constexpr std::size_t kHashBytes = 64;

std::string shortened(const std::string& key) {
  return key.substr(0, kMaxKeyBytes - kHashMark.size() - kHashBytes)
      .append(kHashMark)
      .append(internal::sha256Hex(key));
}

}  // namespace

namespace internal {

bool isShortenedKey(std::string_view key) {
  return key.size() == kMaxKeyBytes &&
         key.substr(unshortenedPart(key).size()).starts_with(kHashMark);
}

std::string_view unshortenedPart(std::string_view key) {
  return key.substr(0, kMaxKeyBytes - kHashMark.size() - kHashBytes);
}

}  // namespace internal

absl::Status checkApp(std::string_view app) {
  const Id segment(app);
  if (segment.check().ok() && segment.canonical() == app && app.size() <= kMaxAppBytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "app must be 1 to 64 bytes of UTF-8 without ':', '%', '*', white space and control bytes");
}

KeySpace KeySpace::inSchema(std::string_view schema) const {
  if (schema.empty()) return *this;
  // Never destroyed: key spaces are copied and may outlive main().
  static auto* const mutex = new std::mutex;
  static auto* const domains = new std::set<std::string, std::less<>>;
  const std::lock_guard lock(*mutex);
  const std::string domain = std::string(domain_).append("@").append(encodeSegment(schema));
  return {*domains->insert(domain).first, entity_, Unchecked{}};
}

std::string KeySpace::prefix(std::string_view app) const {
  std::string prefix = encodeSegment(app);
  prefix.append(":").append(domain_).append(":").append(entity_).append(":");
  return prefix;
}

std::string KeySpace::key(std::string_view app, const Id& id) const {
  return keyUnder(prefix(app), id);
}

std::string KeySpace::keyUnder(std::string_view prefix, const Id& id) {
  std::string key;
  key.reserve(prefix.size() + id.canonical().size());
  key.append(prefix).append(id.canonical());
  return key.size() <= kMaxKeyBytes ? key : shortened(key);
}

}  // namespace strata
