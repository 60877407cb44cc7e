// The REST adapter on a server that says more than its answer, over HTTP and over HTTPS.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "strata/adapters/upstash/upstash_cache.h"
#include "strata/testing/servers/test_certificates.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/net/loopback.h"

namespace strata {
namespace {

using internal::Listener;
using internal::Peer;
using ::testing::Eq;
using testing::IsOkAndHolds;
using testing::TestCertificates;

const TestCertificates& certificates() {
  struct Folder {
    const std::string path =
        ::testing::TempDir() + "strata_upstash_https_test_" + std::to_string(getpid());
    const TestCertificates made = TestCertificates::create(path).value();
    ~Folder() { std::filesystem::remove_all(path); }
  };
  static const Folder folder;
  return folder.made;
}

// What the server says to one request: each piece a record of TLS, but all sent at once, as what
// comes later than the next request could not be told from the answer to that.
using Pieces = std::vector<std::string>;

constexpr const char* kHead = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

std::string answer(std::string_view body) {
  return std::string(kHead) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

// The same of so many bytes in all, with spaces after the body.
std::string answerOfSize(std::size_t size, std::string body) {
  const std::size_t around = answer(std::string(10'000, ' ')).size() - 10'000;
  body.resize(size - around, ' ');
  return answer(body);
}

// Serves one connection after the other, with the same pieces for every request.
class WordyServer {
 public:
  WordyServer(bool tls, Pieces pieces) : pieces_(std::move(pieces)) {
    if (tls) {
      context_ = SSL_CTX_new(TLS_server_method());
      SSL_CTX_use_certificate_chain_file(context_, certificates().serverCertificateFile().c_str());
      SSL_CTX_use_PrivateKey_file(context_, certificates().serverKeyFile().c_str(),
                                  SSL_FILETYPE_PEM);
    }
    thread_ = std::thread([this] { run(); });
  }
  WordyServer(const WordyServer&) = delete;
  WordyServer& operator=(const WordyServer&) = delete;
  ~WordyServer() {
    stopping_ = true;
    // Whoever waits in accept() is woken by one more connection.
    internal::Socket::connect({&listener_.address(), 1}, internal::soon()).IgnoreError();
    thread_.join();
    SSL_CTX_free(context_);
  }

  std::string url() const {
    return (context_ == nullptr ? "http://127.0.0.1:" : "https://127.0.0.1:") +
           std::to_string(listener_.port());
  }
  int connections() const { return connections_; }

 private:
  void run() {
    while (true) {
      const Peer peer = listener_.accept();
      if (stopping_) return;
      ++connections_;
      SSL* const session = context_ == nullptr ? nullptr : newSession(peer);
      if (session == nullptr || SSL_accept(session) == 1) serve(peer, session);
      SSL_free(session);
    }
  }

  void serve(const Peer& peer, SSL* session) {
    while (readRequest(peer, session)) {
      std::string plain;
      for (const std::string& piece : pieces_) {
        plain += piece;
        if (session != nullptr) SSL_write(session, piece.data(), static_cast<int>(piece.size()));
      }
      if (session == nullptr) peer.send(plain);
      if (session != nullptr) BIO_flush(SSL_get_wbio(session));
    }
  }

  SSL* newSession(const Peer& peer) const {
    SSL* const session = SSL_new(context_);
    BIO* const socket = BIO_new_socket(peer.fd(), BIO_NOCLOSE);
    BIO* const gathering = BIO_new(BIO_f_buffer());
    BIO_set_write_buffer_size(gathering, 1 << 20);
    BIO_push(gathering, socket);
    BIO_up_ref(socket);
    SSL_set_bio(session, socket, gathering);
    return session;
  }

  // Up to the end of its body. False: the client has gone.
  static bool readRequest(const Peer& peer, SSL* session) {
    constexpr std::string_view kLength = "Content-Length: ";
    std::string text;
    std::size_t size = 0;
    while (size == 0 || text.size() < size) {
      std::array<char, 16384> buffer{};
      const auto room =
          static_cast<int>(size == 0 ? 1 : std::min(buffer.size(), size - text.size()));
      const ssize_t count = session != nullptr ? SSL_read(session, buffer.data(), room)
                                               : ::recv(peer.fd(), buffer.data(), room, 0);
      if (count <= 0) return false;
      text.append(buffer.data(), static_cast<std::size_t>(count));
      if (size > 0 || !text.ends_with("\r\n\r\n")) continue;
      size = text.size() + std::stoul(text.substr(text.find(kLength) + kLength.size()));
    }
    return true;
  }

  const Pieces pieces_;
  const Listener listener_;
  SSL_CTX* context_ = nullptr;
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

struct Wordy {
  const char* name;
  Pieces value;    // the answer to a GET of nothing, and more
  Pieces removal;  // the answer to an UNLINK, and more
};

const std::vector<Wordy>& wordy() {
  static const std::vector<Wordy> all = [] {
    const std::string value = R"({"result":[null]})";
    const std::string removal = R"({"result":0})";
    const auto chunked = [](std::string_view body) {
      return std::string(kHead) + "Transfer-Encoding: chunked\r\n\r\n" +
             (body.size() < 16 ? "c" : "11") + "\r\n" + std::string(body) + "\r\n";
    };
    const std::string more = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    return std::vector<Wordy>{
        {"Nothing", {answer(value)}, {answer(removal)}},
        {"InOnePiece", {answer(value) + more}, {answer(removal) + more}},
        {"InAnotherPiece", {answer(value), more}, {answer(removal), more}},
        {"ByteByByte", {answer(value), "H", "T", "T", "P"}, {answer(removal), "H", "T", "T", "P"}},
        {"AfterALongAnswer",
         {answer(value + std::string(40'000, ' ')), more},
         {answer(removal + std::string(40'000, ' ')), more}},
        // Where a buffer ends, the one of the adapter or, less what TLS adds to a record, that of
        // the stream.
        {"AfterAFullBuffer",
         {answerOfSize(16384, value), more},
         {answerOfSize(16384, removal), more}},
        {"AfterAFullBufferOfTls",
         {answerOfSize(16384 - 22, value), more},
         {answerOfSize(16384 - 22, removal), more}},
        {"Newlines", {answer(value) + "\r\n"}, {answer(removal) + "\r\n"}},
        {"AfterChunks",
         {chunked(value) + "0\r\n\r\n" + more},
         {chunked(removal) + "0\r\n\r\n" + more}},
        {"AfterChunksInPieces",
         {chunked(value), "0\r\n", "\r", "\n", more},
         {chunked(removal), "0\r\n", "\r", "\n", more}},
        {"AfterAnInterimAnswer",
         {"HTTP/1.1 100 Continue\r\n\r\n" + answer(value) + more},
         {"HTTP/1.1 100 Continue\r\n\r\n" + answer(removal) + more}},
    };
  }();
  return all;
}

class UpstashWordyServer : public ::testing::TestWithParam<std::tuple<bool, std::size_t>> {
 protected:
  static bool tls() { return std::get<0>(GetParam()); }
  static const Wordy& said() { return wordy()[std::get<1>(GetParam())]; }
  static std::shared_ptr<UpstashCache> cacheOf(const WordyServer& server) {
    UpstashOptions options{.url = server.url(), .token = "the-token"};
    options.connect_timeout = options.request_timeout = absl::Seconds(20);
    options.tls.ca_file = certificates().caFile();
    return UpstashCache::create(options).value();
  }
};

INSTANTIATE_TEST_SUITE_P(Answers, UpstashWordyServer,
                         ::testing::Combine(::testing::Bool(),
                                            ::testing::Range(std::size_t{0}, wordy().size())),
                         [](const auto& test) {
                           return std::string(std::get<0>(test.param) ? "Https" : "Http") +
                                  wordy()[std::get<1>(test.param)].name;
                         });

// Bytes after an answer broke the next request, or the program.
TEST_P(UpstashWordyServer, ItsAnswerCountsAndWhatFollowsCostsTheConnection) {
  const WordyServer server(tls(), said().value);
  const auto cache = cacheOf(server);
  for (int i = 0; i < 5; ++i) EXPECT_THAT(cache->get("a"), IsOkAndHolds(Eq(std::nullopt)));
  EXPECT_EQ(server.connections(), said().value == wordy().front().value ? 1 : 5);
}

TEST_P(UpstashWordyServer, ACallOfSeveralRequestsGoesOnOnAnotherConnection) {
  const WordyServer server(tls(), said().removal);
  const auto cache = cacheOf(server);
  // Two commands, which are too much for one request.
  const std::vector<std::string> keys(512, std::string(2200, 'k'));
  for (int i = 0; i < 3; ++i) EXPECT_OK(cache->remove(keys));
}

}  // namespace
}  // namespace strata
