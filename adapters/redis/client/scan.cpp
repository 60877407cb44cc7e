#include "adapters/redis/client/scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <charconv>
#include <utility>

#include "adapters/redis/client/slots.h"
#include "adapters/redis_dialect/arguments.h"
#include "strata/base/hash.h"
#include "strata/base/status.h"

namespace strata::internal {
namespace {

absl::Status unknownLife() {
  return absl::FailedPreconditionError(
      "redis: the server refuses INFO, without which a listing does not notice that the server was "
      "replaced");
}

absl::Status startAgain(std::string_view why) {
  return absl::AbortedError(fmt::format("redis: {}; the listing has to start again", why));
}

template <typename Number>
bool take(std::string_view& text, Number& number, int base, char until) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (until == '\0') return text.empty();
  if (!text.starts_with(until)) return false;
  text.remove_prefix(1);
  return true;
}

std::vector<std::string_view> wordsOf(std::string_view line) {
  std::vector<std::string_view> words;
  while (!line.empty()) {
    const std::size_t space = std::min(line.find(' '), line.size());
    if (space > 0) words.push_back(line.substr(0, space));
    line.remove_prefix(std::min(space + 1, line.size()));
  }
  return words;
}

// False: a range that is none, or slots that were claimed already.
bool claim(std::string_view range, std::bitset<kRedisSlots>& slots) {
  std::size_t first = 0;
  std::size_t last = 0;
  const bool is_one = range.find('-') == std::string_view::npos;
  if (!take(range, first, 10, is_one ? '\0' : '-')) return false;
  last = first;
  if (!is_one && !take(range, last, 10, '\0')) return false;
  if (last < first || last >= slots.size()) return false;
  for (; first <= last; ++first) {
    if (slots.test(first)) return false;
    slots.set(first);
  }
  return true;
}

}  // namespace

// ---- Texts ----

std::string RedisScanCursor::text() const { return fmt::format("{:x}.{}.{}", census, node, at); }

std::optional<RedisScanCursor> RedisScanCursor::parse(std::string_view text) {
  RedisScanCursor cursor;
  const bool parsed = take(text, cursor.census, 16, '.') && take(text, cursor.node, 10, '.') &&
                      take(text, cursor.at, 10, '\0');
  return parsed ? std::optional(cursor) : std::nullopt;
}

// "<id> <address> myself,master - <ping> <pong> <config epoch> connected <slot>… [<moving slot>]…"
absl::StatusOr<RedisOwnSlots> parseRedisOwnSlots(std::string_view nodes) {
  constexpr std::size_t kFlags = 2;
  constexpr std::size_t kEpoch = 6;
  constexpr std::size_t kSlots = 8;
  while (!nodes.empty()) {
    const std::size_t end = std::min(nodes.find('\n'), nodes.size());
    const std::vector<std::string_view> words = wordsOf(nodes.substr(0, end));
    nodes.remove_prefix(std::min(end + 1, nodes.size()));
    if (words.size() < kSlots || words[kFlags].find("myself") == std::string_view::npos) continue;
    RedisOwnSlots own;
    std::string_view epoch = words[kEpoch];
    if (!take(epoch, own.config_epoch, 10, '\0')) break;
    for (std::size_t i = kSlots; i < words.size(); ++i) {
      if (words[i].starts_with('[')) {
        own.is_moving = true;
      } else {
        own.ranges.emplace_back(words[i]);
      }
    }
    return own;
  }
  return absl::InternalError("the reply to CLUSTER NODES makes no sense");
}

// ---- The census ----

absl::Status RedisScan::findNodes() {
  auto nodes = router_.all(times_);
  if (!nodes.ok()) return nodes.status();
  nodes_ = *std::move(nodes);
  std::sort(nodes_.begin(), nodes_.end(),
            [](const auto& a, const auto& b) { return a->name() < b->name(); });
  return absl::OkStatus();
}

absl::StatusOr<std::uint64_t> RedisScan::takeCensus() {
  return router_.only() == nullptr ? takeClusterCensus() : askWhoItIs();
}

