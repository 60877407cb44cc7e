#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "adapters/upstash/connection.h"

namespace strata::internal {

// The connections to one REST API. Thread-safe.
class UpstashPool {
 public:
  struct Options {
    UpstashEndpoint endpoint;
    std::shared_ptr<const TlsContext> tls;         // null for plain connections
    std::shared_ptr<Resolver> resolver = nullptr;  // null: the system's
    std::size_t max_connections = 32;
    std::chrono::nanoseconds connect_timeout{};
    std::chrono::nanoseconds idle_timeout{};
  };

  // A place for a connection, and the connection in it, for one call; both go back when it is
  // destroyed. For one thread.
  class Lease {
   public:
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&&) = delete;
    ~Lease();

    UpstashConnection* operator->() const { return connection_.get(); }
    // Opens another connection in the place of this one. Errors: those of UpstashConnection::open.
    absl::Status reopen(IoTime limit);
    // How long it took to open connections for this lease.
    std::chrono::nanoseconds connecting() const { return connecting_; }

   private:
    friend class UpstashPool;
    Lease(UpstashPool& pool, std::unique_ptr<UpstashConnection> connection)
        : pool_(&pool), connection_(std::move(connection)) {}

    UpstashPool* pool_;
    std::unique_ptr<UpstashConnection> connection_;
    std::chrono::nanoseconds connecting_{};
  };

  explicit UpstashPool(Options options) : options_(std::move(options)) {}

  // The connection that was used last, if it still looks alive, or a new one; where there are
  // `max_connections`, the first to come back before `until`. `limit` bounds connecting too.
  // Errors: those of UpstashConnection::open; DeadlineExceeded: all are busy.
  absl::StatusOr<Lease> acquire(IoTime until, IoTime limit);

 private:
  using Connections = std::deque<std::unique_ptr<UpstashConnection>>;

  // A place, with an idle connection if there is one.
  absl::StatusOr<Lease> takePlace(IoTime until);
  void giveBack(std::unique_ptr<UpstashConnection> connection);
  bool isFresh(const UpstashConnection& connection) const;

  const Options options_;
  std::mutex mutex_;
  std::condition_variable freed_;
  // The one that was used last is last.
  Connections idle_ ABSL_GUARDED_BY(mutex_);
  // In use, idle, or being opened.
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::internal
