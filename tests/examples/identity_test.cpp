#include "examples/copilot_server/identity.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "examples/copilot_server/address.h"
#include "examples/copilot_server/settings.h"
#include "strata/testing/status_matchers.h"

namespace copilot {
namespace {

using absl::StatusCode;
using strata::testing::IsOk;
using strata::testing::StatusIs;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kTenant = "6ad5a6a6-0c5c-4f0e-9d0b-1f8f0d0c7a11";
const std::string kUser = "0f6a1b52-7a3e-4c39-8a54-5b1f6c1d2e3f";
const std::string kKey(32, 'k');
const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

std::string encoded(const std::string& bytes) {
  std::string text;
  absl::WebSafeBase64Escape(bytes, &text);
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::string claims(const std::string& more = R"("aud": "strata", "exp": 1000060)") {
  return R"({"tenant_id": ")" + kTenant + R"(", "sub": ")" + kUser + "\", " + more + "}";
}

std::string hmac(const std::string& text, const std::string& key) {
  std::array<unsigned char, 32> mac{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), &size);
  return {mac.begin(), mac.end()};
}

std::string signedBySecret(const std::string& payload,
                           const std::string& header = R"({"alg":"HS256","typ":"JWT"})",
                           const std::string& key = kKey) {
  const std::string text = encoded(header) + "." + encoded(payload);
  return text + "." + encoded(hmac(text, key));
}

std::unique_ptr<TokenVerifier> secretVerifier() {
  return *TokenVerifier::ofSecret(strata::Secret(kKey), "strata");
}

TEST(SignedToken, SaysWhoAsks) {
  const auto verified = secretVerifier()->verify(signedBySecret(claims()), kNow);
  ASSERT_THAT(verified, IsOk());
  EXPECT_EQ(verified->tenant_id, kTenant);
  EXPECT_EQ(verified->user_id, kUser);
  EXPECT_EQ(verified->expires, kNow + absl::Seconds(60));
  const std::string several = R"("aud": ["other", "strata"], "exp": 1000001, "nbf": 1000000)";
  EXPECT_THAT(secretVerifier()->verify(signedBySecret(claims(several)), kNow), IsOk());
}

TEST(SignedToken, CountsUntilItExpiresAndForItsAudience) {
  const auto verifier = secretVerifier();
  const auto expect_refused = [&](const std::string& more, const char* why) {
    EXPECT_THAT(verifier->verify(signedBySecret(claims(more)), kNow),
                StatusIs(StatusCode::kUnauthenticated, HasSubstr(why)))
        << more;
  };
  for (const char* exp : {"1000000", "0", "-1", "\"1000060\"", "null", "1e300"}) {
    expect_refused(R"("aud": "strata", "exp": )" + std::string(exp), "expire");
  }
  expect_refused(R"("aud": "strata")", "expire");
  for (const char* aud : {"\"other\"", "\"Strata\"", "[]", "[\"other\"]", "null", "{}", "1"}) {
    expect_refused(R"("exp": 1000060, "aud": )" + std::string(aud), "audience");
  }
  expect_refused(R"("exp": 1000060)", "audience");
  expect_refused(R"("aud": "strata", "exp": 1000060, "nbf": 1000001)", "valid yet");
  expect_refused(R"("aud": "strata", "exp": 1000060, "nbf": "x")", "valid yet");
  EXPECT_THAT(verifier->verify(signedBySecret(R"({"aud": "strata", "exp": 1000060})"), kNow),
              StatusIs(StatusCode::kUnauthenticated, HasSubstr("who asks")));
}

TEST(SignedToken, IsRefusedWhereAnythingOfItIsNotSigned) {
  const auto verifier = secretVerifier();
  const std::string token = signedBySecret(claims());
  std::vector<std::string> forged = {
      "",
      ".",
      "..",
      "a.b.c",
      token + ".",
      token + "=",
      token + "A",
      "." + token,
      token + "\n",
      signedBySecret(claims(), R"({"alg":"HS256"})", std::string(32, 'x')),
      token.substr(0, token.rfind('.') + 1),
      std::string(9000, 'a') + token};
  for (std::size_t i = 0; i < token.size(); ++i) {
    forged.push_back(token);
    forged.back()[i] = token[i] == 'A' ? 'B' : 'A';
  }
  for (const std::string& one : forged) {
    EXPECT_THAT(verifier->verify(one, kNow),
                StatusIs(StatusCode::kUnauthenticated, Not(HasSubstr(kTenant))))
        << one;
  }
}

// A key of Ed25519, and its public half in PEM.
class KeyPair {
 public:
  KeyPair() : key_(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), &EVP_PKEY_free) {}
  std::string pem() const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), &BIO_free);
    PEM_write_bio_PUBKEY(bio.get(), key_.get());
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return {data, static_cast<std::size_t>(size)};
  }
  std::string sign(const std::string& text) const {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                          &EVP_MD_CTX_free);
    std::array<unsigned char, 64> signature{};
    std::size_t size = signature.size();
    EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get());
    EVP_DigestSign(context.get(), signature.data(), &size,
                   reinterpret_cast<const unsigned char*>(text.data()), text.size());
    return {signature.begin(), signature.end()};
  }
  std::string token(const std::string& header) const {
    const std::string text = encoded(header) + "." + encoded(claims());
    return text + "." + encoded(sign(text));
  }

 private:
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key_;
};