absl::StatusOr<std::uint64_t> RedisScan::askWhoItIs() {
  RedisCommands commands;
  commands.add({"PING"});
  const auto answers = call_.askMaster(*nodes_.front(), std::move(commands));
  if (!answers.ok()) return answers.status();
  const std::uint64_t life = answers->front().incarnation.value;
  if (life == 0) return unknownLife();
  return life;
}

absl::StatusOr<std::uint64_t> RedisScan::takeClusterCensus() {
  std::bitset<kRedisSlots> slots;
  std::string all;
  for (const std::shared_ptr<RedisNode>& node : nodes_) {
    RedisCommands commands;
    commands.add({"CLUSTER", "NODES"});
    const auto answers = call_.askMaster(*node, std::move(commands));
    if (!answers.ok()) return answers.status();
    const RedisAnswer& answer = answers->front();
    if (!answer.status.ok()) return answer.status;
    if (answer.incarnation == Incarnation{}) return unknownLife();
    const auto own =
        parseRedisOwnSlots(answer.reply->isText() ? answer.reply->text() : std::string_view());
    if (!own.ok()) return annotate(own.status(), node->name());
    if (own->is_moving) return startAgain("slots of the cluster are being moved");
    all += fmt::format("{} {:x} {}", node->name(), answer.incarnation.value, own->config_epoch);
    for (const std::string& range : own->ranges) {
      all += " " + range;
      if (!claim(range, slots)) return startAgain("two nodes of the cluster have the same slot");
    }
    all += "\n";
  }
  if (slots.all()) return stableHash(all);
  router_.noteUnreachable();  // another master has the rest: the map is old
  return startAgain("not every slot of the cluster is on a known node");
}

// ---- The listing ----

absl::StatusOr<RedisScanCursor> RedisScan::begin(std::string_view cursor) {
  if (cursor.empty()) {
    auto census = takeCensus();
    if (!census.ok()) return census.status();
    return RedisScanCursor{.census = *census};
  }
  const std::optional<RedisScanCursor> parsed = RedisScanCursor::parse(cursor);
  if (!parsed) return absl::InvalidArgumentError("redis: a cursor that no listing has given");
  if (parsed->node >= nodes_.size()) return startAgain("the servers are others than before");
  return *parsed;
}

absl::StatusOr<KeyPage> RedisScan::list(std::string_view prefix, RedisScanCursor& cursor) {
  const std::string at = std::to_string(cursor.at);
  RedisCommands commands;
  commands.add({"SCAN", at, "MATCH", scanPatternOf(prefix), "COUNT", kScanCount});
  const auto answers = call_.askMaster(*nodes_[cursor.node], std::move(commands));
  if (!answers.ok()) return answers.status();
  const RedisAnswer& answer = answers->front();
  if (!answer.status.ok()) return answer.status;
  const bool is_pair = answer.reply->isArray() && answer.reply->size() == 2 &&
                       answer.reply->at(0).isText() && answer.reply->at(1).isArray();
  std::string_view next = is_pair ? answer.reply->at(0).text() : std::string_view();
  if (!take(next, cursor.at, 10, '\0')) return RedisCall::unexpected(answer);
  if (router_.only() != nullptr && answer.incarnation.value != cursor.census) {
    return startAgain("the server was replaced");
  }
  KeyPage page;
  const RedisValue keys = answer.reply->at(1);
  page.keys.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) page.keys.emplace_back(keys.at(i).text());
  return page;
}

absl::StatusOr<KeyPage> RedisScan::next(std::string_view prefix, std::string_view cursor) {
  if (absl::Status found = findNodes(); !found.ok()) return found;
  absl::StatusOr<RedisScanCursor> present = begin(cursor);
  if (!present.ok()) return present.status();
  absl::StatusOr<KeyPage> page = list(prefix, *present);
  if (!page.ok()) return page;
  if (present->at == 0) {
    // That was all of this server. One server has told in the same breath that it is the same.
    if (router_.only() == nullptr) {
      const auto census = takeCensus();
      if (!census.ok()) return census.status();
      if (*census != present->census) return startAgain("the cluster has changed");
    }
    if (++present->node == nodes_.size()) return page;
  }
  page->next = present->text();
  return page;
}

}  // namespace strata::internal
