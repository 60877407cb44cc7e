#include "strata/adapters/postgres/postgres_pool.h"

#include <fmt/format.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "adapters/postgres/client/conninfo.h"
#include "adapters/postgres/client/pool.h"
#include "strata/base/status.h"

namespace strata {
namespace {

constexpr std::size_t kMostConnections = 1000;
constexpr absl::Duration kHealthTimeout = absl::Seconds(1);

bool isBetween(absl::Duration value, absl::Duration least, absl::Duration most) {
  return value >= least && value <= most;
}

absl::Status check(const PostgresOptions& options) {
  std::string wrong;
  const auto require = [&wrong](bool condition, std::string_view message) {
    if (!condition) wrong += fmt::format("{}{}", wrong.empty() ? "" : "; ", message);
  };
  constexpr absl::Duration kShort = absl::Milliseconds(1);
  constexpr absl::Duration kLong = absl::Hours(24);
  require(options.pool_size >= 1 && options.pool_size <= kMostConnections,
          "pool_size must be 1 to 1000");
  require(isBetween(options.acquire_timeout, kShort, kLong),
          "acquire_timeout must be 1 ms to 24 h");
  require(isBetween(options.connect_timeout, kShort, kLong),
          "connect_timeout must be 1 ms to 24 h");
  require(isBetween(options.statement_timeout, kShort, kLong),
          "statement_timeout must be 1 ms to 24 h");
  require(options.max_age > absl::ZeroDuration(), "max_age must be positive");
  require(options.max_idle_unproven >= absl::ZeroDuration(),
          "max_idle_unproven must not be negative");
  if (wrong.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("PostgresOptions: {}", wrong));
}

// None where there is none.
absl::StatusOr<std::optional<postgres::ConnInfo>> readDirectUrl(const PostgresOptions& options) {
  if (options.direct_url.empty()) return std::nullopt;
  auto where = postgres::readConnInfo(options.direct_url, options.connect_timeout);
  if (!where.ok()) return annotate(where.status(), "direct_url");
  where->password_source = options.password;
  postgres::warnOfPlainText(*where);
  return *std::move(where);
}

}  // namespace

PostgresPool::PostgresPool(std::shared_ptr<postgres::Pool> pool) : pool_(std::move(pool)) {}

PostgresPool::~PostgresPool() { pool_->close(); }

absl::StatusOr<std::shared_ptr<PostgresPool>> PostgresPool::open(PostgresOptions options,
                                                                 const Clock& clock) {
  auto where = postgres::readConnInfo(options.url, options.connect_timeout);
  if (!where.ok()) return where.status();
  options = withPoolConfig(std::move(options), where->pool);
  if (absl::Status status = check(options); !status.ok()) return status;
  where->password_source = options.password;
  postgres::warnOfPlainText(*where);
  auto direct = readDirectUrl(options);
  if (!direct.ok()) return direct.status();
  auto internals = std::make_shared<postgres::Pool>(std::move(options), *std::move(where),
                                                    *std::move(direct), clock);
  std::shared_ptr<PostgresPool> pool(new PostgresPool(std::move(internals)));
  if (absl::Status status = pool->pool_->prove(); !status.ok()) return status;
  return pool;
}

absl::Status PostgresPool::execute(std::string_view sql) {
  auto lease = pool_->leaseSession(Deadline::never());
  if (!lease.ok()) return annotate(lease.status(), "execute a script");
  return (*lease)->script(sql, "execute a script");
}

Health PostgresPool::healthCheck() {
  const Clock& clock = pool_->clock();
  const MonotonicTime start = clock.now();
  const absl::Status status = pool_->check(Deadline::in(kHealthTimeout, clock));
  Health health{.component = "database", .backend = "postgres"};
  health.latency = clock.now() - start;
  if (status.ok()) return health;
  health.state = HealthState::kFail;
  health.error = std::string(status.message());
  return health;
}

PostgresPoolStats PostgresPool::stats() const { return pool_->stats(); }

}  // namespace strata
