#include "strata/probes/probes.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "src/base/background.h"
#include "src/probes/status_page.h"
#include "strata/base/internal/user_calls.h"

namespace strata {
namespace {

constexpr std::size_t kMaxThreads = 32;
constexpr std::size_t kMaxNameLength = 64;
constexpr int kMaxRefreshSeconds = 3600;
constexpr std::string_view kPlain = "text/plain; charset=utf-8";
constexpr std::string_view kHtml = "text/html; charset=utf-8";
constexpr std::string_view kJson = "application/json";
constexpr std::string_view kPrometheus = "text/plain; version=0.0.4; charset=utf-8";

ProbeAnswer plain(int status, std::string body) {
  return {.status = status, .content_type = std::string(kPlain), .body = std::move(body)};
}
ProbeAnswer notFound() { return plain(404, "not found\n"); }

bool isName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameLength &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

// Zero: it is none that can be.
absl::Duration refreshOf(std::string_view text) {
  int seconds = 0;
  const char* const end = text.data() + text.size();
  const auto [read_to, error] = std::from_chars(text.data(), end, seconds);
  const bool is_number = error == std::errc() && read_to == end;
  const bool is_allowed = is_number && seconds >= 1 && seconds <= kMaxRefreshSeconds;
  return is_allowed ? absl::Seconds(seconds) : absl::ZeroDuration();
}

// What the query asks for. Names need no percent-encoding, so nothing is decoded.
struct Query {
  explicit Query(std::string_view text) {
    while (!text.empty()) {
      const std::string_view part = text.substr(0, text.find('&'));
      text.remove_prefix(std::min(text.size(), part.size() + 1));
      const std::string_view name = part.substr(0, part.find('='));
      const std::string_view value = part.substr(std::min(part.size(), name.size() + 1));
      if (name == "verbose") verbose = true;
      if (name == "exclude") excluded.emplace_back(value);
      if (name == "refresh") refresh = refreshOf(value);
    }
  }
  bool excludes(std::string_view name) const {
    return std::find(excluded.begin(), excluded.end(), name) != excluded.end();
  }

  bool verbose = false;
  std::vector<std::string_view> excluded;
  absl::Duration refresh;  // of the status page
};

Health ask(const Probes::Check& check) {
  return internal::callOut("the check", check, [](const absl::Status& thrown) {
    return Health{.state = HealthState::kFail, .error = std::string(thrown.message())};
  });
}

std::string oneLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

}  // namespace

class Probes::Impl {
 public:
  Impl(const ProbesOptions& options, const Clock& clock, std::shared_ptr<Executor> executor)
      : interval_(std::max(options.check_interval, absl::ZeroDuration())),
        timeout_(std::max(options.timeout, absl::ZeroDuration())),
        clock_(clock),
        background_(executor != nullptr ? std::move(executor) : Executor::withThreads(kMaxThreads),
                    clock) {}
  ~Impl() { background_.end(); }

  absl::Status add(std::string name, Check check, FailureTier tier);
  void setMetrics(std::function<std::string()> text) {
    const std::lock_guard lock(mutex_);
    metrics_ = std::move(text);
  }

  ProbeAnswer ready(const Query& query);
  ProbeAnswer readyOf(std::string_view name);
  ProbeAnswer health();
  ProbeAnswer metrics();
  ProbeAnswer statusPage(const Query& query);

  std::atomic<bool> draining{false};

 private:
  struct Entry {
    const std::string name;
    const Check check;
    const FailureTier tier;
    // The rest is guarded by the mutex of the probes. How often it was begun and has ended.
    std::uint64_t begun = 0;
    std::uint64_t ended = 0;
    MonotonicTime begun_at = {};  // the last of them
    Health answer = {};           // of the last that ended
  };
  using Entries = std::vector<std::shared_ptr<Entry>>;
  // What a check says, and what that means for the process.
  struct Finding {
    Health health;
    HealthState state = HealthState::kPass;
    FailureTier tier = FailureTier::kCritical;
    MonotonicTime asked_at = {};
  };
  using Findings = std::vector<Finding>;

  Entries entriesBut(const Query& query);
  // What each of them says: what it said within the interval, or what it says now.
  Findings find(const Entries& entries);
  // Those that are to be run now; they count as begun.
  Entries takeDue(const Entries& entries);
  void run(const std::shared_ptr<Entry>& entry);
  void finish(Entry& entry, Health answer);
  // Waits for the run that is under way. One that has been for the timeout already is not waited
  // for again: whoever comes while a check hangs is answered at once.
  Finding await(std::unique_lock<std::mutex>& lock, const Entry& entry);

