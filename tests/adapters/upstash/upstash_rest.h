// UpstashRest: what the REST API of Upstash answers, made of a real Redis. Written after its
// documentation and proven by its official client (upstash_npm_redistest.cpp).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/adapters/upstash/rest_subscription.h"

struct redisContext;

namespace strata::testing {

struct RestRequest {
  std::string method;
  std::string target;
  std::string authorization;
  std::string encoding;  // the header Upstash-Encoding
  std::string body;
};

struct RestAnswer {
  unsigned status = 200;
  std::string body;
};

struct RestTokens {
  std::string full;
  // May only read.
  std::string read_only;
};

// For one thread.
class UpstashRest {
 public:
  UpstashRest(const std::string& redis_socket, RestTokens tokens);
  ~UpstashRest();
  UpstashRest(const UpstashRest&) = delete;
  UpstashRest& operator=(const UpstashRest&) = delete;

  // Whether it is answered by a stream: POST /subscribe/… and /psubscribe/…
  static bool isSubscription(const RestRequest& request);
  // Null: it is not allowed to, which `answer` tells.
  std::unique_ptr<RestSubscription> subscribe(const RestRequest& request) const;

  // POST / and the like, POST /pipeline, POST /multi-exec, and commands in the path.
  RestAnswer answer(const RestRequest& request);

 private:
  struct Call;
  RestAnswer one(const Call& call);
  RestAnswer pipeline(const Call& call);
  RestAnswer transaction(const Call& call);
  bool mayEnter(const std::string& token) const;

  const std::string redis_socket_;
  const RestTokens tokens_;
  redisContext* const redis_;
};

}  // namespace strata::testing
