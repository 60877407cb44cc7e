#include "strata/adapters/upstash/upstash_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <variant>

#include "adapters/redis_dialect/arguments.h"
#include "adapters/redis_dialect/scripts.h"
#include "adapters/upstash/client_options.h"
#include "adapters/upstash/text.h"
#include "src/base/health_check.h"
#include "src/cache/cache_ttl.h"
#include "strata/base/status.h"

namespace strata {
namespace {

using internal::bytesOfText;
using internal::millisText;
using internal::textOfBytes;
using internal::textOfKey;
using internal::UpstashCommand;
using Kind = internal::UpstashCallKind;
using Reply = absl::StatusOr<internal::UpstashReply>;
using Texts = std::vector<std::optional<std::string>>;
using Value = std::optional<std::string>;

template <typename T>
std::vector<absl::StatusOr<T>> toAll(std::size_t count, const absl::Status& status) {
  return std::vector<absl::StatusOr<T>>(count, status);
}

// `name` and the keys, in as many commands as it takes.
std::vector<UpstashCommand> commandsOfKeys(std::string_view name,
                                           absl::Span<const std::string> keys) {
  std::vector<UpstashCommand> commands;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i % internal::kMaxKeysPerCommand == 0) commands.push_back({std::string(name)});
    commands.back().push_back(textOfKey(keys[i]));
  }
  return commands;
}

}  // namespace

struct UpstashCache::Core {
  Core(internal::UpstashClient::Options options, const Clock& clock_in)
      : clock(clock_in), client(std::move(options), clock_in) {}

  absl::StatusOr<LeaseReply> leaseReply(Reply reply) const;
  absl::StatusOr<bool> storedReply(const Reply& reply) const;

  const Clock& clock;
  internal::UpstashClient client;
};

// ---- Creation ----

absl::StatusOr<std::shared_ptr<UpstashCache>> UpstashCache::create(UpstashOptions options,
                                                                   const Clock& clock) {
  auto client = internal::upstashClientOptions(std::move(options));
  if (!client.ok()) return client.status();
  auto core = std::make_unique<Core>(*std::move(client), clock);
  return std::shared_ptr<UpstashCache>(new UpstashCache(std::move(core)));
}

UpstashCache::UpstashCache(std::unique_ptr<Core> core) : core_(std::move(core)) {}
UpstashCache::~UpstashCache() = default;

CacheCapabilities UpstashCache::capabilities() const { return {.fenced_reads = true}; }

Incarnation UpstashCache::incarnation(std::string_view /*key*/) const { return {}; }

// ---- Plain reads and writes ----

std::vector<absl::StatusOr<Value>> UpstashCache::getMany(absl::Span<const std::string> keys,
                                                         Deadline deadline) {
  if (keys.empty()) return {};
  const std::vector<UpstashCommand> commands = commandsOfKeys("MGET", keys);
  internal::UpstashReplies replies = core_->client.run(commands, Kind::kRead, deadline);
  std::vector<absl::StatusOr<Value>> values;
  values.reserve(keys.size());
  for (std::size_t i = 0; i < replies.size(); ++i) {
    const std::size_t count = commands[i].size() - 1;
    Texts* const texts = replies[i].ok() ? std::get_if<Texts>(&*replies[i]) : nullptr;
    if (texts == nullptr || texts->size() != count) {
      const absl::Status failed =
          replies[i].ok() ? core_->client.unexpected() : replies[i].status();
      values.resize(values.size() + count, failed);
      continue;
    }
    for (Value& text : *texts) {
      values.emplace_back(text ? Value(bytesOfText(*std::move(text))) : Value());
    }
  }
  return values;
}

absl::Status UpstashCache::set(const std::string& key, std::string_view value, absl::Duration ttl,
                               Deadline deadline) {
  const absl::StatusOr<absl::Duration> checked = internal::checkedTtl(ttl);
  if (!checked.ok()) return checked.status();
  const UpstashCommand command{"SET", textOfKey(key), textOfBytes(value), "PX",
                               millisText(*checked)};
  const Reply reply =
      std::move(core_->client.run({&command, 1}, Kind::kSentOnce, deadline).front());
  if (!reply.ok()) return reply.status();
  const auto* const text = std::get_if<std::string>(&*reply);
  return text != nullptr && *text == "OK" ? absl::OkStatus() : core_->client.unexpected();
}

absl::Status UpstashCache::remove(absl::Span<const std::string> keys, Deadline deadline) {
  if (keys.empty()) return absl::OkStatus();
  const std::vector<UpstashCommand> commands = commandsOfKeys("UNLINK", keys);
  for (const Reply& reply : core_->client.run(commands, Kind::kFencedWrite, deadline)) {
    if (!reply.ok()) return reply.status();
    if (!std::holds_alternative<std::int64_t>(*reply)) return core_->client.unexpected();
  }
  return absl::OkStatus();
}

// ---- Fenced fills ----