  static HealthState worst(const Findings& findings);
  static bool isReady(const Findings& findings, bool is_draining) {
    return !is_draining && worst(findings) != HealthState::kFail;
  }
  static std::string lineOf(const Finding& finding);
  ProbeAnswer readiness(const Findings& findings, const std::string& notes, bool is_draining,
                        bool verbose) const;

  const absl::Duration interval_;
  const absl::Duration timeout_;
  const Clock& clock_;
  const MonotonicTime made_at_ = clock_.now();
  std::mutex mutex_;
  std::condition_variable changed_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  std::function<std::string()> metrics_ ABSL_GUARDED_BY(mutex_);
  internal::Background background_;  // last: its tasks use all of the above
};

absl::Status Probes::Impl::add(std::string name, Check check, FailureTier tier) {
  if (!isName(name)) {
    return absl::InvalidArgumentError(
        "probes: the name of a check is 1 to 64 lower-case letters, digits, '-' and '_'");
  }
  if (check == nullptr) {
    return absl::InvalidArgumentError(fmt::format("probes: '{}' has no check", name));
  }
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) {
    if (entry->name == name) {
      return absl::AlreadyExistsError(fmt::format("probes: there is a check '{}'", name));
    }
  }
  entries_.push_back(std::make_shared<Entry>(
      Entry{.name = std::move(name), .check = std::move(check), .tier = tier}));
  return absl::OkStatus();
}

Probes::Impl::Entries Probes::Impl::entriesBut(const Query& query) {
  const std::lock_guard lock(mutex_);
  Entries entries = entries_;
  std::erase_if(entries, [&](const auto& entry) { return query.excludes(entry->name); });
  return entries;
}

Probes::Impl::Entries Probes::Impl::takeDue(const Entries& entries) {
  Entries due;
  const MonotonicTime now = clock_.now();
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries) {
    if (entry->ended != entry->begun) continue;  // it is running
    if (entry->begun > 0 && entry->begun_at + interval_ > now) continue;
    entry->begun_at = now;
    ++entry->begun;
    due.push_back(entry);
  }
  return due;
}

void Probes::Impl::run(const std::shared_ptr<Entry>& entry) {
  const bool has_thread = background_.trySchedule(
      absl::ZeroDuration(), [this, entry] { finish(*entry, ask(entry->check)); });
  if (has_thread) return;
  // Not run here: a check may hang, and whoever asks for an answer must not.
  finish(*entry, {.state = HealthState::kFail, .error = "not asked: no thread could be started"});
}

void Probes::Impl::finish(Entry& entry, Health answer) {
  const std::lock_guard lock(mutex_);
  entry.answer = std::move(answer);
  ++entry.ended;
  changed_.notify_all();
}

Probes::Impl::Finding Probes::Impl::await(std::unique_lock<std::mutex>& lock, const Entry& entry) {
  const std::uint64_t run = entry.begun;
  const MonotonicTime begun_at = entry.begun_at;
  const MonotonicTime until = begun_at + timeout_;
  while (entry.ended < run && clock_.now() < until) clock_.wait(lock, changed_, until);
  Finding finding{.health = entry.answer, .tier = entry.tier, .asked_at = begun_at};
  if (entry.ended < run) {
    finding.health.state = HealthState::kFail;
    finding.health.latency = clock_.now() - begun_at;
    finding.health.error = fmt::format("no answer within {}", absl::FormatDuration(timeout_));
    finding.health.children.clear();
  }
  finding.health.component = entry.name;
  finding.state = finding.health.state;
  if (entry.tier != FailureTier::kCritical) {
    finding.state = std::min(finding.state, HealthState::kWarn);
  }
  return finding;
}

Probes::Impl::Findings Probes::Impl::find(const Entries& entries) {
  for (const auto& entry : takeDue(entries)) run(entry);
  Findings findings;
  std::unique_lock lock(mutex_);
  for (const auto& entry : entries) findings.push_back(await(lock, *entry));
  return findings;
}

HealthState Probes::Impl::worst(const Findings& findings) {
  HealthState worst = HealthState::kPass;
  for (const Finding& finding : findings) worst = std::max(worst, finding.state);
  return worst;
}

std::string Probes::Impl::lineOf(const Finding& finding) {
  const Health& health = finding.health;
  if (finding.state == HealthState::kPass) return fmt::format("[+] {} ok\n", health.component);
  return fmt::format("[{}] {} {}: {}\n", finding.state == HealthState::kWarn ? '!' : '-',
                     health.component, toString(finding.state), oneLine(health.error));
}

ProbeAnswer Probes::Impl::readiness(const Findings& findings, const std::string& notes,
                                    bool is_draining, bool verbose) const {
  const bool is_ready = isReady(findings, is_draining);
  const char* const verdict = is_ready ? "ok\n" : "not ready\n";
  if (is_ready && !verbose) return plain(200, verdict);
  std::string body;
  for (const Finding& finding : findings) body += lineOf(finding);
  if (is_draining) body += "[-] shutdown fail: the process is about to end\n";
  return plain(is_ready ? 200 : 503, body + notes + verdict);
}

