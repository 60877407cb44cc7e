#include "src/probes/status_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "src/base/utf8.h"

namespace strata::internal {
namespace {

// On a narrow screen a row of the table is a block, and each cell a line with its label.
constexpr std::string_view kStyle = R"(<style>
:root { color-scheme: light dark; --line: #d0d7de; --quiet: #59636e;
  --pass: #1a7f37; --warn: #8a5a00; --fail: #cf222e; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3d444d; --quiet: #9198a1; --pass: #3fb950; --warn: #d29922; --fail: #ff7b72; }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 1rem auto; padding: 0 1rem; }
.pass { color: var(--pass); } .warn { color: var(--warn); } .fail { color: var(--fail); }
.pass, .warn, .fail { font-weight: bold; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; overflow-wrap: anywhere; }
tr { border-bottom: 1px solid var(--line); }
tbody th { padding-left: calc(.6rem + 1.5rem * var(--depth)); }
thead th, p { color: var(--quiet); }
a { margin-right: 1rem; }
@media (max-width: 45rem) {
  thead { display: none; }
  tbody, tr, tbody th, td { display: block; }
  tr { padding: .4rem 0 .4rem calc(1.5rem * var(--depth)); }
  tbody th, td { padding: 0; }
  td:empty { display: none; }
  td::before { content: attr(data-label) ": "; color: var(--quiet); }
}
</style>
)";

// U+FFFD.
constexpr std::string_view kNoCharacter = "\xEF\xBF\xBD";
// Deeper children are not indented further.
constexpr int kMaxIndent = 6;

// Of the character beyond ASCII that `text` begins with; 0: it begins with none.
std::size_t lengthBeyondAscii(std::string_view text) {
  for (std::size_t length = 2; length <= std::min<std::size_t>(text.size(), 4); ++length) {
    if (isUtf8(text.substr(0, length))) return length;
  }
  return 0;
}

// U+0080 to U+009F.
bool isControl(std::string_view character) {
  return character >= "\xC2\x80" && character < "\xC2\xA0";
}

std::string_view escapedAscii(const char& c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    case '\t':
    case '\n':
    case '\r':
      return " ";
    default:
      return c < ' ' || c == '\x7F' ? kNoCharacter : std::string_view(&c, 1);
  }
}

std::string escaped(std::string_view text) {
  std::string html;
  for (std::size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      html += escapedAscii(text[i++]);
      continue;
    }
    const std::string_view character = text.substr(i, lengthBeyondAscii(text.substr(i)));
    html += character.empty() || isControl(character) ? kNoCharacter : character;
    i += std::max<std::size_t>(character.size(), 1);
  }
  return html;
}

std::string latencyText(absl::Duration latency) {
  if (latency < absl::Milliseconds(1)) {
    return fmt::format("{} µs", absl::ToInt64Microseconds(latency));
  }
  if (latency < absl::Seconds(1)) {
    return fmt::format("{:.1f} ms", absl::ToDoubleMilliseconds(latency));
  }
  return fmt::format("{:.1f} s", absl::ToDoubleSeconds(latency));
}

std::string spanText(absl::Duration span) {
  if (span < absl::Minutes(1)) return fmt::format("{:.1f} s", absl::ToDoubleSeconds(span));
  const std::int64_t seconds = absl::ToInt64Seconds(span);
  const std::int64_t minutes = seconds / 60;
  const std::int64_t hours = minutes / 60;
  if (hours == 0) return fmt::format("{} min {} s", minutes, seconds % 60);
  if (hours < 24) return fmt::format("{} h {} min", hours, minutes % 60);
  return fmt::format("{} d {} h", hours / 24, hours % 24);
}

// "2026-01-31 23:59:59 UTC".
std::string timeText(Timestamp time) {
  std::string text = formatTimestamp(time);
  std::replace(text.begin(), text.end(), 'T', ' ');
  return text.substr(0, text.find('.')) + " UTC";
}

std::string_view tierText(FailureTier tier) {
  switch (tier) {
    case FailureTier::kCritical:
      return "critical";
    case FailureTier::kImportant:
      return "important";
    case FailureTier::kBestEffort:
      return "best effort";
  }
  return "unknown";
}