std::vector<absl::StatusOr<LeaseReply>> UpstashCache::getOrLease(
    absl::Span<const LeaseRequest> requests, absl::Duration ttl, Deadline deadline) {
  if (requests.empty()) return {};
  const absl::StatusOr<absl::Duration> checked = internal::checkedTtl(ttl);
  if (!checked.ok()) return toAll<LeaseReply>(requests.size(), checked.status());
  const std::string millis = millisText(*checked);
  std::vector<UpstashCommand> commands;
  commands.reserve(requests.size());
  for (const LeaseRequest& request : requests) {
    commands.push_back(
        {"SET", textOfKey(request.key), textOfBytes(request.cell), "NX", "GET", "PX", millis});
  }
  std::vector<absl::StatusOr<LeaseReply>> answers;
  answers.reserve(requests.size());
  for (Reply& reply : core_->client.run(commands, Kind::kSentOnce, deadline)) {
    answers.push_back(core_->leaseReply(std::move(reply)));
  }
  return answers;
}

absl::StatusOr<LeaseReply> UpstashCache::Core::leaseReply(Reply reply) const {
  if (!reply.ok()) return reply.status();
  if (std::holds_alternative<std::monostate>(*reply)) return LeaseReply{.leased = true};
  auto* const text = std::get_if<std::string>(&*reply);
  if (text == nullptr) return client.unexpected();
  return LeaseReply{.found = bytesOfText(std::move(*text))};
}

std::vector<absl::StatusOr<bool>> UpstashCache::compareAndSet(
    absl::Span<const CompareAndSet> requests, Deadline deadline) {
  std::vector<absl::StatusOr<bool>> stored;
  stored.reserve(requests.size());
  std::vector<UpstashCommand> commands;
  std::vector<std::size_t> sent;  // which of the requests
  for (const CompareAndSet& request : requests) {
    const absl::StatusOr<absl::Duration> ttl = internal::checkedTtl(request.ttl);
    stored.push_back(ttl.ok() ? absl::StatusOr<bool>(false) : ttl.status());
    // Whoever names a life has seen another server than this one.
    if (!ttl.ok() || request.incarnation != Incarnation{}) continue;
    sent.push_back(stored.size() - 1);
    commands.push_back({"EVAL", std::string(internal::kCompareAndSetScript.source), "1",
                        textOfKey(request.key), textOfBytes(request.expected_prefix),
                        textOfBytes(request.value), millisText(*ttl)});
  }
  if (commands.empty()) return stored;
  const auto replies = core_->client.run(commands, Kind::kFencedWrite, deadline);
  for (std::size_t i = 0; i < sent.size(); ++i) stored[sent[i]] = core_->storedReply(replies[i]);
  return stored;
}

absl::StatusOr<bool> UpstashCache::Core::storedReply(const Reply& reply) const {
  if (!reply.ok()) return reply.status();
  const auto* const number = std::get_if<std::int64_t>(&*reply);
  if (number == nullptr) return client.unexpected();
  return *number == 1;
}

// ---- Listing ----

namespace {

// First the keys that are text, then the others.
constexpr char kTexts = 't';
constexpr char kBytes = 'b';

bool isCursor(std::string_view text) {
  return text.size() > 1 && (text.front() == kTexts || text.front() == kBytes) &&
         text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

}  // namespace

absl::StatusOr<KeyPage> UpstashCache::scan(std::string_view prefix, const std::string& cursor,
                                           Deadline deadline) {
  const std::string present = cursor.empty() ? std::string{kTexts, '0'} : cursor;
  if (!isCursor(present)) {
    return absl::InvalidArgumentError("upstash: a cursor that no listing has given");
  }
  const bool lists_texts = present.front() == kTexts;
  const internal::UpstashKeyPrefixes prefixes = internal::textsOfKeyPrefix(prefix);
  const UpstashCommand command{
      "SCAN",  present.substr(1),
      "MATCH", internal::scanPatternOf(lists_texts ? prefixes.of_text : prefixes.of_bytes),
      "COUNT", std::string(internal::kScanCount)};
  Reply reply = std::move(core_->client.run({&command, 1}, Kind::kRead, deadline).front());
  if (!reply.ok()) return reply.status();
  auto* const texts = std::get_if<Texts>(&*reply);
  if (texts == nullptr || texts->empty() || !texts->front()) return core_->client.unexpected();
  KeyPage page;
  for (std::size_t i = 1; i < texts->size(); ++i) {
    if (!(*texts)[i]) return core_->client.unexpected();
    std::string key = internal::keyOfText(*(*texts)[i]);
    const bool is_text = internal::textOfKey(key) == key;
    if (is_text == lists_texts && key.starts_with(prefix)) page.keys.push_back(std::move(key));
  }
  const std::string& next = *texts->front();
  if (next != "0") {
    page.next = present.front() + next;
  } else if (lists_texts) {
    page.next = std::string{kBytes, '0'};
  }
  return page;
}

// ---- Health ----

absl::Status UpstashCache::ping(Deadline deadline) {
  return internal::tryUpstash(core_->client, internal::kGetOrLeaseScript, {"tried", "1000"},
                              deadline);
}

Health UpstashCache::healthCheck() {
  return internal::healthByCheck("cache", "upstash", core_->clock, [this] { return ping(); });
}

}  // namespace strata
