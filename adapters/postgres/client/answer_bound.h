// AnswerBound: receives the answer to one statement without keeping more of it than a page may have.
#pragma once

#include <libpq-fe.h>

#include <cstddef>

#include "adapters/postgres/client/libpq_handles.h"

namespace strata::postgres {

// libpq keeps all rows of an answer until the last has come, however many bytes they are, and its
// ways to have them one by one cost every answer: a PGresult for each row takes longer than the
// query for fifty small ones. So the bytes that have come over the connection are counted, by the
// kernel, and only once an answer takes more than a few reads.
//
// Over a Unix socket, whose bytes the kernel does not count, an answer is refused when it has come.
class AnswerBound {
 public:
  // Of a statement that was sent.
  explicit AnswerBound(PGconn* connection) : connection_(connection) {}

  // Waits until PQgetResult does not block. False: more has come than a page has; the rest is still
  // to come, so the connection is of no use any more.
  bool await();

 private:
  // Since the count began.
  std::size_t received();

  PGconn* const connection_;
  int reads_ = 0;
  std::size_t before_ = 0;
};

// The bytes of the texts and JSON of the rows.
std::size_t textBytes(const PGresult* result);
// Whether the texts and JSON of the rows have more bytes than a page may have.
bool isTooLarge(const PGresult* result);

}  // namespace strata::postgres
