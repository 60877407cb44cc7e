// Whatever a check says of itself: the page stays well-formed, and shows it instead of obeying it.
#include <algorithm>
#include <string>

#include "fuzz/fuzz_target.h"
#include "src/base/utf8.h"
#include "src/probes/status_page.h"

namespace strata::internal {
namespace {

using fuzz::expect;

std::string pageAbout(std::string_view text) {
  Health child{.component = std::string(text), .state = HealthState::kFail};
  Health health{.component = std::string(text),
                .backend = std::string(text),
                .state = HealthState::kFail,
                .error = std::string(text) + "."};
  health.children.push_back(std::move(child));
  StatusPage page{.is_ready = false};
  page.checks.push_back({.health = std::move(health), .state = HealthState::kFail});
  return renderStatusPage(page);
}

}  // namespace
}  // namespace strata::internal

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using strata::fuzz::expect;
  static const std::string harmless = strata::internal::pageAbout("harmless");
  const std::string page = strata::internal::pageAbout({reinterpret_cast<const char*>(data), size});
  expect(strata::internal::isUtf8(page));
  for (const char mark : {'<', '>', '"', '\'', '\n'}) {
    expect(std::ranges::count(page, mark) == std::ranges::count(harmless, mark));
  }
  const auto is_control = [](char c) { return (c >= '\0' && c < ' ' && c != '\n') || c == '\x7F'; };
  expect(std::ranges::none_of(page, is_control));
  return 0;
}
