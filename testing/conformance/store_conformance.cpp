#include <fmt/core.h>

#include <array>

#include "strata/testing/conformance/store_conformance_fixture.h"

namespace strata::testing {

std::string_view toString(StoreLimit limit) {
  static constexpr std::array<std::string_view, 5> kNames = {
      "keep versions", "keep deadlines", "hold texts of 1 MiB", "take ids longer than 255 bytes",
      "notice corrupt rows"};
  return kNames[static_cast<std::size_t>(limit)];
}

ConformanceRecord ConformanceRecordHarness::sample(const Id& id, int n) {
  return {
      .key = id.canonical(),
      .text = fmt::format("text {} of {}", n, id.canonical().size()),
      .flag = n % 2 == 0,
      .int32 = -n,
      .int64 = std::int64_t{1'000'000'007} * n,
      .number = n / 3.0,
      .at = kMinTimestamp + std::chrono::hours(24 * 365 * 2000) + std::chrono::microseconds(n),
      .colour = n % 2 == 0 ? ConformanceColour::kGreen : ConformanceColour::kDeepBlue,
      .maybe_int = n % 2 == 0 ? std::optional<std::int64_t>(n) : std::nullopt,
      .texts = {"one", fmt::format("{}", n)},
      .flags = {true, false, n % 2 == 0},
      .counts = {{"n", n}},
      .part = {.label = fmt::format("part {}", n), .weight = n},
      .parts = {{.label = "a"}, {.label = "b", .weight = n}},
  };
}

ConformancePair ConformancePairHarness::sample(const Id& id, int n) {
  std::vector<std::string> segments = id.segments();
  segments.resize(2);
  return {
      .tenant = segments[0], .user = segments[1], .order = n, .notes = {fmt::format("note {}", n)}};
}

}  // namespace strata::testing
