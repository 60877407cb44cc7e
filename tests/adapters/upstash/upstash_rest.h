// UpstashRest: what the REST API of Upstash answers, made of a real Redis. Written after its
// documentation and proven by its official client (upstash_npm_redistest.cpp).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

  // POST / and the like, POST /pipeline, POST /multi-exec, and commands in the path.
  RestAnswer answer(const RestRequest& request);

 private:
  struct Call;
  RestAnswer one(const Call& call);
  RestAnswer pipeline(const Call& call);
  RestAnswer transaction(const Call& call);

  const RestTokens tokens_;
  redisContext* const redis_;
};

}  // namespace strata::testing