// The known attack: the public key, which is no secret, as the key of HS256.
TEST(SignedToken, DoesNotChooseItsAlgorithm) {
  const KeyPair pair;
  auto verifier = TokenVerifier::ofPublicKey(pair.pem(), "strata");
  ASSERT_THAT(verifier, IsOk());
  EXPECT_THAT((*verifier)->verify(pair.token(R"({"alg":"EdDSA"})"), kNow), IsOk());
  for (const char* header :
       {R"({"alg":"HS256"})", R"({"alg":"none"})", R"({"alg":"None"})", R"({"alg":"eddsa"})",
        R"({"alg":["EdDSA"]})", "{}", "[]", R"({"alg":"EdDSA","crit":["b64"],"b64":false})"}) {
    EXPECT_THAT((*verifier)->verify(pair.token(header), kNow),
                StatusIs(StatusCode::kUnauthenticated))
        << header;
    EXPECT_THAT((*verifier)->verify(signedBySecret(claims(), header, pair.pem()), kNow),
                StatusIs(StatusCode::kUnauthenticated))
        << header;
  }
  EXPECT_THAT((*verifier)->verify(KeyPair().token(R"({"alg":"EdDSA"})"), kNow),
              StatusIs(StatusCode::kUnauthenticated));
  const std::string unsigned_token = encoded(R"({"alg":"none"})") + "." + encoded(claims()) + ".";
  EXPECT_THAT((*verifier)->verify(unsigned_token, kNow), StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(secretVerifier()->verify(unsigned_token, kNow),
              StatusIs(StatusCode::kUnauthenticated));
  EXPECT_THAT(secretVerifier()->verify(signedBySecret(claims(), R"({"alg":"EdDSA"})"), kNow),
              StatusIs(StatusCode::kUnauthenticated));
}

TEST(SignedToken, NeedsAKeyThatIsOne) {
  EXPECT_THAT(TokenVerifier::ofSecret(strata::Secret(std::string(31, 'k')), "a"),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(TokenVerifier::ofPublicKey("", "a"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(TokenVerifier::ofPublicKey("-----BEGIN PUBLIC KEY-----\nAAAA\n", "a"),
              StatusIs(StatusCode::kInvalidArgument));
}

Request requestOf(const std::string& peer) {
  Request request;
  request.tenant_id = kTenant;
  request.user_id = kUser;
  request.peer = peer;
  return request;
}

TEST(Identity, OfHeadersCountsFromTheGatewayAlone) {
  const IdentityCheck check(
      {.proxies = *AddressSet::parse("10.0.0.0/8, ::1"), .secret = strata::Secret(kKey)});
  Request request = requestOf("10.1.2.3");
  request.gateway_secret = kKey;
  const auto identity = check.identify(request, kNow);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(identity->caller.tenant_id, kTenant);
  request.peer = "11.0.0.1";
  EXPECT_THAT(check.identify(request, kNow), StatusIs(StatusCode::kUnauthenticated));
  request.peer = "::1";
  for (const std::string& wrong : {std::string(), kKey + "k", kKey.substr(1), std::string("x")}) {
    request.gateway_secret = wrong;
    EXPECT_THAT(check.identify(request, kNow), StatusIs(StatusCode::kUnauthenticated)) << wrong;
  }
}

TEST(Identity, IsTwoUuids) {
  const IdentityCheck check({});
  for (const std::string& wrong : {std::string("nobody"), kUser + "0", kUser + ", " + kUser,
                                   std::string(36, '0'), "{" + kUser.substr(1)}) {
    Request request = requestOf("127.0.0.1");
    request.user_id = wrong;
    EXPECT_THAT(check.identify(request, kNow), StatusIs(StatusCode::kInvalidArgument)) << wrong;
  }
}

TEST(Identity, OfATokenIgnoresTheHeaders) {
  const IdentityCheck check({.tokens = secretVerifier()});
  Request request = requestOf("127.0.0.1");
  EXPECT_THAT(check.identify(request, kNow), StatusIs(StatusCode::kUnauthenticated));
  request.user_id = "7d9e9a52-1111-4c39-8a54-5b1f6c1d2e3f";
  request.authorization = "bearer " + signedBySecret(claims());
  const auto identity = check.identify(request, kNow);
  ASSERT_THAT(identity, IsOk());
  EXPECT_EQ(*identity->caller.user_id, kUser);
  EXPECT_EQ(identity->expires, kNow + absl::Seconds(60));
  for (const char* scheme : {"Basic ", "Bearer", ""}) {
    request.authorization = scheme + signedBySecret(claims());
    EXPECT_THAT(check.identify(request, kNow), StatusIs(StatusCode::kUnauthenticated)) << scheme;
  }
}

TEST(Identity, OnlyAGatewaySaysWhatTheClientsAddressIs) {
  Request request = requestOf("10.1.2.3");
  request.forwarded_for = "127.0.0.1, 192.0.2.7";
  const auto address = [&](bool trusted, const char* proxies) {
    return IdentityCheck({.proxies = *AddressSet::parse(proxies), .trust_forwarded = trusted})
        .addressOf(request);
  };
  EXPECT_EQ(address(true, "10.0.0.0/8"), "192.0.2.7");
  EXPECT_EQ(address(true, "10.2.0.0/16"), "10.1.2.3");
  EXPECT_EQ(address(false, "10.0.0.0/8"), "10.1.2.3");
  EXPECT_EQ(address(true, ""), "192.0.2.7");
}

// With a port behind it each connection of a client had limits of its own, and so had any other text.
TEST(Identity, OfAClientHasNoPort) {
  Request request = requestOf("10.1.2.3");
  const IdentityCheck check({.proxies = *AddressSet::parse("10.0.0.0/8"), .trust_forwarded = true});
  for (const auto& [forwarded, address] :
       std::map<std::string, std::string>{{"192.0.2.7:51123", "192.0.2.7"},
                                          {"[2001:db8::1]:443", "2001:db8::1"},
                                          {"[2001:db8::1]", "2001:db8::1"},
                                          {"2001:db8::1", "2001:db8::1"},
                                          {"for=192.0.2.7", "10.1.2.3"},
                                          {"unknown", "10.1.2.3"},
                                          {"[", "10.1.2.3"},
                                          {"1.2.3.4, ", "10.1.2.3"},
                                          {"", "10.1.2.3"}}) {
    request.forwarded_for = forwarded;
    EXPECT_EQ(check.addressOf(request), address) << forwarded;
  }
}

TEST(AddressSet, HasAddressesAndNetworks) {
  const auto set = AddressSet::parse("10.0.0.7, 192.168.0.0/17 ,2001:db8::/33");
  ASSERT_THAT(set, IsOk());
  for (const char* inside :
       {"10.0.0.7", "::ffff:10.0.0.7", "192.168.127.255", "2001:db8:7fff::1"}) {
    EXPECT_TRUE(set->contains(inside)) << inside;
  }
  for (const char* outside : {"10.0.0.8", "192.168.128.0", "2001:db8:8000::", "", "here", "::"}) {
    EXPECT_FALSE(set->contains(outside)) << outside;
  }
  for (const char* wrong : {"here", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "1.2.3.4,,"}) {
    EXPECT_THAT(AddressSet::parse(wrong), StatusIs(StatusCode::kInvalidArgument)) << wrong;
  }
}

// A subscriber has 2^64 addresses of IPv6, and each counted by itself.
TEST(LimitKey, OfIpv6IsItsNetworkOf64Bits) {
  EXPECT_EQ(limitKey("2001:db8:1:2:3:4:5:6"), limitKey("2001:db8:1:2::"));
  EXPECT_NE(limitKey("2001:db8:1:2::1"), limitKey("2001:db8:1:3::1"));
  EXPECT_EQ(limitKey("::ffff:192.0.2.7"), limitKey("192.0.2.7"));
  EXPECT_NE(limitKey("192.0.2.7"), limitKey("192.0.2.8"));
  EXPECT_EQ(limitKey("unknown"), "unknown");
}

absl::StatusOr<Settings> settingsOf(std::map<std::string, std::string> variables) {
  return settingsFromEnv([&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  });
}

// The service believed the headers of everybody who could reach it, at any address.
TEST(Settings, SayWhoMayClaimAnIdentityWhereStrangersCanReachTheService) {
  EXPECT_THAT(settingsOf({}), IsOk());
  EXPECT_THAT(settingsOf({{"HOST", "::1"}}), IsOk());
  for (const char* host : {"0.0.0.0", "::", "192.0.2.7"}) {
    const auto open = settingsOf({{"HOST", host}});
    for (const char* name :
         {"TOKEN_KEY_FILE", "TOKEN_SECRET", "GATEWAY_SECRET", "TRUSTED_PROXIES"}) {
      EXPECT_THAT(open, StatusIs(StatusCode::kInvalidArgument, HasSubstr(name))) << host;
    }
    EXPECT_THAT(settingsOf({{"HOST", host}, {"GATEWAY_SECRET", kKey}}), IsOk());
    EXPECT_THAT(settingsOf({{"HOST", host}, {"TRUSTED_PROXIES", "10.0.0.1"}}), IsOk());
    EXPECT_THAT(settingsOf({{"HOST", host}, {"TOKEN_SECRET", kKey}, {"TOKEN_AUDIENCE", "strata"}}),
                IsOk());
  }
}

TEST(Settings, RefuseWhatContradictsItself) {
  using Variables = std::map<std::string, std::string>;
  const std::vector<std::pair<Variables, const char*>> cases = {
      {{{"TOKEN_SECRET", kKey}}, "TOKEN_AUDIENCE"},
      {{{"TOKEN_SECRET", "short"}, {"TOKEN_AUDIENCE", "a"}}, "TOKEN_SECRET"},
      {{{"TOKEN_SECRET", kKey}, {"TOKEN_AUDIENCE", "a"}, {"GATEWAY_SECRET", kKey}},
       "GATEWAY_SECRET"},
      {{{"TOKEN_SECRET", kKey}, {"TOKEN_KEY_FILE", "x"}, {"TOKEN_AUDIENCE", "a"}},
       "TOKEN_KEY_FILE"},
      {{{"TOKEN_KEY_FILE", "no such file"}, {"TOKEN_AUDIENCE", "a"}}, "TOKEN_KEY_FILE"},
      {{{"GATEWAY_SECRET", "short"}}, "GATEWAY_SECRET"},
      {{{"ADMIN_SECRET", "short"}}, "ADMIN_SECRET"},
      {{{"HOST", "localhost"}}, "HOST is not an address"},
      {{{"TRUSTED_PROXIES", "here"}}, "TRUSTED_PROXIES"},
      {{{"HOST", "0.0.0.0"},
        {"TOKEN_SECRET", kKey},
        {"TOKEN_AUDIENCE", "a"},
        {"TRUST_PROXY", "true"}},
       "TRUST_PROXY"},
  };
  for (const auto& [variables, name] : cases) {
    EXPECT_THAT(settingsOf(variables), StatusIs(StatusCode::kInvalidArgument, HasSubstr(name)))
        << name;
  }
}

}  // namespace
}  // namespace copilot