// Not by its colour alone.
std::string_view markOf(HealthState state) {
  switch (state) {
    case HealthState::kPass:
      return "✓";
    case HealthState::kWarn:
      return "!";
    case HealthState::kFail:
      return "✗";
  }
  return "?";
}

std::string cell(std::string_view label, std::string_view text) {
  return fmt::format("<td data-label=\"{}\">{}</td>", label, escaped(text));
}

// `tier` and `asked` are empty for a child, which has neither.
std::string row(const Health& health, HealthState state, int depth, std::string_view tier,
                std::string_view asked) {
  std::string html = fmt::format(
      "<tr style=\"--depth: {}\"><th scope=\"row\">{}{}</th>"
      "<td data-label=\"state\"><span class=\"{}\">{} {}</span></td>",
      std::min(depth, kMaxIndent), depth == 0 ? "" : "└ ", escaped(health.component),
      toString(state), markOf(state), toString(state));
  html += cell("backend", health.backend);
  html += cell("latency", latencyText(health.latency));
  html += cell("tier", tier);
  html += cell("asked", asked);
  html += cell("error", health.error);
  return html + "</tr>\n";
}

std::string rowsOfChildren(const Health& health, int depth) {
  std::string html;
  for (const Health& child : health.children) {
    html += row(child, child.state, depth, "", "");
    html += rowsOfChildren(child, depth + 1);
  }
  return html;
}

std::string tableOf(const std::vector<StatusPage::Check>& checks) {
  if (checks.empty()) return "<p>There are no checks.</p>\n";
  std::string html =
      "<table>\n<thead><tr><th>component</th><th>state</th><th>backend</th><th>latency</th>"
      "<th>tier</th><th>asked</th><th>error</th></tr></thead>\n<tbody>\n";
  for (const auto& check : checks) {
    html +=
        row(check.health, check.state, 0, tierText(check.tier), spanText(check.asked_ago) + " ago");
    html += rowsOfChildren(check.health, 1);
  }
  return html + "</tbody>\n</table>\n";
}

std::string reasonsOf(const StatusPage& page) {
  std::string html;
  if (page.is_draining) html += "<li>the process is about to end</li>\n";
  for (const auto& check : page.checks) {
    if (check.state != HealthState::kFail) continue;
    const std::string& error = check.health.error;
    html += fmt::format("<li>{} fails{}{}</li>\n", escaped(check.health.component),
                        error.empty() ? "" : ": ", escaped(error));
  }
  return html.empty() ? html : "<ul>\n" + html + "</ul>\n";
}

// Relative, so that they hold behind a proxy that adds a prefix.
std::string linksOf(const StatusPage& page) {
  std::string html = "<nav><a href=\"readyz?verbose\">readyz</a><a href=\"healthz\">healthz</a>";
  if (page.has_metrics) html += "<a href=\"metrics\">metrics</a>";
  html += page.refresh > absl::ZeroDuration() ? "<a href=\"?\">stop refreshing</a>"
                                              : "<a href=\"?refresh=5\">refresh every 5 s</a>";
  return html + "</nav>\n";
}

std::string headOf(const StatusPage& page, std::string_view verdict) {
  std::string html =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  if (page.refresh > absl::ZeroDuration()) {
    html += fmt::format("<meta http-equiv=\"refresh\" content=\"{}\">\n",
                        absl::ToInt64Seconds(page.refresh));
  }
  html += fmt::format("<title>{}</title>\n", verdict);
  html += kStyle;
  return html + "</head>\n";
}

}  // namespace

std::string renderStatusPage(const StatusPage& page) {
  const std::string_view verdict = page.is_ready ? "ready" : "not ready";
  const HealthState state = page.is_ready ? HealthState::kPass : HealthState::kFail;
  std::string html = headOf(page, verdict);
  html +=
      fmt::format("<body>\n<h1 class=\"{}\">{} {}</h1>\n", toString(state), markOf(state), verdict);
  html += reasonsOf(page);
  html +=
      fmt::format("<p>Running for {}, since {}. It is now {}.</p>\n", spanText(page.uptime),
                  timeText(page.now - absl::ToChronoMicroseconds(page.uptime)), timeText(page.now));
  html += tableOf(page.checks);
  html += linksOf(page);
  return html + "</body>\n</html>\n";
}

}  // namespace strata::internal
