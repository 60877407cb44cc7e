#include "examples/copilot_server/signed_token.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <cmath>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"

namespace copilot {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxTokenBytes = 8 << 10;
constexpr std::size_t kMinKeyBytes = 32;      // RFC 7518, 3.2
constexpr double kMaxSeconds = 253402300799;  // the end of the year 9999

using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

const unsigned char* bytesOf(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

absl::Status refused(const char* why) {
  return absl::UnauthenticatedError(std::string("the token ") + why);
}

// RFC 7515: base64url without padding, and one form for each sequence of bytes.
std::optional<std::string> decoded(std::string_view text) {
  std::string bytes;
  if (!absl::WebSafeBase64Unescape({text.data(), text.size()}, &bytes)) return std::nullopt;
  std::string again;
  absl::WebSafeBase64Escape(bytes, &again);
  while (again.ends_with('=')) again.pop_back();
  return again == text ? std::optional(bytes) : std::nullopt;
}

std::optional<json::object> objectIn(std::string_view encoded) {
  const auto text = decoded(encoded);
  if (!text) return std::nullopt;
  json::error_code error;
  json::value value = json::parse(*text, error);
  if (error || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

std::string textOf(const json::object& object, const char* name) {
  const json::value* const found = object.if_contains(name);
  return found == nullptr || !found->is_string() ? "" : std::string(found->get_string());
}

std::optional<absl::Time> timeOf(const json::value& value) {
  if (!value.is_number()) return std::nullopt;
  const auto seconds = value.to_number<double>();
  if (!(seconds >= 0) || seconds > kMaxSeconds) return std::nullopt;
  return absl::UnixEpoch() + absl::Seconds(std::floor(seconds));
}

bool isFor(const json::object& claims, const std::string& audience) {
  const json::value* const found = claims.if_contains("aud");
  if (found == nullptr) return false;
  if (found->is_string()) return found->get_string() == audience;
  return found->is_array() && std::ranges::any_of(found->get_array(), [&](const json::value& one) {
           return one.is_string() && one.get_string() == audience;
         });
}

class SecretVerifier final : public TokenVerifier {
 public:
  SecretVerifier(strata::Secret key, std::string audience)
      : TokenVerifier(std::move(audience)), key_(std::move(key)) {}

 private:
  std::string_view algorithm() const override { return "HS256"; }
  bool isSigned(std::string_view text, std::string_view signature) const override {
    std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
    unsigned size = 0;
    const std::string& key = key_.reveal();
    if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytesOf(text), text.size(),
             mac.data(), &size) == nullptr) {
      return false;
    }
    return equalInConstantTime({reinterpret_cast<const char*>(mac.data()), size}, signature);
  }

  const strata::Secret key_;
};

class PublicKeyVerifier final : public TokenVerifier {
 public:
  PublicKeyVerifier(KeyPtr key, std::string audience)
      : TokenVerifier(std::move(audience)), key_(std::move(key)) {}

 private:
  std::string_view algorithm() const override { return "EdDSA"; }
  bool isSigned(std::string_view text, std::string_view signature) const override {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    return context != nullptr &&
           EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
           EVP_DigestVerify(context.get(), bytesOf(signature), signature.size(), bytesOf(text),
                            text.size()) == 1;
  }

  const KeyPtr key_;
};

}  // namespace

bool equalInConstantTime(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

absl::StatusOr<std::unique_ptr<TokenVerifier>> TokenVerifier::ofSecret(const strata::Secret& key,
                                                                       std::string audience) {
  if (key.reveal().size() < kMinKeyBytes) {
    return absl::InvalidArgumentError("a key for HS256 has at least 32 bytes");
  }
  return std::make_unique<SecretVerifier>(key, std::move(audience));
}

absl::StatusOr<std::unique_ptr<TokenVerifier>> TokenVerifier::ofPublicKey(const std::string& pem,
                                                                          std::string audience) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  KeyPtr key(bio == nullptr ? nullptr : PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr),
             &EVP_PKEY_free);
  if (key == nullptr || EVP_PKEY_id(key.get()) != EVP_PKEY_ED25519) {
    return absl::InvalidArgumentError("this is no public key of Ed25519 in PEM");
  }
  return std::make_unique<PublicKeyVerifier>(std::move(key), std::move(audience));
}

absl::StatusOr<TokenClaims> TokenVerifier::verify(std::string_view token, absl::Time now) const {
  const std::size_t first = token.find('.');
  const std::size_t second = token.find('.', first + 1);
  if (token.size() > kMaxTokenBytes || first == std::string_view::npos ||
      second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return refused("is malformed");
  }
  if (absl::Status status = checkHeader(token.substr(0, first)); !status.ok()) return status;
  const auto signature = decoded(token.substr(second + 1));
  // Nothing of the claims is looked at before.
  if (!signature || !isSigned(token.substr(0, second), *signature)) {
    return refused("is not signed by the service's key");
  }
  return readClaims(token.substr(first + 1, second - first - 1), now);
}

absl::Status TokenVerifier::checkHeader(std::string_view header) const {
  const auto object = objectIn(header);
  if (!object) return refused("is malformed");
  if (textOf(*object, "alg") != algorithm()) return refused("has another algorithm");
  // RFC 7515, 4.1.11: an extension that has to be understood, and is not.
  if (object->contains("crit")) return refused("has extensions");
  return absl::OkStatus();
}

absl::StatusOr<TokenClaims> TokenVerifier::readClaims(std::string_view payload,
                                                      absl::Time now) const {
  const auto claims = objectIn(payload);
  if (!claims) return refused("is malformed");
  if (!isFor(*claims, audience_)) return refused("is for another audience");
  const json::value* const exp = claims->if_contains("exp");
  const auto expires = exp == nullptr ? std::nullopt : timeOf(*exp);
  if (!expires || now >= *expires) return refused("has expired, or does not say when it does");
  if (const json::value* const nbf = claims->if_contains("nbf")) {
    const auto begins = timeOf(*nbf);
    if (!begins || now < *begins) return refused("is not valid yet");
  }
  TokenClaims read{.tenant_id = textOf(*claims, "tenant_id"),
                   .user_id = textOf(*claims, "sub"),
                   .expires = *expires};
  if (read.tenant_id.empty() || read.user_id.empty()) return refused("does not say who asks");
  return read;
}

}  // namespace copilot
