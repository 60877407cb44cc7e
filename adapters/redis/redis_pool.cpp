#include "adapters/redis/redis_pool.h"

#include <algorithm>
#include <utility>

#include "strata/core/logging.h"

namespace strata::internal {

using std::chrono::steady_clock;

absl::StatusOr<RedisPool::Lease> RedisPool::acquire(IoTime until, IoTime limit) {
  auto idle = takeIdle(until);
  if (!idle.ok()) return idle.status();
  if (*idle != nullptr) return Lease(*this, *std::move(idle), std::chrono::nanoseconds(0));
  return connect(std::min(limit, steady_clock::now() + options_.connect_timeout));
}

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisPool::takeIdle(IoTime until) {
  while (true) {
    std::unique_ptr<RedisConnection> connection;
    {
      std::unique_lock lock(mutex_);
      while (idle_.empty() && open_ >= options_.max_connections) {
        const bool timed_out = freed_.wait_until(lock, until) == std::cv_status::timeout;
        if (timed_out && idle_.empty() && open_ >= options_.max_connections) {
          return absl::DeadlineExceededError("all connections are busy");
        }
      }
      if (idle_.empty()) {
        ++open_;
        return nullptr;
      }
      connection = std::move(idle_.back());
      idle_.pop_back();
    }
    // The server may have closed it while nobody looked; nothing was sent on it since, so another
    // one will do as well.
    if (connection->isReady()) return connection;
    connection.reset();
    releasePlaces(1);
  }
}

absl::StatusOr<RedisPool::Lease> RedisPool::connect(IoTime until) {
  const IoTime started = steady_clock::now();
  std::uint64_t begun = 0;
  {
    const std::lock_guard lock(mutex_);
    begun = ++begun_;
  }
  auto connection = RedisConnection::open(options_.endpoint, until);
  if (!connection.ok()) {
    releasePlaces(1);
    return connection.status();
  }
  if (!adopt((*connection)->server(), begun)) {
    connection->reset();
    releasePlaces(1);
    return absl::UnavailableError("the server was replaced while connecting");
  }
  return Lease(*this, *std::move(connection), steady_clock::now() - started);
}

bool RedisPool::adopt(const RedisServerInfo& server, std::uint64_t begun) {
  Connections outlived;
  std::optional<Incarnation> before;
  {
    const std::lock_guard lock(mutex_);
    before = life_;
    const bool is_known = life_ == server.incarnation;
    if (!is_known && begun < life_told_by_) return false;
    life_told_by_ = std::max(life_told_by_, begun);
    if (is_known) return true;
    life_ = server.incarnation;
    outlived.swap(idle_);
  }
  const std::size_t count = outlived.size();
  outlived.clear();
  releasePlaces(count);
  if (server.incarnation == Incarnation{}) {
    log(Severity::kWarning, "strata.redis.info_forbidden",
        {{"server", options_.endpoint.describe()}});
  } else if (before) {
    log(Severity::kWarning, "strata.redis.server_replaced",
        {{"server", options_.endpoint.describe()}});
  }
  return true;
}

void RedisPool::giveBack(std::unique_ptr<RedisConnection> connection) {
  {
    const std::lock_guard lock(mutex_);
    if (!connection->isRetired() && life_ == connection->server().incarnation) {
      idle_.push_back(std::move(connection));
    }
  }
  if (connection == nullptr) {
    freed_.notify_one();
    return;
  }
  connection.reset();
  releasePlaces(1);
}

void RedisPool::closeIdle() {
  Connections closing;
  {
    const std::lock_guard lock(mutex_);
    closing.swap(idle_);
  }
  const std::size_t count = closing.size();
  closing.clear();
  releasePlaces(count);
}

void RedisPool::releasePlaces(std::size_t count) {
  if (count == 0) return;
  {
    const std::lock_guard lock(mutex_);
    open_ -= count;
  }
  count == 1 ? freed_.notify_one() : freed_.notify_all();
}

Incarnation RedisPool::incarnation() const {
  const std::lock_guard lock(mutex_);
  return life_.value_or(Incarnation{});
}

bool RedisPool::isBlind() const {
  const std::lock_guard lock(mutex_);
  return life_ == Incarnation{};
}

}  // namespace strata::internal
