// Stream, plain and over TLS, against servers on loopback.
#include "adapters/net/stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "strata/testing/servers/test_certificates.h"
#include "strata/testing/status_matchers.h"
#include "tests/adapters/net/loopback.h"

namespace strata::internal {
namespace {

using absl::StatusCode;
using std::chrono::steady_clock;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;
using testing::TestCertificates;

// More than the buffers of two sockets hold.
const std::string& much() {
  static const std::string bytes = [] {
    std::string made(16U << 20U, '\0');
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = static_cast<char>(i * 31 >> 7);
    return made;
  }();
  return bytes;
}

// Receives exactly so many bytes, or what had come when it failed.
std::string receiveAll(Stream& stream, std::size_t size) {
  std::string bytes;
  std::array<char, 1 << 16> buffer;
  while (bytes.size() < size) {
    const auto received = stream.receive(buffer.data(), buffer.size(), soon());
    if (!received.ok()) break;
    bytes.append(buffer.data(), *received);
  }
  return bytes;
}

absl::Status receiveEnd(Stream& stream) {
  char byte = 0;
  return stream.receive(&byte, 1, soon()).status();
}

// ---- Plain ----

struct PlainPair {
  PlainPair() : stream(Stream::open("127.0.0.1", listener.port(), {}, soon()).value()) {}

  const Listener listener;
  Stream stream;
  Peer peer = listener.accept();
};

TEST(Stream, KeepsWhatArrivesWhileItSends) {
  PlainPair pair;
  // A server that reads no further until its answer is read.
  std::thread server([&] {
    pair.peer.send(much());
    EXPECT_TRUE(pair.peer.receive(much().size()) == much());
  });
  EXPECT_OK(pair.stream.send(much(), soon()));
  EXPECT_FALSE(pair.stream.hasUnsent());
  EXPECT_TRUE(pair.stream.hasUnread());
  EXPECT_FALSE(pair.stream.isQuiet());
  EXPECT_TRUE(receiveAll(pair.stream, much().size()) == much());
  server.join();
  EXPECT_TRUE(pair.stream.isQuiet());
}

TEST(Stream, WhatCouldNotBeSentInTimeGoesOutBeforeWhatIsSentNext) {
  PlainPair pair;
  EXPECT_THAT(pair.stream.send(much(), steady_clock::now()),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_TRUE(pair.stream.hasUnsent());
  EXPECT_THAT(pair.stream.send("the middle", steady_clock::now()),
              StatusIs(StatusCode::kDeadlineExceeded));
  std::string received;
  std::thread server([&] { received = pair.peer.receive(much().size() + 17); });
  EXPECT_OK(pair.stream.send("the end", soon()));
  EXPECT_FALSE(pair.stream.hasUnsent());
  server.join();
  EXPECT_TRUE(received == much() + "the middlethe end");
}

TEST(Stream, KnowsHowThePeerHasEnded) {
  PlainPair closed;
  closed.peer.close();
  EXPECT_FALSE(closed.stream.hasEnded());
  EXPECT_THAT(receiveEnd(closed.stream),
              StatusIs(StatusCode::kUnavailable, "the server closed the connection"));
  EXPECT_TRUE(closed.stream.hasEndedInOrder());
  PlainPair broken;
  broken.peer.reset();
  EXPECT_THAT(receiveEnd(broken.stream), StatusIs(StatusCode::kUnavailable));
  EXPECT_TRUE(broken.stream.hasEnded());
  EXPECT_FALSE(broken.stream.hasEndedInOrder());
  PlainPair silent;
  char byte = 0;
  EXPECT_THAT(silent.stream.receive(&byte, 1, steady_clock::now()),
              StatusIs(StatusCode::kDeadlineExceeded));
  EXPECT_FALSE(silent.stream.hasEnded());
}

TEST(Stream, DiscardsOnCloseFromTheStartWhereAsked) {
  for (const bool discards : {false, true}) {
    const Listener listener;
    {
      ASSERT_OK(Stream::open("127.0.0.1", listener.port(), {.discard_on_close = discards}, soon()));
    }
    EXPECT_EQ(listener.accept().receiveEnd(), discards ? ECONNRESET : 0);
  }
}

// ---- TLS ----

const TestCertificates& certificates() {
  struct Folder {
    const std::string path =
        ::testing::TempDir() + "strata_stream_test_" + std::to_string(getpid());
    const TestCertificates made = TestCertificates::create(path).value();
    ~Folder() { std::filesystem::remove_all(path); }
  };
  static const Folder folder;
  return folder.made;
}

// The server's side of TLS, which blocks.
class TlsPeer {
 public:
  TlsPeer(Peer peer, int version) : peer_(std::move(peer)), context_(SSL_CTX_new(TLS_method())) {
    SSL_CTX_set_max_proto_version(context_, version);
    const std::string certificate = certificates().serverCertificateFile();
    const std::string key = certificates().serverKeyFile();
    EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context_, certificate.c_str()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM), 1);
    session_ = SSL_new(context_);
    SSL_set_fd(session_, peer_.fd());
    EXPECT_EQ(SSL_accept(session_), 1);
  }
  TlsPeer(const TlsPeer&) = delete;
  TlsPeer& operator=(const TlsPeer&) = delete;
  ~TlsPeer() {
    SSL_free(session_);
    SSL_CTX_free(context_);
  }

  void send(std::string_view bytes) {
    EXPECT_GT(SSL_write(session_, bytes.data(), static_cast<int>(bytes.size())), 0);
  }
  char receive() {
    char byte = 0;
    EXPECT_EQ(SSL_read(session_, &byte, 1), 1);
    return byte;
  }
  void sendRaw(std::string_view bytes) { peer_.send(bytes); }
  void sayGoodbye() { SSL_shutdown(session_); }
  void close() { peer_.close(); }

