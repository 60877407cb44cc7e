#include "tests/chaos/rig.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "strata/base/status.h"
#include "strata/records/row_codec.h"
#include "strata/testing/eventually.h"
#include "tests/chaos/record.h"

namespace strata::chaos {
namespace {

using testing::LocalServers;
using testing::TcpProxy;

// By the sequence a removal's version is told too, which no row is left to hold.
constexpr const char* kAuditSql = R"sql(
CREATE TABLE chaos_audit (id text, version bigint, number bigint, removed boolean);
CREATE FUNCTION chaos_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO chaos_audit VALUES (OLD.id, currval('strata_row_version'), 0, true);
  ELSE
    INSERT INTO chaos_audit VALUES (NEW.id, NEW.row_version, NEW.number, false);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER chaos_note AFTER INSERT OR UPDATE OR DELETE ON chaos_records
  FOR EACH ROW EXECUTE FUNCTION chaos_note();
)sql";

// An acknowledged commit must outlive a crash of the server, or every promise is void.
std::unique_ptr<LocalServers> startServers() {
  auto servers = LocalServers::start(
      {.postgres = true, .redis = true, .postgres_settings = {{"synchronous_commit", "on"}}});
  require(servers.status(), "the servers");
  return *std::move(servers);
}

std::unique_ptr<TcpProxy> startLink(std::uint16_t port) {
  auto proxy = TcpProxy::start(port);
  require(proxy.status(), "a proxy");
  return *std::move(proxy);
}

// `url` with another port.
template <std::size_t N>
void writeUrl(std::string url, std::uint16_t from, std::uint16_t to, std::array<char, N>& out) {
  const std::string old_port = fmt::format(":{}", from);
  url.replace(url.rfind(old_port), old_port.size(), fmt::format(":{}", to));
  fmt::format_to_n(out.data(), N - 1, "{}", url);
}

std::vector<Commit> commitsIn(const std::vector<testing::LocalPostgres::Row>& rows) {
  std::vector<Commit> commits;
  for (const auto& row : rows) {
    const auto key = keyOfId(row[0].value_or(""));
    if (!key) continue;
    commits.push_back({.key = *key,
                       .version = std::stoll(*row[1]),
                       .number = std::stoull(*row[2]),
                       .removed = *row[3] == "t"});
  }
  return commits;
}

}  // namespace

void require(const absl::Status& status, const char* what) {
  if (status.ok()) return;
  fmt::print(stderr, "chaos: {}: {}\n", what, describe(status));
  std::exit(EXIT_FAILURE);
}

Rig::Rig(Control& control, Zygote& zygote)
    : control_(control), zygote_(zygote), servers_(startServers()) {
  makeTables();
  for (std::size_t i = 0; i < control_.processes; ++i) {
    redis_links_.push_back(startLink(redis().port()));
    database_links_.push_back(startLink(postgres().port()));
    Slot& slot = control_.slots[i];
    writeUrl(redis().url(), redis().port(), redis_links_[i]->port(), slot.redis_url);
    writeUrl(postgres().url(), postgres().port(), database_links_[i]->port(), slot.database_url);
  }
}

void Rig::makeTables() {
  require(postgres().query(createTableSql<ChaosRecord>()).status(), "the table");
  require(postgres().query(kAuditSql).status(), "the audit");
}

void Rig::startClient(std::size_t slot) {
  control_.slots[slot].parked.store(0);
  control_.slots[slot].life.fetch_add(1);
  zygote_.spawn(slot);
}

void Rig::noteEnd(std::size_t slot, int status) {
  const bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  const bool ended = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
  if (killed || ended) return;
  fmt::print(stderr, "chaos: client {} ended by itself: {} {}\n", slot,
             WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
  client_failed_ = true;
}

void Rig::killClient(std::size_t slot) { noteEnd(slot, zygote_.kill(slot)); }

bool Rig::clientsAreReady() const {
  for (std::size_t i = 0; i < control_.processes; ++i) {
    const Slot& slot = control_.slots[i];
    if (slot.ready.load() != slot.life.load()) return false;
  }
  return true;
}

bool Rig::clientsAreParked() const {
  for (std::size_t i = 0; i < control_.processes; ++i) {
    if (control_.slots[i].parked.load() != control_.threads) return false;
  }
  return true;
}

bool Rig::clientsLive() {
  for (std::size_t i = 0; i < control_.processes; ++i) {
    const auto status = zygote_.ended(i);
    if (!status) continue;
    noteEnd(i, *status);
    client_failed_ = true;
  }
  return !client_failed_;
}

void Rig::endClients() {
  control_.phase.store(Phase::kEnding);
  for (std::size_t i = 0; i < control_.processes; ++i) {
    std::optional<int> status;
    const bool ended = testing::eventually([&] { return (status = zygote_.ended(i)).has_value(); },
                                           absl::Seconds(20));
    if (ended) {
      noteEnd(i, *status);
    } else {
      fmt::print(stderr, "chaos: client {} does not end\n", i);
      client_failed_ = true;
      killClient(i);
    }
  }
}

HazardCounts Rig::hazardsOf(std::size_t slot) const {
  HazardCounts counts{};
  for (std::size_t i = 0; i < kHazards; ++i) counts[i] = control_.slots[slot].hazards[i].load();
  return counts;
}

HazardCounts Rig::hazards() const {
  HazardCounts sum{};
  for (std::size_t slot = 0; slot < control_.processes; ++slot) {
    const HazardCounts counts = hazardsOf(slot);
    for (std::size_t i = 0; i < kHazards; ++i) sum[i] += counts[i];
  }
  return sum;
}

std::vector<Commit> Rig::rows() {
  const auto rows = postgres().query("SELECT id, row_version, number, false FROM chaos_records");
  require(rows.status(), "the rows");
  return commitsIn(*rows);
}

std::vector<Commit> Rig::takeAudit() {
  const auto rows = postgres().query("SELECT id, version, number, removed FROM chaos_audit");
  require(rows.status(), "the audit");
  require(postgres().query("TRUNCATE chaos_audit").status(), "the audit");
  return commitsIn(*rows);
}

}  // namespace strata::chaos
