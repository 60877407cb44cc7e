#include "src/probes/status_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

#include "src/base/utf8.h"

namespace strata::internal {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr Timestamp kNoon =
    std::chrono::sys_days(std::chrono::year{2026} / 1 / 31) + std::chrono::hours(12);

StatusPage pageOf(StatusPage::Check check) {
  StatusPage page{.now = kNoon, .uptime = absl::Seconds(90)};
  page.checks.push_back(std::move(check));
  return page;
}

std::string rendered(Health health) {
  return renderStatusPage(pageOf({.health = std::move(health)}));
}

// The table's row of a component, or its child.
std::string rowOf(const std::string& page, const std::string& component) {
  const std::size_t name = page.find(component + "</th>");
  if (name == std::string::npos) return "no row";
  const std::size_t begin = page.rfind("<tr", name);
  return page.substr(begin, page.find("</tr>", name) - begin);
}

TEST(StatusPage, SaysSinceWhenTheProcessRuns) {
  StatusPage page{.now = kNoon, .uptime = absl::Seconds(90)};
  EXPECT_THAT(renderStatusPage(page),
              HasSubstr("Running for 1 min 30 s, since 2026-01-31 11:58:30 UTC. "
                        "It is now 2026-01-31 12:00:00 UTC."));
  page.uptime = absl::Milliseconds(400);
  EXPECT_THAT(renderStatusPage(page), HasSubstr("Running for 0.4 s,"));
  page.uptime = absl::Hours(3) + absl::Minutes(7);
  EXPECT_THAT(renderStatusPage(page), HasSubstr("Running for 3 h 7 min,"));
  page.uptime = absl::Hours(75);
  EXPECT_THAT(renderStatusPage(page), HasSubstr("Running for 3 d 3 h,"));
}

TEST(StatusPage, SaysWhyItIsNotReady) {
  StatusPage page = pageOf({.health = {.component = "postgres", .error = "connection refused"},
                            .state = HealthState::kFail});
  page.checks.push_back({.health = {.component = "redis", .error = "slow"},
                         .state = HealthState::kWarn,
                         .tier = FailureTier::kImportant});
  page.checks.push_back({.health = {.component = "disk"}, .state = HealthState::kFail});
  page.is_ready = false;
  page.is_draining = true;
  const std::string html = renderStatusPage(page);
  EXPECT_THAT(html, HasSubstr("<title>not ready</title>"));
  EXPECT_THAT(html, HasSubstr("<h1 class=\"fail\">✗ not ready</h1>\n"
                              "<ul>\n<li>the process is about to end</li>\n"
                              "<li>postgres fails: connection refused</li>\n"
                              "<li>disk fails</li>\n</ul>\n"));
}

TEST(StatusPage, ShowsEachCheckInARowWithItsStateInWords) {
  const std::string html = renderStatusPage(pageOf({.health = {.component = "redis",
                                                               .backend = "redis-cluster",
                                                               .state = HealthState::kFail,
                                                               .latency = absl::Microseconds(2345),
                                                               .error = "no route"},
                                                    .state = HealthState::kWarn,
                                                    .tier = FailureTier::kBestEffort,
                                                    .asked_ago = absl::Milliseconds(400)}));
  const std::string row = rowOf(html, "redis");
  EXPECT_THAT(row, HasSubstr("<span class=\"warn\">! warn</span>"));
  for (const char* text :
       {">redis-cluster<", ">2.3 ms<", ">best effort<", ">0.4 s ago<", ">no route<"}) {
    EXPECT_THAT(row, HasSubstr(text));
  }
  EXPECT_THAT(html, HasSubstr("<title>ready</title>"));
  EXPECT_THAT(html, Not(HasSubstr("<li>")));
}

TEST(StatusPage, ShowsLatenciesInAUnitThatSuitsThem) {
  const auto latency = [](absl::Duration took) {
    return rowOf(rendered({.component = "c", .latency = took}), "c");
  };
  EXPECT_THAT(latency(absl::Microseconds(870)), HasSubstr(">870 µs<"));
  EXPECT_THAT(latency(absl::Microseconds(1250)), HasSubstr(">1.2 ms<"));
  EXPECT_THAT(latency(absl::Milliseconds(1500)), HasSubstr(">1.5 s<"));
  EXPECT_THAT(latency(absl::InfiniteDuration()), HasSubstr(">inf s<"));
}

TEST(StatusPage, ShowsChildrenBelowTheirParent) {
  const Health disk{.component = "disk", .state = HealthState::kFail, .error = "full"};
  const Health database{.component = "database", .backend = "postgres", .children = {disk}};
  const Health cache{.component = "cache", .backend = "redis"};
  const std::string html = rendered({.component = "store", .children = {database, cache}});
  EXPECT_THAT(rowOf(html, "store"), HasSubstr("--depth: 0"));
  EXPECT_THAT(rowOf(html, "└ database"), HasSubstr("--depth: 1"));
  EXPECT_THAT(rowOf(html, "└ disk"), HasSubstr("--depth: 2"));
  EXPECT_THAT(rowOf(html, "└ disk"), HasSubstr("✗ fail"));
  EXPECT_THAT(rowOf(html, "└ disk"), HasSubstr(">full<"));
  EXPECT_THAT(rowOf(html, "└ cache"), HasSubstr("--depth: 1"));
  EXPECT_LT(html.find("store</th>"), html.find("database</th>"));
  EXPECT_LT(html.find("database</th>"), html.find("disk</th>"));
  EXPECT_LT(html.find("disk</th>"), html.find("cache</th>"));
}

TEST(StatusPage, ShowsMarkupInItsTextsAndDoesNotObeyIt) {
  const std::string hostile = "</td><script>alert(\"x\" + 'y')</script> & so on";
  const std::string shown =
      "&lt;/td&gt;&lt;script&gt;alert(&quot;x&quot; + &#39;y&#39;)&lt;/script&gt; &amp; so on";
  const Health child{.component = hostile, .backend = hostile, .error = hostile};
  StatusPage page = pageOf({.health = {.component = hostile,
                                       .backend = hostile,
                                       .state = HealthState::kFail,
                                       .error = hostile,
                                       .children = {child}},
                            .state = HealthState::kFail});
  page.is_ready = false;
  const std::string html = renderStatusPage(page);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("alert(\"")));
  EXPECT_THAT(html, HasSubstr("<li>" + shown + " fails: " + shown + "</li>"));
  EXPECT_THAT(html, HasSubstr("<td data-label=\"backend\">" + shown + "</td>"));
  EXPECT_THAT(html, HasSubstr("└ " + shown + "</th>"));
}

