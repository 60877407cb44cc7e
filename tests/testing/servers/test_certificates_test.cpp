#include "strata/testing/servers/test_certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::IsOk;
using testing::StatusIs;
using testing::TestCertificates;

using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using FilePtr = std::unique_ptr<std::FILE, decltype(&std::fclose)>;

CertificatePtr readCertificate(const std::string& path) {
  const FilePtr file(std::fopen(path.c_str(), "r"), &std::fclose);
  X509* read = file == nullptr ? nullptr : PEM_read_X509(file.get(), nullptr, nullptr, nullptr);
  return {read, &X509_free};
}

KeyPtr readKey(const std::string& path) {
  const FilePtr file(std::fopen(path.c_str(), "r"), &std::fclose);
  EVP_PKEY* read =
      file == nullptr ? nullptr : PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr);
  return {read, &EVP_PKEY_free};
}

// What OpenSSL thinks of a certificate when it trusts this authority only: X509_V_OK or an error.
int verify(const std::string& certificate_file, const std::string& ca_file, int purpose) {
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> trusted(X509_STORE_new(),
                                                                        &X509_STORE_free);
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
      X509_STORE_CTX_new(), &X509_STORE_CTX_free);
  const CertificatePtr certificate = readCertificate(certificate_file);
  EXPECT_NE(certificate, nullptr);
  EXPECT_EQ(X509_STORE_load_file(trusted.get(), ca_file.c_str()), 1);
  EXPECT_EQ(X509_STORE_CTX_init(context.get(), trusted.get(), certificate.get(), nullptr), 1);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  X509_VERIFY_PARAM_set_flags(X509_STORE_CTX_get0_param(context.get()), X509_V_FLAG_X509_STRICT);
  X509_verify_cert(context.get());
  ERR_clear_error();
  return X509_STORE_CTX_get_error(context.get());
}

bool keyBelongsTo(const std::string& key_file, const std::string& certificate_file) {
  const CertificatePtr certificate = readCertificate(certificate_file);
  const KeyPtr key = readKey(key_file);
  return certificate != nullptr && key != nullptr &&
         X509_check_private_key(certificate.get(), key.get()) == 1;
}

bool isFor(const std::string& certificate_file, const std::string& host) {
  return X509_check_host(readCertificate(certificate_file).get(), host.data(), host.size(), 0,
                         nullptr) == 1;
}

bool isForAddress(const std::string& certificate_file, const char* address) {
  return X509_check_ip_asc(readCertificate(certificate_file).get(), address, 0) == 1;
}

class TestCertificatesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string made = ::testing::TempDir() + "strata-certificates-XXXXXX";
    ASSERT_NE(mkdtemp(made.data()), nullptr);
    folder_ = made;
    auto certificates = TestCertificates::create(folder_ + "/tls");
    ASSERT_THAT(certificates, IsOk());
    files_ = std::make_unique<TestCertificates>(*std::move(certificates));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  const TestCertificates& files() const { return *files_; }

  std::string folder_;

 private:
  std::unique_ptr<TestCertificates> files_;
};

TEST_F(TestCertificatesTest, TheAuthoritySignedTheServerAndTheClient) {
  EXPECT_EQ(verify(files().serverCertificateFile(), files().caFile(), X509_PURPOSE_SSL_SERVER),
            X509_V_OK);
  EXPECT_EQ(verify(files().otherHostCertificateFile(), files().caFile(), X509_PURPOSE_SSL_SERVER),
            X509_V_OK);
  EXPECT_EQ(verify(files().clientCertificateFile(), files().caFile(), X509_PURPOSE_SSL_CLIENT),
            X509_V_OK);
}

TEST_F(TestCertificatesTest, TheOtherAuthoritySignedNeither) {
  EXPECT_NE(verify(files().serverCertificateFile(), files().otherCaFile(), X509_PURPOSE_SSL_SERVER),
            X509_V_OK);
  EXPECT_NE(verify(files().clientCertificateFile(), files().otherCaFile(), X509_PURPOSE_SSL_CLIENT),
            X509_V_OK);
}

TEST_F(TestCertificatesTest, AServerCertificateIsNotForAClient) {
  EXPECT_EQ(verify(files().serverCertificateFile(), files().caFile(), X509_PURPOSE_SSL_CLIENT),
            X509_V_ERR_INVALID_PURPOSE);
}

TEST_F(TestCertificatesTest, TheExpiredOneIsExpiredAndNothingElse) {
  EXPECT_EQ(verify(files().expiredCertificateFile(), files().caFile(), X509_PURPOSE_SSL_SERVER),
            X509_V_ERR_CERT_HAS_EXPIRED);
  EXPECT_TRUE(isFor(files().expiredCertificateFile(), "localhost"));
}

TEST_F(TestCertificatesTest, EachIsForTheHostsItNames) {
  EXPECT_TRUE(isFor(files().serverCertificateFile(), "localhost"));
  EXPECT_TRUE(isForAddress(files().serverCertificateFile(), "127.0.0.1"));
  EXPECT_TRUE(isForAddress(files().serverCertificateFile(), "::1"));
  EXPECT_FALSE(isFor(files().serverCertificateFile(), "other.example"));
  EXPECT_TRUE(isFor(files().otherHostCertificateFile(), "other.example"));
  EXPECT_FALSE(isFor(files().otherHostCertificateFile(), "localhost"));
  EXPECT_FALSE(isForAddress(files().otherHostCertificateFile(), "127.0.0.1"));
}

TEST_F(TestCertificatesTest, KeysBelongToTheirCertificatesAndToNobodyElse) {
  EXPECT_TRUE(keyBelongsTo(files().serverKeyFile(), files().serverCertificateFile()));
  EXPECT_TRUE(keyBelongsTo(files().expiredKeyFile(), files().expiredCertificateFile()));
  EXPECT_TRUE(keyBelongsTo(files().otherHostKeyFile(), files().otherHostCertificateFile()));
  EXPECT_TRUE(keyBelongsTo(files().clientKeyFile(), files().clientCertificateFile()));
  EXPECT_FALSE(keyBelongsTo(files().clientKeyFile(), files().serverCertificateFile()));
  for (const std::string& key : {files().serverKeyFile(), files().clientKeyFile()}) {
    struct stat about {};
    ASSERT_EQ(stat(key.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777U, 0600U);
  }
}

TEST_F(TestCertificatesTest, AFolderThatCannotBeMadeIsAnError) {
  EXPECT_THAT(TestCertificates::create(files().caFile() + "/below a file"),
              StatusIs(absl::StatusCode::kInternal));
}

}  // namespace
}  // namespace strata
