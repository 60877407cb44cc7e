// TLS 1.2 and 1.3 for clients, without I/O: what a TlsSession makes of bytes is for its owner to
// send and to receive.
//
//   session.feed(received);                          // from the network
//   while (auto n = session.read(buffer, size)) …    // to the application
//   session.write("GET / …"); send(session.takeOutgoing());
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/adapters/net/tls_options.h"

struct ssl_ctx_st;
struct ssl_st;

namespace strata::internal {

class TlsSession;

// Certificates and rules, shared by many sessions. Thread-safe.
class TlsContext {
 public:
  // InvalidArgument: a file cannot be read, or does not hold what it should; names the file.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> create(const TlsOptions& options);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  // A session with the server of that host name or address, which its certificate must name.
  absl::StatusOr<TlsSession> connect(const std::string& host) const;

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* const context_;
};

// For one thread at a time. After an error it is of no more use.
class TlsSession {
 public:
  TlsSession(TlsSession&&) noexcept = default;
  TlsSession& operator=(TlsSession&&) noexcept = default;

  // Goes on with the handshake as far as what was fed allows; true once it is done. Call it first,
  // and after every `feed` until then.
  // PermissionDenied: the server's certificate is not trusted, or names another host, or the server
  // refuses ours. Unavailable: what answers does not speak TLS.
  absl::StatusOr<bool> handshake();

  void feed(std::string_view received);
  // How many bytes it wrote to `buffer`; 0: more has to be fed first. OutOfRange: the server has
  // ended the session in good order. Unavailable: the bytes make no sense.
  absl::StatusOr<std::size_t> read(char* buffer, std::size_t size);
  // Only after the handshake.
  absl::Status write(std::string_view bytes);
  // What is to be sent now, in order.
  std::string takeOutgoing();

 private:
  friend class TlsContext;
  struct Free {
    void operator()(ssl_st* session) const;
  };
  explicit TlsSession(ssl_st* session) : session_(session) {}
  absl::Status failure(int result) const;

  std::unique_ptr<ssl_st, Free> session_;
};

}  // namespace strata::internal