TEST(StatusPage, ShowsWhatIsNoCharacterAsSuch) {
  const auto error = [](const std::string& text) {
    const std::string html = rendered({.component = "c", .error = text});
    EXPECT_TRUE(isUtf8(html)) << text;
    const std::size_t begin = html.find("\"error\">") + 8;
    return html.substr(begin, html.find("</td>", begin) - begin);
  };
  EXPECT_EQ(error("é € 🙂"), "é € 🙂");
  EXPECT_EQ(error("one\r\n\ttwo"), "one   two");
  EXPECT_EQ(error(std::string("\0|\x1B[31m|\x7F", 9)), "\uFFFD|\uFFFD[31m|\uFFFD");
  EXPECT_EQ(error("\xC2\x85|\xC2\x9F|\xC2\xA0"), "\uFFFD|\uFFFD|\u00A0");
  EXPECT_EQ(error("\xFF|\xC0\xAF|\xED\xA0\x80"), "\uFFFD|\uFFFD\uFFFD|\uFFFD\uFFFD\uFFFD");
  // Cut off before its end: what follows is neither swallowed nor set free.
  EXPECT_EQ(error("\xF0\x9F\x99<script>"), "\uFFFD\uFFFD\uFFFD&lt;script&gt;");
  EXPECT_EQ(error("\xE2\x82"), "\uFFFD\uFFFD");
}

TEST(StatusPage, LoadsNothingAndRunsNothing) {
  StatusPage page = pageOf({.health = {.component = "postgres"}});
  page.has_metrics = true;
  const std::string html = renderStatusPage(page);
  for (const char* absent : {"<script", "<link", "<img", "src=", "url(", "@import", "http"}) {
    EXPECT_THAT(html, Not(HasSubstr(absent)));
  }
  EXPECT_THAT(html, HasSubstr("<a href=\"readyz?verbose\">"));
  EXPECT_THAT(html, HasSubstr("<a href=\"healthz\">"));
  EXPECT_THAT(html, HasSubstr("<a href=\"metrics\">"));
  EXPECT_THAT(html, HasSubstr("<a href=\"?refresh=5\">"));
}

TEST(StatusPage, OffersToStopLoadingItselfAnew) {
  const std::string html = renderStatusPage({.refresh = absl::Seconds(30)});
  EXPECT_THAT(html, HasSubstr("<meta http-equiv=\"refresh\" content=\"30\">"));
  EXPECT_THAT(html, HasSubstr("<a href=\"?\">stop refreshing</a>"));
  EXPECT_THAT(html, Not(HasSubstr("?refresh=")));
}

TEST(StatusPage, OfNoChecksSaysSo) {
  const std::string html = renderStatusPage({});
  EXPECT_THAT(html, HasSubstr("There are no checks."));
  EXPECT_THAT(html, Not(HasSubstr("<table")));
  EXPECT_THAT(html, Not(HasSubstr("href=\"metrics\"")));
}

}  // namespace
}  // namespace strata::internal
