// UpstashProxy: a REST API like Upstash's in front of a real Redis, for tests, which can make it
// misbehave.
//
//   auto proxy = UpstashProxy::start({.redis_socket = redis.socketPath(), .token = "t"});
//   UpstashCache::create({.url = proxy->url(), .token = "t"});
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace strata::testing {

struct UpstashProxyOptions {
  std::string redis_socket;
  std::string token = "the-token";
  std::string read_only_token = "the-read-only-token";
  // Both: it speaks HTTPS. `client_ca_file` too: it asks clients for a certificate.
  std::string certificate_file = {};
  std::string key_file = {};
  std::string client_ca_file = {};
};

struct UpstashFault {
  enum class Kind : std::uint8_t {
    kNone,
    kAnswer,   // with `status` and `body`, whatever was asked
    kHang,     // no answer until healed
    kClose,    // the connection, before the answer
    kCut,      // the connection, in the middle of the answer
    kGarbage,  // `body` as it is, instead of HTTP
    kTrickle,  // a byte now and then
  };
  Kind kind = Kind::kNone;
  unsigned status = 200;
  std::string body = {};
  // "name: value" of one more header, if not empty.
  std::string header = {};
  // How many requests it befalls.
  std::size_t times = SIZE_MAX;
  // Whether the request reaches Redis all the same.
  bool executes = false;
};

// Thread-safe. Has a thread per connection.
class UpstashProxy {
 public:
  static std::unique_ptr<UpstashProxy> start(UpstashProxyOptions options);
  ~UpstashProxy();

  // "https://localhost:port", or "http://127.0.0.1:port".
  std::string url() const;
  std::uint16_t port() const;

  void inject(UpstashFault fault);
  void heal() { inject({}); }
  // What is published from now on comes over no stream, though all of them stay open.
  void setDeaf(bool is_deaf);
  // Closes those that are open now, as a server does with connections that are idle for long.
  void closeConnections();

  // Ever since the start.
  std::size_t requests() const;
  std::size_t connections() const;
  // That are open now.
  std::size_t streams() const;
  // What the header upstash-sync-token of each request said.
  std::vector<std::string> syncTokens() const;
  std::string lastTarget() const;

 private:
  class Server;
  explicit UpstashProxy(std::unique_ptr<Server> server);
  std::unique_ptr<Server> server_;
};

}  // namespace strata::testing
