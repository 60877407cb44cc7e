// RestSubscription: what the REST API of Upstash streams to a subscriber, made of a real Redis.
#pragma once

#include <optional>
#include <string>
#include <vector>

struct redisContext;

namespace strata::testing {

// For one thread.
class RestSubscription {
 public:
  // `command`: "subscribe" or "psubscribe", and to what.
  RestSubscription(const std::string& redis_socket, const std::vector<std::string>& command);
  ~RestSubscription();
  RestSubscription(const RestSubscription&) = delete;
  RestSubscription& operator=(const RestSubscription&) = delete;

  // Can be read when there is something to `read`.
  int file() const;
  // The lines that have come, "data: message,CHANNEL,TEXT". None: the server is gone.
  std::optional<std::string> read();

 private:
  redisContext* const redis_;
};

}  // namespace strata::testing
