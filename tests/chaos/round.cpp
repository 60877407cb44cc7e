#include "tests/chaos/round.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "strata/base/clock.h"
#include "strata/testing/eventually.h"
#include "tests/chaos/report.h"
#include "tests/chaos/stack.h"

namespace strata::chaos {
namespace {

constexpr absl::Duration kWarmUp = absl::Seconds(3);
// After the last fault: until then every copy that anybody could not delete has expired.
const absl::Duration kSettle = kWorstStaleness + absl::Milliseconds(400);
// A read may be late in telling of what it found, and in being told.
constexpr absl::Duration kStalenessSlack = absl::Seconds(1);
// Some timeouts of the cache, and what a machine does that runs fifty threads on two processors.
constexpr absl::Duration kLongestCall = absl::Seconds(3);
constexpr double kRecovered = 0.95;

void sleepFor(absl::Duration time) { Clock::system().sleepFor(time); }

}  // namespace

bool Runner::runRound(absl::Duration length) {
  const std::size_t before = result_.complaints.size() + result_.verdict.violations.size();
  play(length);
  if (park()) check();
  if (!rig_.clientsLive()) complain("a client process ended by itself");
  if (history_.anyFull()) complain("the history is full: give this machine shorter rounds");
  return result_.complaints.size() + result_.verdict.violations.size() == before;
}

void Runner::play(absl::Duration length) {
  const std::int64_t end = nowNanos() + absl::ToInt64Nanoseconds(length);
  const absl::Duration window = std::clamp(length / 15, absl::Seconds(1), absl::Seconds(4));
  started_ = nowNanos();
  injector_.clear();
  rig_.control().phase.store(Phase::kRunning);
  sleepFor(kWarmUp);
  const HazardCounts warm = rig_.hazards();
  sleepFor(window);
  const HazardCounts begun = rig_.hazards();
  result_.hit_ratio_before = hitRatio(begun - warm);
  const std::int64_t faults_begin = nowNanos();
  injector_.run(end - absl::ToInt64Nanoseconds(kSettle + window));
  result_.fault_time += absl::Nanoseconds(nowNanos() - faults_begin);
  sleepFor(kSettle);
  awaitRecovery();
  measureAfter(window);
  const HazardCounts during = rig_.hazards() - begun;
  for (std::size_t i = 0; i < kHazards; ++i) result_.hazards[i] += during[i];
  for (const FaultWindow& fault : injector_.log()) ++result_.faults[fault.name];
}

// I10: a write whose outcome nobody knows is owed deletions for half a minute.
void Runner::awaitRecovery() {
  const auto all_zero = [this](Hazard hazard) {
    return testing::eventually([&] { return at(rig_.hazards(), hazard) == 0; }, absl::Seconds(40));
  };
  if (!all_zero(Hazard::kBreakerNow)) complain("I10 a breaker is still open");
  if (!all_zero(Hazard::kPendingNow)) complain("I10 deletions are still owed");
}

// I10, I11: everybody uses the cache again, and nothing is left of the faults.
void Runner::measureAfter(absl::Duration window) {
  std::vector<HazardCounts> before;
  for (std::size_t i = 0; i < rig_.control().processes; ++i) before.push_back(rig_.hazardsOf(i));
  const HazardCounts all_before = rig_.hazards();
  sleepFor(window);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const HazardCounts counts = rig_.hazardsOf(i) - before[i];
    if (at(counts, Hazard::kHits) == 0) complain(fmt::format("I10 client {} has no hits", i));
    if (at(counts, Hazard::kPendingBypass) != 0) {
      complain(fmt::format("I10 client {} still has deletes pending", i));
    }
  }
  result_.hit_ratio_after = hitRatio(rig_.hazards() - all_before);
  if (result_.hit_ratio_after < kRecovered * result_.hit_ratio_before) {
    complain(fmt::format("I11 the hit ratio was {:.3f} and is {:.3f}", result_.hit_ratio_before,
                         result_.hit_ratio_after));
  }
}

bool Runner::park() {
  rig_.control().phase.store(Phase::kPaused);
  if (testing::eventually([this] { return rig_.clientsAreParked(); }, absl::Seconds(20))) {
    // What runs in the background of a call.
    sleepFor(absl::Milliseconds(100));
    return true;
  }
  complain("a call does not return");
  return false;
}

void Runner::check() {
  const std::vector<Commit> rows = rig_.rows();
  CacheAudit audit = auditCache(rig_, rows);
  for (std::string& line : audit.complaints) complain(std::move(line));
  result_.cells_compared += audit.cells;
  const Evidence evidence{.operations = history_.operations(),
                          .initial = std::exchange(initial_, rows),
                          .commits = rig_.takeAudit(),
                          .started = started_,
                          .faults = injector_.log()};
  checkRows(evidence, rows);
  const CheckRules rules{.session = rig_.control().level == Consistency::kSession,
                         .worst_staleness = kWorstStaleness + kStalenessSlack,
                         .longest_call = kLongestCall};
  Verdict verdict = chaos::check(evidence, rules);
  printViolations(verdict, evidence);
  result_.verdict.add(std::move(verdict));
  history_.clear();
  rig_.control().round.fetch_add(1);
}

// The audit that the checker goes by is what the table says, too.
void Runner::checkRows(const Evidence& evidence, const std::vector<Commit>& rows) {
  std::unordered_map<std::uint32_t, Commit> last;
  for (const Commit& commit : evidence.initial) last[commit.key] = commit;
  for (const Commit& commit : evidence.commits) {
    Commit& newest = last[commit.key];
    if (commit.version > newest.version) newest = commit;
  }
  for (const Commit& row : rows) {
    const auto found = last.find(row.key);
    if (found == last.end() || found->second.version != row.version) {
      complain(fmt::format("I5 key {}: the table has version {}, the audit another", row.key,
                           row.version));
    }
    if (found != last.end()) last.erase(found);
  }
  for (const auto& [key, commit] : last) {
    if (!commit.removed)
      complain(fmt::format("I5 key {}: version {} is lost", key, commit.version));
  }
}

void Runner::complain(std::string line) {
  fmt::print(stderr, "chaos: {}\n", line);
  result_.complaints.push_back(std::move(line));
}

}  // namespace strata::chaos
