#include "adapters/postgres/client/answer_bound.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>

#include "strata/store/page_bound.h"

namespace strata::postgres {
namespace {

// Reads that are not counted, of at most what the kernel buffers each.
constexpr int kUncounted = 4;
// The lengths of values and the columns that are neither text nor JSON come over the connection as
// well: a page that is just large enough is received whole.
constexpr std::size_t kMostReceived = kMaxPageBytes + kMaxPageBytes / 2;

// text, varchar, char(n), name, json, jsonb, uuid.
constexpr std::array<Oid, 7> kTexts{25, 1043, 1042, 19, 114, 3802, 2950};

// All that has come over the connection, taken by libpq; zero where the kernel does not say.
std::size_t takenFrom(int socket) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  if (size < offsetof(tcp_info, tcpi_bytes_received) + sizeof(info.tcpi_bytes_received)) return 0;
  int unread = 0;
  if (::ioctl(socket, FIONREAD, &unread) != 0) return 0;
  const std::size_t received = info.tcpi_bytes_received;
  return received - std::min(received, static_cast<std::size_t>(unread));
}

void awaitReadable(int socket) {
  pollfd waited{.fd = socket, .events = POLLIN, .revents = 0};
  while (::poll(&waited, 1, -1) < 0 && errno == EINTR) {
  }
}

}  // namespace

bool AnswerBound::await() {
  // A connection that was dropped has no socket; PQgetResult says so.
  while (PQisBusy(connection_) != 0 && PQsocket(connection_) >= 0) {
    awaitReadable(PQsocket(connection_));
    // PQgetResult says what went wrong.
    if (PQconsumeInput(connection_) == 0) return true;
    if (received() > kMostReceived) return false;
  }
  return true;
}

std::size_t AnswerBound::received() {
  if (++reads_ <= kUncounted) return 0;
  const std::size_t taken = takenFrom(PQsocket(connection_));
  if (before_ == 0) before_ = taken;
  return taken - std::min(taken, before_);
}

std::size_t textBytes(const PGresult* result) {
  std::size_t bytes = 0;
  for (int column = 0; column < PQnfields(result); ++column) {
    if (std::ranges::find(kTexts, PQftype(result, column)) == kTexts.end()) continue;
    for (int row = 0; row < PQntuples(result); ++row) {
      bytes += static_cast<std::size_t>(PQgetlength(result, row, column));
    }
  }
  return bytes;
}

// Nearly always decided by the first.
bool isTooLarge(const PGresult* result) {
  return PQresultMemorySize(result) > kMaxPageBytes && textBytes(result) > kMaxPageBytes;
}

}  // namespace strata::postgres
