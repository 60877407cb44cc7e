#include "adapters/postgres/schema/lock_observer.h"

#include <fmt/format.h>

#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace strata::postgres {
namespace {

// Several looks fall into one wait of a changeSchema.
constexpr absl::Duration kInterval = absl::Milliseconds(50);
// A look that takes longer comes too late; the observer's end waits for it.
constexpr absl::Duration kLongestLook = absl::Seconds(1);

// "AccessExclusiveLock" as the manual and LOCK TABLE spell it, ACCESS EXCLUSIVE.
std::string modeInWords(std::string_view column) {
  return fmt::format(
      "upper(regexp_replace(left({}, -length('Lock')), '([a-z])([A-Z])', '\\1 \\2', 'g'))", column);
}

// Of each holder `b` of the lock `w`: its columns for `describeHolder`. A prepared transaction has
// the pid 0 and no activity; of other roles' sessions a plain role sees no state.
std::string holderColumns() {
  return fmt::format(
      "b.pid, a.application_name, coalesce(a.state, a.backend_type),"
      " extract(epoch FROM clock_timestamp() - a.xact_start)::bigint,"
      " (SELECT string_agg(DISTINCT {}, ', ') FROM pg_locks h"
      "  WHERE h.pid = b.pid AND h.granted AND h.locktype = w.locktype"
      "  AND h.relation IS NOT DISTINCT FROM w.relation),"
      " count(*) OVER ()",
      modeInWords("h.mode"));
}
constexpr int kCountColumn = 5;  // of those
// Those of the longest transactions: a crowd of readers must not fill the message.
constexpr int kHoldersNamed = 3;

std::string describeHolder(const Rows& rows, int row, int column) {
  const auto text = [&](int offset) { return rows.at(row, column + offset).value_or(""); };
  if (text(0) == "0") return "a prepared transaction (see pg_prepared_xacts)";
  std::string holder = fmt::format("pid {} (application_name \"{}\"", text(0), text(1));
  if (!text(2).empty()) holder += fmt::format(", {}", text(2));
  if (!text(3).empty()) holder += fmt::format(", in a transaction for {} s", text(3));
  if (!text(4).empty()) holder += fmt::format(", holds {}", text(4));
  return holder + ")";
}

std::string describeHolders(const Rows& rows, int column) {
  std::vector<std::string> holders;
  for (int row = 0; row < rows.size(); ++row) {
    holders.push_back(describeHolder(rows, row, column));
  }
  std::string text = fmt::format("held by {}", fmt::join(holders, ", "));
  const std::string_view all = rows.at(0, column + kCountColumn).value_or("");
  if (all != std::to_string(rows.size())) text += fmt::format(", {} in all", all);
  return text;
}

const Statement& waitOfSessionSql() {
  static const auto* const statement = new Statement(
      fmt::format("SELECT {}, w.locktype, c.relkind, format('%I.%I', n.nspname, c.relname), {}"
                  " FROM pg_locks w"
                  " CROSS JOIN LATERAL (SELECT DISTINCT unnest(pg_blocking_pids(w.pid))) AS b(pid)"
                  " LEFT JOIN pg_stat_activity a ON a.pid = b.pid"
                  " LEFT JOIN pg_class c ON c.oid = w.relation"
                  " LEFT JOIN pg_namespace n ON n.oid = c.relnamespace"
                  " WHERE w.pid = $1 AND NOT w.granted ORDER BY a.xact_start NULLS LAST LIMIT {}",
                  modeInWords("w.mode"), holderColumns(), kHoldersNamed),
      "look at what holds a lock", Effect::kReads);
  return *statement;
}

std::string describeWait(const Rows& rows) {
  const auto text = [&](int column) { return rows.at(0, column).value_or(""); };
  const std::string_view kind = text(2) == "r" || text(2) == "p" ? "table" : "relation";
  std::string object = fmt::format("{} {}", kind, text(3));
  if (text(1) != "relation") object = fmt::format("a {} of {}", text(1), object);
  if (text(2).empty()) object = fmt::format("another session's {}", text(1));
  return fmt::format("{} lock on {}, {}", text(0), object, describeHolders(rows, 4));
}

}  // namespace

absl::StatusOr<std::string> holdersOfAdvisoryLock(Connection& connection, std::int64_t lock) {
  static const auto* const statement =
      new Statement(fmt::format("SELECT {} FROM pg_locks w"
                                " CROSS JOIN LATERAL (SELECT w.pid) AS b(pid)"
                                " LEFT JOIN pg_stat_activity a ON a.pid = b.pid"
                                " WHERE w.locktype = 'advisory' AND w.granted AND w.objsubid = 1"
                                " AND w.database = (SELECT oid FROM pg_database WHERE datname ="
                                "  current_database())"
                                " AND w.classid = (($1::bigint >> 32) & 4294967295)::oid"
                                " AND w.objid = ($1 & 4294967295)::oid LIMIT {}",
                                holderColumns(), kHoldersNamed),
                    "look at what holds an advisory lock", Effect::kReads);
  const Bind binds[] = {bind(lock)};
  auto rows = connection.run(*statement, binds, {});
  if (!rows.ok()) return rows.status();
  if (rows->size() == 0) return "";
  return fmt::format("advisory lock {}, {}", lock, describeHolders(*rows, 0));
}

LockObserver::LockObserver(Pool& pool) : pool_(pool) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    // No thread is left: the message will name no holder.
  }
}

LockObserver::~LockObserver() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void LockObserver::watch(std::string pid) {
  const std::lock_guard lock(mutex_);
  pid_ = std::move(pid);
  changed_.notify_all();
}

std::string LockObserver::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void LockObserver::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (pid_.empty()) {
      changed_.wait(lock);
      continue;
    }
    const std::string pid = pid_;
    lock.unlock();
    look(pid);
    lock.lock();
    changed_.wait_for(lock, absl::ToChronoNanoseconds(kInterval), [this] { return stopping_; });
  }
}

// A look that fails is worth no message: it tells less of why the change waits than the others.
void LockObserver::look(const std::string& pid) {
  const Bind binds[] = {pid};
  auto answer = pool_.run(waitOfSessionSql(), binds, Deadline::in(kLongestLook, pool_.clock()));
  if (!answer.ok() || answer->rows.size() == 0) return;
  std::string wait = describeWait(answer->rows);
  const std::lock_guard lock(mutex_);
  seen_ = std::move(wait);
}

}  // namespace strata::postgres