 private:
  Peer peer_;
  SSL_CTX* const context_;
  SSL* session_ = nullptr;
};

class StreamOverTls : public ::testing::TestWithParam<int> {
 protected:
  StreamOverTls() {
    std::thread server(
        [this] { peer_ = std::make_unique<TlsPeer>(listener_.accept(), GetParam()); });
    stream_.emplace(
        Stream::open("127.0.0.1", listener_.port(), {.tls = context_.get()}, soon()).value());
    server.join();
  }

  const std::shared_ptr<const TlsContext> context_ =
      TlsContext::create({.ca_file = certificates().caFile()}).value();
  const Listener listener_;
  std::unique_ptr<TlsPeer> peer_;
  std::optional<Stream> stream_;
};

INSTANTIATE_TEST_SUITE_P(Versions, StreamOverTls, ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION),
                         [](const auto& version) {
                           return version.param == TLS1_3_VERSION ? "Tls13" : "Tls12";
                         });

// Redis used to close an idle connection to which a ticket came.
TEST_P(StreamOverTls, ATicketOfTheServerLeavesItQuiet) {
  EXPECT_TRUE(stream_->isQuiet());
  EXPECT_FALSE(stream_->hasUnread());
  EXPECT_TRUE(stream_->isQuiet());
}

TEST_P(StreamOverTls, WhatWasNotAskedForIsUnread) {
  peer_->send("xy");
  EXPECT_EQ(receiveAll(*stream_, 1), "xy");
  EXPECT_FALSE(stream_->hasUnread());
  EXPECT_TRUE(stream_->isQuiet());
  peer_->send("xy");
  char byte = 0;
  EXPECT_THAT(stream_->receive(&byte, 1, soon()), IsOkAndHolds(1U));
  EXPECT_TRUE(stream_->hasUnread()) << "the rest of the record";
}

TEST_P(StreamOverTls, AnEndIsInOrderOnlyWhereTheSessionSaysSo) {
  peer_->sayGoodbye();
  EXPECT_THAT(receiveEnd(*stream_),
              StatusIs(StatusCode::kUnavailable, "the server closed the connection"));
  EXPECT_TRUE(stream_->hasEndedInOrder());
  EXPECT_FALSE(stream_->isQuiet());
}

TEST_P(StreamOverTls, AnEndOfTheSocketAloneIsACutOff) {
  peer_->close();
  EXPECT_THAT(receiveEnd(*stream_),
              StatusIs(StatusCode::kUnavailable, "the server closed the connection"));
  EXPECT_TRUE(stream_->hasEnded());
  EXPECT_FALSE(stream_->hasEndedInOrder());
}

TEST_P(StreamOverTls, GarbageIsAnErrorButNoEnd) {
  peer_->sendRaw("this is no record of TLS");
  EXPECT_THAT(receiveEnd(*stream_), StatusIs(StatusCode::kUnavailable, HasSubstr("TLS")));
  EXPECT_FALSE(stream_->hasEnded());
}

// As a library does that fails in OpenSSL on this thread and does not clear up.
void leaveAnErrorBehind() { ERR_put_error(ERR_LIB_PEM, 0, ERR_R_PASSED_NULL_PARAMETER, "", 0); }

// What another user of OpenSSL had left in the thread's queue of errors broke the connection.
TEST_P(StreamOverTls, ErrorsThatOthersLeftBehindAreNotItsOwn) {
  leaveAnErrorBehind();
  EXPECT_TRUE(stream_->isQuiet());
  leaveAnErrorBehind();
  char byte = 0;
  EXPECT_THAT(stream_->receive(&byte, 1, steady_clock::now()),
              StatusIs(StatusCode::kDeadlineExceeded));
  leaveAnErrorBehind();
  EXPECT_OK(stream_->send("x", soon()));
  EXPECT_EQ(peer_->receive(), 'x');
  peer_->send("y");
  leaveAnErrorBehind();
  EXPECT_EQ(receiveAll(*stream_, 1), "y");
  peer_->sayGoodbye();
  leaveAnErrorBehind();
  receiveEnd(*stream_).IgnoreError();
  EXPECT_TRUE(stream_->hasEndedInOrder());
}

TEST_P(StreamOverTls, AHandshakeIsNotBrokenByErrorsThatOthersLeftBehind) {
  std::unique_ptr<TlsPeer> peer;
  std::thread server([&] { peer = std::make_unique<TlsPeer>(listener_.accept(), GetParam()); });
  leaveAnErrorBehind();
  const auto opened = Stream::open("127.0.0.1", listener_.port(), {.tls = context_.get()}, soon());
  server.join();
  EXPECT_OK(opened);
}

TEST(StreamHandshake, SaysThatItIsAboutTls) {
  const auto context = TlsContext::create({.ca_file = certificates().caFile()}).value();
  const Listener listener;
  const StreamOptions options{.tls = context.get()};
  const IoTime until = steady_clock::now() + std::chrono::milliseconds(100);
  EXPECT_THAT(Stream::open("127.0.0.1", listener.port(), options, until),
              StatusIs(StatusCode::kDeadlineExceeded, "TLS handshake: no answer in time"));
  std::thread server([&] {
    const Peer silent = listener.accept();
    listener.accept().receive(1);
  });
  EXPECT_THAT(Stream::open("127.0.0.1", listener.port(), options, soon()),
              StatusIs(StatusCode::kUnavailable, HasSubstr("TLS handshake: ")));
  server.join();
  EXPECT_THAT(Stream::openUnix("/run/some.sock", options, soon()),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("TLS")));
}

}  // namespace
}  // namespace strata::internal