ProbeAnswer Probes::Impl::ready(const Query& query) {
  std::string notes;
  const Entries all = entriesBut(Query(""));
  for (const std::string_view name : query.excluded) {
    // What is not a name is not repeated: it is the caller's text.
    if (!isName(name)) continue;
    if (std::none_of(all.begin(), all.end(),
                     [&](const auto& entry) { return entry->name == name; }))
      notes += fmt::format("[?] {} is excluded and is no check\n", name);
  }
  // First, because a process that is about to end must say so even while its checks hang.
  if (draining) return readiness({}, notes, true, query.verbose);
  return readiness(find(entriesBut(query)), notes, draining, query.verbose);
}

ProbeAnswer Probes::Impl::readyOf(std::string_view name) {
  Entries entries = entriesBut(Query(""));
  std::erase_if(entries, [&](const auto& entry) { return entry->name != name; });
  if (entries.empty()) return notFound();
  return readiness(find(entries), "", false, true);
}

ProbeAnswer Probes::Impl::health() {
  const Findings findings = find(entriesBut(Query("")));
  Health health{.component = "process", .backend = "none", .state = worst(findings)};
  for (const Finding& finding : findings) {
    health.latency = std::max(health.latency, finding.health.latency);
    if (finding.state == health.state && health.error.empty()) {
      health.error = health.state == HealthState::kPass
                         ? ""
                         : fmt::format("{}: {}", finding.health.component, finding.health.error);
    }
    health.children.push_back(finding.health);
  }
  return {.status = health.healthy() ? 200 : 503,
          .content_type = std::string(kJson),
          .body = toJson(health)};
}

ProbeAnswer Probes::Impl::metrics() {
  std::function<std::string()> text;
  {
    const std::lock_guard lock(mutex_);
    text = metrics_;
  }
  if (text == nullptr) return notFound();
  return internal::callOut(
      "metrics",
      [&]() -> ProbeAnswer {
        return {.status = 200, .content_type = std::string(kPrometheus), .body = text()};
      },
      [](const absl::Status& thrown) { return plain(500, std::string(thrown.message()) + "\n"); });
}

ProbeAnswer Probes::Impl::statusPage(const Query& query) {
  Findings findings = find(entriesBut(Query("")));
  const MonotonicTime now = clock_.now();
  internal::StatusPage page{.is_draining = draining,
                            .now = clock_.wallTime(),
                            .uptime = now - made_at_,
                            .refresh = query.refresh};
  page.is_ready = isReady(findings, page.is_draining);
  for (Finding& finding : findings) {
    page.checks.push_back({.health = std::move(finding.health),
                           .state = finding.state,
                           .tier = finding.tier,
                           .asked_ago = now - finding.asked_at});
  }
  {
    const std::lock_guard lock(mutex_);
    page.has_metrics = metrics_ != nullptr;
  }
  ProbeAnswer answer{.status = page.is_ready ? 200 : 503,
                     .content_type = std::string(kHtml),
                     .body = internal::renderStatusPage(page)};
  answer.headers.emplace_back("Content-Security-Policy", internal::kStatusPagePolicy);
  return answer;
}

Probes::Probes(const ProbesOptions& options, const Clock& clock, std::shared_ptr<Executor> executor)
    : impl_(std::make_unique<Impl>(options, clock, std::move(executor))) {}
Probes::~Probes() = default;

absl::Status Probes::add(std::string name, Check check, FailureTier tier) {
  return impl_->add(std::move(name), std::move(check), tier);
}

void Probes::setMetrics(std::function<std::string()> text) { impl_->setMetrics(std::move(text)); }

ProbeAnswer Probes::answer(std::string_view target) {
  constexpr std::string_view kOneCheck = "/readyz/";
  const std::string_view path = target.substr(0, target.find('?'));
  const std::string_view query = target.substr(std::min(target.size(), path.size() + 1));
  if (path == "/livez") return plain(200, "ok\n");
  if (path == "/readyz") return impl_->ready(Query(query));
  if (path == "/healthz") return impl_->health();
  if (path == "/metrics") return impl_->metrics();
  if (path == "/statusz") return impl_->statusPage(Query(query));
  if (path.substr(0, kOneCheck.size()) == kOneCheck) {
    return impl_->readyOf(path.substr(kOneCheck.size()));
  }
  return notFound();
}

void Probes::beginDrain() { impl_->draining = true; }
bool Probes::draining() const { return impl_->draining; }

}  // namespace strata
