#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "adapters/redis/redis_connection.h"
#include "strata/core/cache.h"

namespace strata::internal {

// The connections to one server, all of them to the same life of it. Thread-safe.
//
// The newest connection decides which life that is: when it meets another one than those before it,
// they are closed, the idle ones at once and those in use when they come back. So after a restart
// or a failover nothing of this process goes on talking to the past. Newest means begun last; one
// that was begun before and got through later does not count, and is closed itself.
class RedisPool {
 public:
  struct Options {
    RedisEndpoint endpoint;
    std::size_t max_connections = 32;
    std::chrono::nanoseconds connect_timeout{};
  };

  // A connection for one call; goes back when it is destroyed, unless it was retired.
  class Lease {
   public:
    Lease(RedisPool& pool, std::unique_ptr<RedisConnection> connection,
          std::chrono::nanoseconds connecting)
        : pool_(&pool), connection_(std::move(connection)), connecting_(connecting) {}
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (connection_ != nullptr) pool_->giveBack(std::move(connection_));
    }

    RedisConnection* operator->() const { return connection_.get(); }
    // How long it took to open it; zero if it was open already.
    std::chrono::nanoseconds connecting() const { return connecting_; }

   private:
    RedisPool* pool_;
    std::unique_ptr<RedisConnection> connection_;
    std::chrono::nanoseconds connecting_;
  };

  explicit RedisPool(Options options) : options_(std::move(options)) {}

  // The connection that was used last, or a new one, or the first to come back before `until`.
  // `limit` bounds connecting too. Errors: those of RedisConnection::open; DeadlineExceeded: all
  // are busy.
  absl::StatusOr<Lease> acquire(IoTime until, IoTime limit);
  // The server is not what it was when they were opened: closes the idle ones.
  void closeIdle();

  // Zero before the first connection, and where the server does not tell.
  Incarnation incarnation() const;
  // Whether a connection was opened, and was not told.
  bool isBlind() const;

 private:
  friend class Lease;
  using Connections = std::vector<std::unique_ptr<RedisConnection>>;

  // An idle connection that is ready, or null with the right to open one.
  absl::StatusOr<std::unique_ptr<RedisConnection>> takeIdle(IoTime until);
  absl::StatusOr<Lease> connect(IoTime until);
  // False: a connection begun later has met another life than this one.
  bool adopt(const RedisServerInfo& server, std::uint64_t begun);
  void giveBack(std::unique_ptr<RedisConnection> connection);
  void releasePlaces(std::size_t count);

  const Options options_;
  mutable std::mutex mutex_;
  std::condition_variable freed_;
  Connections idle_ ABSL_GUARDED_BY(mutex_);
  // In use, idle, or being opened or closed.
  std::size_t open_ ABSL_GUARDED_BY(mutex_) = 0;
  std::uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;
  // The life that counts, and the connection that told of it.
  std::optional<Incarnation> life_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t life_told_by_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace strata::internal
