#include "strata/testing/servers/test_certificates.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <system_error>

#include "absl/status/status.h"

namespace strata::testing {
namespace {

template <auto Free>
struct FreeWith {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;
// Closes its file.
using Output = std::unique_ptr<BIO, FreeWith<BIO_free>>;

constexpr const char* kNames = "DNS:localhost,IP:127.0.0.1,IP:::1";

// What a certificate says. The days are from now.
struct Contents {
  const char* common_name = nullptr;
  // Empty: it is for a client, or an authority.
  const char* host_names = "";
  const char* purpose = "";
  bool is_authority = false;
  int first_day = -1;
  int last_day = 7;
};

// A certificate and the key that belongs to it.
struct Identity {
  Key key;
  Certificate certificate;
};

bool setSerial(X509* certificate) {
  std::array<unsigned char, 8> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) return false;
  std::uint64_t serial = 0;
  for (const unsigned char byte : bytes) serial = serial << 8U | byte;
  return ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial >> 1U) == 1;
}

bool setTimes(X509* certificate, const Contents& contents) {
  return X509_time_adj_ex(X509_getm_notBefore(certificate), contents.first_day, 0, nullptr) !=
             nullptr &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), contents.last_day, 0, nullptr) !=
             nullptr;
}

bool setSubject(X509* certificate, const char* common_name) {
  const auto* const text = reinterpret_cast<const unsigned char*>(common_name);
  return X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8, text,
                                    -1, -1, 0) == 1;
}

// `text` as in openssl's configuration files; none for an empty one.
bool addExtension(X509* certificate, X509* issuer, int kind, const char* text) {
  if (*text == '\0') return true;
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_nconf_nid(nullptr, &context, kind, text));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool addExtensions(X509* certificate, X509* issuer, const Contents& contents) {
  const bool is_authority = contents.is_authority;
  return addExtension(certificate, issuer, NID_basic_constraints,
                      is_authority ? "critical,CA:TRUE" : "critical,CA:FALSE") &&
         addExtension(
             certificate, issuer, NID_key_usage,
             is_authority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature") &&
         addExtension(certificate, issuer, NID_subject_key_identifier, "hash") &&
         addExtension(certificate, issuer, NID_authority_key_identifier, "keyid:always") &&
         addExtension(certificate, issuer, NID_ext_key_usage, contents.purpose) &&
         addExtension(certificate, issuer, NID_subject_alt_name, contents.host_names);
}

// Signed by `authority`, or by itself if that is null. Its certificate is null if it fails.
Identity makeIdentity(const Contents& contents, const Identity* authority) {
  Identity made{Key(EVP_EC_gen("P-256")), Certificate(X509_new())};
  X509* const certificate = made.certificate.get();
  X509* const issuer = authority == nullptr ? certificate : authority->certificate.get();
  EVP_PKEY* const issuer_key = authority == nullptr ? made.key.get() : authority->key.get();
  const bool complete = made.key != nullptr && certificate != nullptr && issuer != nullptr &&
                        X509_set_version(certificate, X509_VERSION_3) == 1 &&
                        setSerial(certificate) && setTimes(certificate, contents) &&
                        setSubject(certificate, contents.common_name) &&
                        X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) == 1 &&
                        X509_set_pubkey(certificate, made.key.get()) == 1 &&
                        addExtensions(certificate, issuer, contents) &&
                        X509_sign(certificate, issuer_key, EVP_sha256()) > 0;
  if (!complete) made.certificate = nullptr;
  return made;
}

// With its mode from the beginning: at no moment may another user read a key.
Output openFile(const std::string& path, mode_t mode) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (descriptor < 0) return nullptr;
  // One that was there before may have another mode.
  fchmod(descriptor, mode);
  return Output(BIO_new_fd(descriptor, BIO_CLOSE));
}

bool writeCertificate(const Identity& identity, const std::string& path) {
  const Output file = openFile(path, 0644);
  return identity.certificate != nullptr && file != nullptr &&
         PEM_write_bio_X509(file.get(), identity.certificate.get()) == 1;
}

bool writeKey(const Identity& identity, const std::string& path) {
  const Output file = openFile(path, 0600);
  return identity.key != nullptr && file != nullptr &&
         PEM_write_bio_PrivateKey(file.get(), identity.key.get(), nullptr, nullptr, 0, nullptr,
                                  nullptr) == 1;
}

absl::Status errorAbout(const std::string& path) {
  ERR_clear_error();
  return absl::InternalError(fmt::format("cannot make the test certificate {}", path));
}

// Writes an identity that `authority` signs.
absl::Status issue(const Contents& contents, const Identity& authority,
                   const std::string& certificate_file, const std::string& key_file) {
  const Identity identity = makeIdentity(contents, &authority);
  if (!writeCertificate(identity, certificate_file) || !writeKey(identity, key_file)) {
    return errorAbout(certificate_file);
  }
  return absl::OkStatus();
}

absl::Status issueAll(const TestCertificates& files, const Identity& authority) {
  absl::Status status = issue({"localhost", kNames, "serverAuth"}, authority,
                              files.serverCertificateFile(), files.serverKeyFile());
  status.Update(issue({"localhost", kNames, "serverAuth", /*is_authority=*/false, /*first_day=*/-3,
                       /*last_day=*/-1},
                      authority, files.expiredCertificateFile(), files.expiredKeyFile()));
  status.Update(issue({"other.example", "DNS:other.example", "serverAuth"}, authority,
                      files.otherHostCertificateFile(), files.otherHostKeyFile()));
  status.Update(issue({"strata-test-client", "", "clientAuth"}, authority,
                      files.clientCertificateFile(), files.clientKeyFile()));
  return status;
}

}  // namespace

absl::StatusOr<TestCertificates> TestCertificates::create(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  TestCertificates files(folder);
  const Contents authority{"Strata test authority", "", "", /*is_authority=*/true,
                           /*first_day=*/-4};
  const Contents other{"Another test authority", "", "", /*is_authority=*/true, /*first_day=*/-4};
  const Identity ca = makeIdentity(authority, nullptr);
  const Identity other_ca = makeIdentity(other, nullptr);
  if (!writeCertificate(ca, files.caFile())) return errorAbout(files.caFile());
  if (!writeCertificate(other_ca, files.otherCaFile())) return errorAbout(files.otherCaFile());
  if (absl::Status status = issueAll(files, ca); !status.ok()) return status;
  return files;
}

}  // namespace strata::testing
