// HttpServer: HTTP/1.1 over Beast. Its I/O threads never wait for a store: handlers run on workers,
// and a stream of events holds no thread at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/copilot_server/address.h"
#include "examples/copilot_server/http.h"

namespace copilot {

// Where a request is handled.
enum class Lane : std::uint8_t {
  kAtOnce,  // on the I/O thread: the handler must not block
  kProbes,  // on a thread of their own, so that they are answered also while all workers wait
  kWork,
};

// What becomes of a request.
struct Admission {
  // Null where it is admitted.
  std::shared_ptr<Response> refusal;
  // Answers the request with its body. Must not throw.
  std::function<Response(const Request&)> handle;
  // Of the client, which may be behind a proxy.
  std::string address;
};

struct HttpTimeouts {
  absl::Duration idle = absl::Seconds(75);   // until a request begins
  absl::Duration read = absl::Seconds(30);   // for its head, and again for its body
  absl::Duration write = absl::Seconds(30);  // in which a client takes nothing of its answer
  absl::Duration probe = absl::Seconds(5);   // for all of it, on a reserved connection
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  int io_threads = 2;
  int worker_threads = 16;
  int max_connections = 10'000;
  // Beyond those, and of any one address: connections that may ask for probes alone.
  int reserved_connections = 16;
  // What one address (limitKey) may hold: connections, and bytes of bodies that are being read.
  int connections_per_address = 1'000;
  std::size_t bytes_per_address = 64U << 20U;
  // Whose connections and bytes are those of many clients, and do not count.
  AddressSet proxies;
  HttpTimeouts timeouts;
  absl::Duration heartbeat = absl::Seconds(15);
  std::function<Lane(const Request&)> lane;
  // Decides by the head of a request, before its body is read. Must not throw. May block, except of
  // Lane::kAtOnce.
  std::function<Admission(const Request&)> admit;
};

// Thread-safe.
class HttpServer {
 public:
  // InvalidArgument: the host is no address. Unavailable: the port is taken.
  static absl::StatusOr<std::unique_ptr<HttpServer>> start(HttpServerOptions options);
  // After `drain` has succeeded.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const;

  // From now on every answer asks the client to connect anew for its next request.
  void beginDrain();
  // Accepts nothing more, lets requests that are under way end, says goodbye on streams. Whether
  // all connections ended within this time; if not, the process has to end without destroying this.
  bool drain(absl::Duration at_most);

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace copilot
