// HttpServer: HTTP/1.1 over Beast. Its I/O threads never wait for a store: handlers run on workers,
// and a stream of events holds no thread at all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "examples/copilot_server/http.h"

namespace copilot {

// Where a request is handled.
enum class Lane : std::uint8_t {
  kAtOnce,  // on the I/O thread: the handler must not block
  kProbes,  // on a thread of their own, so that they are answered also while all workers wait
  kWork,
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;
  int io_threads = 2;
  int worker_threads = 16;
  int max_connections = 10'000;
  absl::Duration heartbeat = absl::Seconds(15);
  std::function<Lane(const Request&)> lane;
  // Must not throw.
  std::function<Response(const Request&)> handle;
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
