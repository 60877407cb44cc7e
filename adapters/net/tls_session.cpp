#include "adapters/net/tls_session.h"

#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <climits>

namespace strata::internal {
namespace {

absl::Status unreadable(std::string_view what, const std::string& file) {
  ERR_clear_error();
  return absl::InvalidArgumentError(fmt::format("TLS: {} cannot be read from {}", what, file));
}

absl::Status trust(SSL_CTX* context, const std::string& ca_file) {
  if (ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return absl::OkStatus();
    return absl::InternalError("TLS: the system's certificate authorities cannot be read");
  }
  if (SSL_CTX_load_verify_locations(context, ca_file.c_str(), nullptr) == 1) {
    return absl::OkStatus();
  }
  return unreadable("certificate authorities", ca_file);
}

absl::Status identify(SSL_CTX* context, const TlsOptions& options) {
  if (options.certificate_file.empty() && options.private_key_file.empty()) {
    return absl::OkStatus();
  }
  if (options.certificate_file.empty() || options.private_key_file.empty()) {
    return absl::InvalidArgumentError("TLS: a client certificate and its private key go together");
  }
  const char* const certificate = options.certificate_file.c_str();
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1) {
    return unreadable("a certificate", options.certificate_file);
  }
  const char* const key = options.private_key_file.c_str();
  if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) {
    return unreadable("a private key", options.private_key_file);
  }
  if (SSL_CTX_check_private_key(context) == 1) return absl::OkStatus();
  ERR_clear_error();
  return absl::InvalidArgumentError(fmt::format(
      "TLS: the key in {} is not that of {}", options.private_key_file, options.certificate_file));
}

// An address is compared with the addresses that a certificate names, anything else with its names.
bool expectHost(SSL* session, const std::string& host) {
  X509_VERIFY_PARAM* const rules = SSL_get0_param(session);
  if (X509_VERIFY_PARAM_set1_ip_asc(rules, host.c_str()) == 1) return true;
  ERR_clear_error();
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set1_host(session, host.c_str()) == 1 &&
         SSL_set_tlsext_host_name(session, host.c_str()) == 1;
}

bool isOfVerification(unsigned long error) {
  switch (ERR_GET_REASON(error)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return true;
    default:
      return false;
  }
}

}  // namespace

// ---- TlsContext ----

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::create(const TlsOptions& options) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  if (context == nullptr) return absl::InternalError("TLS: OpenSSL cannot be used");
  std::shared_ptr<const TlsContext> made(new TlsContext(context));
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  if (absl::Status status = trust(context, options.ca_file); !status.ok()) return status;
  if (absl::Status status = identify(context, options); !status.ok()) return status;
  return made;
}

TlsContext::~TlsContext() { SSL_CTX_free(context_); }

absl::StatusOr<TlsSession> TlsContext::connect(const std::string& host) const {
  SSL* const session = SSL_new(context_);
  if (session == nullptr) return absl::InternalError("TLS: no session can be made");
  TlsSession made(session);
  BIO* const incoming = BIO_new(BIO_s_mem());
  BIO* const outgoing = BIO_new(BIO_s_mem());
  SSL_set_bio(session, incoming, outgoing);  // which owns them from here on
  SSL_set_connect_state(session);
  if (!expectHost(session, host)) {
    return absl::InvalidArgumentError(fmt::format("TLS: {} is no host name", host));
  }
  return made;
}

// ---- TlsSession ----
//
// SSL_get_error looks into the thread's queue of errors, where what any other user of OpenSSL in
// this process left behind counts as a failure of this session. So each call that is judged by it
// begins with an empty queue.

void TlsSession::Free::operator()(ssl_st* session) const { SSL_free(session); }

absl::StatusOr<bool> TlsSession::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result == 1) return true;
  if (SSL_get_error(session_.get(), result) == SSL_ERROR_WANT_READ) return false;
  return failure(result);
}

absl::Status TlsSession::failure(int result) const {
  const int kind = SSL_get_error(session_.get(), result);
  const unsigned long error = ERR_peek_error();
  ERR_clear_error();
  if (kind == SSL_ERROR_ZERO_RETURN) return absl::OutOfRangeError("TLS: the server said goodbye");
  const long verified = SSL_get_verify_result(session_.get());
  if (verified != X509_V_OK) {
    return absl::PermissionDeniedError(fmt::format("TLS: the server's certificate is refused: {}",
                                                   X509_verify_cert_error_string(verified)));
  }
  if (isOfVerification(error)) {
    return absl::PermissionDeniedError("TLS: the server refuses us: it wants another certificate");
  }
  const char* const reason = ERR_reason_error_string(error);
  return absl::UnavailableError(
      fmt::format("TLS: {}", reason == nullptr ? "what answers does not speak it" : reason));
}

void TlsSession::feed(std::string_view received) {
  while (!received.empty()) {
    const int size = static_cast<int>(std::min<std::size_t>(received.size(), INT_MAX));
    const int taken = BIO_write(SSL_get_rbio(session_.get()), received.data(), size);
    if (taken <= 0) return;  // out of memory, which the next read finds
    received.remove_prefix(static_cast<std::size_t>(taken));
  }
}

absl::StatusOr<std::size_t> TlsSession::read(char* buffer, std::size_t size) {
  std::size_t read = 0;
  ERR_clear_error();
  const int result = SSL_read_ex(session_.get(), buffer, size, &read);
  if (result == 1) return read;
  if (SSL_get_error(session_.get(), result) == SSL_ERROR_WANT_READ) return 0;
  return failure(result);
}

absl::Status TlsSession::write(std::string_view bytes) {
  if (bytes.empty()) return absl::OkStatus();
  std::size_t written = 0;
  ERR_clear_error();
  const int result = SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &written);
  return result == 1 ? absl::OkStatus() : failure(result);
}

std::string TlsSession::takeOutgoing() {
  BIO* const outgoing = SSL_get_wbio(session_.get());
  std::string bytes(BIO_ctrl_pending(outgoing), '\0');
  if (!bytes.empty()) BIO_read(outgoing, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

}  // namespace strata::internal
