#include "adapters/upstash/pool.h"

#include <algorithm>
#include <utility>

#include "src/base/starved_wait.h"

namespace strata::internal {

using std::chrono::steady_clock;

// ---- Lease ----

UpstashPool::Lease::Lease(Lease&& other) noexcept
    : pool_(std::exchange(other.pool_, nullptr)),
      connection_(std::move(other.connection_)),
      connecting_(other.connecting_) {}

UpstashPool::Lease::~Lease() {
  if (pool_ != nullptr) pool_->giveBack(std::move(connection_));
}

absl::Status UpstashPool::Lease::reopen(IoTime limit) {
  connection_ = nullptr;
  const Options& options = pool_->options_;
  const IoTime started = steady_clock::now();
  const IoTime until = std::min(started + options.connect_timeout, limit);
  const StarvedWaitScope scope("upstash_connect", options.connect_timeout, limit);
  const StreamOptions how{.tls = options.tls.get(), .resolver = options.resolver.get()};
  auto opened = UpstashConnection::open(options.endpoint, how, until);
  connecting_ += steady_clock::now() - started;
  if (!opened.ok()) return scope.judge(opened.status());
  connection_ = *std::move(opened);
  return absl::OkStatus();
}

// ---- Pool ----

bool UpstashPool::isFresh(const UpstashConnection& connection) const {
  return steady_clock::now() - connection.usedAt() < options_.idle_timeout;
}

absl::StatusOr<UpstashPool::Lease> UpstashPool::acquire(IoTime until, IoTime limit) {
  absl::StatusOr<Lease> lease = takePlace(until);
  if (!lease.ok()) return lease;
  UpstashConnection* const idle = lease->connection_.get();
  if (idle != nullptr && isFresh(*idle) && idle->isQuiet()) return lease;
  // The others have been idle for longer, so that nothing better can be hoped of them.
  if (absl::Status opened = lease->reopen(limit); !opened.ok()) return opened;
  return lease;
}

absl::StatusOr<UpstashPool::Lease> UpstashPool::takePlace(IoTime until) {
  std::unique_lock lock(mutex_);
  while (idle_.empty() && open_ >= options_.max_connections) {
    const bool timed_out = freed_.wait_until(lock, until) == std::cv_status::timeout;
    if (timed_out && idle_.empty() && open_ >= options_.max_connections) {
      return absl::DeadlineExceededError("all connections are busy");
    }
  }
  if (idle_.empty()) {
    ++open_;
    return Lease(*this, nullptr);
  }
  Lease lease(*this, std::move(idle_.back()));
  idle_.pop_back();
  return lease;
}

void UpstashPool::giveBack(std::unique_ptr<UpstashConnection> connection) {
  Connections expired;  // closed once the lock is free
  {
    const std::lock_guard lock(mutex_);
    while (!idle_.empty() && !isFresh(*idle_.front())) {
      expired.push_back(std::move(idle_.front()));
      idle_.pop_front();
      --open_;
    }
    if (connection != nullptr && connection->isUsable()) {
      idle_.push_back(std::move(connection));
    } else {
      --open_;
    }
  }
  freed_.notify_one();
}

}  // namespace strata::internal
