// What a random sequence of calls knows of the rows there are, and how it decides on arguments.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "strata/testing/fakes/fake_clock.h"
#include "tests/stores/conversations/lockstep/lockstep_side.h"

namespace strata::lockstep {

// A row that there is, or was, or would be had its unit of work been committed. Ids are in the
// words of both sides.
struct Known {
  std::string tenant;
  std::string conversation;
  std::string id;
};

// One call with its arguments, on whichever side.
struct Operation {
  std::string text;
  std::function<std::string(Side&)> call;
};

// What a random step consists of: the smaller, the plainer.
struct Step {
  std::size_t kind = 0;
  std::array<std::uint16_t, 12> choices{};
};

struct World {
  World(std::uint64_t sequence, testing::FakeClock& its_clock)
      : clock(its_clock), number(sequence) {
    for (int i = 0; i < 3; ++i) tenants.push_back(newId("tenant"));
    for (int i = 0; i < 3; ++i) users.push_back(newId("user"));
  }

  // Two ids of which one was made later are in any order.
  std::string newId(const char* what) {
    const std::uint64_t spread = ++given * 0x9E3779B97F4A7C15;
    std::string id = fmt::format("{:08x}-{:04x}-4{:03x}-8{:03x}{}", spread >> 32, spread & 0xffff,
                                 number & 0xfff, (number >> 12) & 0xfff, kGiven);
    labels.emplace_back(id, fmt::format("{}_{}", what, given));
    return id;
  }
  // For people: what the ids in `text` were given to.
  std::string labelled(std::string text) const {
    for (const auto& [id, label] : labels) {
      for (std::size_t at = text.find(id); at != std::string::npos; at = text.find(id)) {
        text.replace(at, id.size(), label);
      }
    }
    return text;
  }

  // Where stores make ids of messages, which differ, so that nothing is ordered by them: no other
  // change has this time, nor will have.
  void momentOfItsOwn() {
    noteTime();
    clock.setWallTime(latest + std::chrono::microseconds(1));
    earliest = clock.wallTime() + std::chrono::microseconds(1);
  }
  // Both sides tell, the first one first; what they tell is the same.
  static void learn(std::vector<Known>& rows, const Known& row) {
    const auto same = [&](const Known& other) {
      return other.tenant == row.tenant && other.id == row.id;
    };
    if (std::ranges::none_of(rows, same)) rows.push_back(row);
  }
  void noteTime() { latest = std::max(latest, clock.wallTime()); }

  testing::FakeClock& clock;
  const std::uint64_t number;
  std::uint64_t given = 0;
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::string> tenants;
  std::vector<std::string> users;  // in every tenant
  std::vector<Known> conversations;
  std::vector<Known> paths;
  std::vector<Known> messages;
  std::vector<Known> executions;
  std::vector<std::string> cursors;
  bool in_unit = false;
  bool sets_global_config = false;
  Timestamp latest = clock.wallTime();    // of all that there were
  Timestamp earliest = clock.wallTime();  // to which the clock may be set
};

// Decides by a step's choices; what they are used for in which order is the operation's.
class Choices {
 public:
  Choices(const Step& step, World& world) : step_(step), world_(world) {}

  std::size_t below(std::size_t count) { return step_.choices[next_++ % 12] % count; }
  // Rarely; the plainest sequence has none.
  bool oneIn(std::size_t count) { return below(count) == count - 1; }
  template <typename T>
  const T& of(const std::vector<T>& values) {
    return values[below(values.size())];
  }
  template <typename T>
  T of(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

  // One that is known, or (rarely, or where there is none) one that nobody knows.
  Known known(const std::vector<Known>& rows) {
    if (rows.empty() || oneIn(24)) return {of(world_.tenants), unknown(), unknown()};
    return of(rows);
  }
  // One of the same conversation, mostly.
  Known sibling(const std::vector<Known>& rows, const Known& other) {
    std::vector<Known> siblings;
    for (const Known& row : rows) {
      if (row.conversation == other.conversation) siblings.push_back(row);
    }
    return siblings.empty() || oneIn(12) ? known(rows) : of(siblings);
  }
  std::string tenantOf(const Known& row) { return oneIn(16) ? of(world_.tenants) : row.tenant; }
  Caller callerOf(const Known& row) { return {.tenant_id = tenantOf(row), .user_id = maybeUser()}; }
  std::optional<std::string> maybeUser() {
    const std::size_t choice = below(world_.users.size() + 1);
    if (choice == world_.users.size()) return std::nullopt;
    return world_.users[choice];
  }
  // The same id, mostly; else one in capitals, of somebody else, or none at all.
  std::string spelled(const std::string& id) {
    const std::size_t choice = below(40);
    if (choice == 39) return of<std::string>({"", "not-a-uuid"});
    return choice == 38 && !id.starts_with('#') ? absl::AsciiStrToUpper(id) : id;
  }
  // A new one, mostly; else one that is in use.
  std::string fresh(const char* what, const std::vector<Known>& rows) {
    return !rows.empty() && oneIn(16) ? of(rows).id : world_.newId(what);
  }
  std::int64_t limit() { return of<std::int64_t>({3, 1, 2, 50, 1000, 0, 1001}); }
  // What databases may trip over, and what no store may hold.
  std::string content() {
    static const std::vector<std::string> all = {
        "Hello",
        "",
        "It's \"quoted\" \\ and \\u0000 {}",
        "a\nb\t",
        "\x01\x7f",
        "za\xC5\xBC\xC3\xB3\xC5\x82\xC4\x87 \xF0\x9F\x98\x80",
        "{1,NULL}",
        "\xEF\xBF\xBF",
        "\xC3\x28",
        std::string("a\0b", 3)};
    return below(4) == 0 ? of(all) : all.front();
  }
  std::optional<std::string> maybeText() {
    return oneIn(3) ? std::optional(content()) : std::nullopt;
  }
  Json json() {
    static const std::vector<Json> all = {
        Json(),
        *Json::parse(R"({"fallback_audience":"public"})"),
        *Json::parse(R"({"fallback_audience":"tenant","b":[1,null,1.50,{"z":1e300,"a":-0.0}]})"),
        *Json::parse(R"({"fallback_audience":"nobody","é\n":"😀"})"),
        *Json::parse(R"({"fallback_audience":7})"),
        *Json::parse(R"({"merged_from":"x"})"),
        *Json::parse("[1]")};
    return below(3) == 0 ? of(all) : all.front();
  }

 private:
  std::string unknown() { return world_.newId("unknown"); }

  const Step& step_;
  World& world_;
  std::size_t next_ = 0;
};

// For people: "name(a=1, b=2)".
using Arguments = std::initializer_list<std::pair<const char*, std::string>>;
inline std::string described(const char* name, Arguments arguments) {
  std::string text;
  for (const auto& [what, value] : arguments) {
    text += fmt::format("{}{}={}", text.empty() ? "" : ", ", what, value);
  }
  return fmt::format("{}({})", name, text);
}
inline std::string shown(const std::optional<std::string>& value) { return value.value_or("none"); }

}  // namespace strata::lockstep
