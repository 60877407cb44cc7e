#include "examples/copilot_server/errors.h"

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <string>

#include "strata/base/backend_error.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/store/page_bound.h"

namespace copilot {
namespace {

struct Meaning {
  int status;
  const char* code;
};

Meaning meaningOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return {400, "invalid_argument"};
    case absl::StatusCode::kUnauthenticated:
      return {401, "unauthenticated"};
    case absl::StatusCode::kPermissionDenied:
      return {403, "permission_denied"};
    case absl::StatusCode::kNotFound:
      return {404, "not_found"};
    case absl::StatusCode::kAlreadyExists:
      return {409, "already_exists"};
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAborted:
      return {409, "conflict"};
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kResourceExhausted:
      return {503, "unavailable"};
    case absl::StatusCode::kDeadlineExceeded:
      return {504, "timeout"};
    default:
      return {500, "internal"};
  }
}

// A server's complaint is this service's fault, whatever its code: no other request would do better.
// It does say which of two writers was first.
Meaning meaningOf(const absl::Status& status) {
  // It does not pass: the client asks for fewer.
  if (strata::isPageTooLarge(status)) return {400, "page_too_large"};
  if (!strata::isBackendError(status)) return meaningOf(status.code());
  if (absl::IsAborted(status)) return meaningOf(absl::StatusCode::kUnavailable);
  const Meaning meaning = meaningOf(status.code());
  return meaning.status >= 500 || absl::IsAlreadyExists(status)
             ? meaning
             : meaningOf(absl::StatusCode::kInternal);
}

}  // namespace

int httpStatus(absl::StatusCode code) { return meaningOf(code).status; }

absl::Status ours(const absl::Status& status) {
  if (httpStatus(status.code()) >= 500) return status;
  return absl::InternalError(strata::describe(status));
}

Response errorResponse(int status, std::string_view code, std::string_view message) {
  const boost::json::value body = {
      {"error", {{"code", boost::json::string(code)}, {"message", boost::json::string(message)}}}};
  return {.status = status, .body = boost::json::serialize(body)};
}

Response errorResponse(const absl::Status& status) {
  const Meaning meaning = meaningOf(status);
  if (meaning.status < 500) {
    if (strata::isBackendError(status))
      return errorResponse(409, meaning.code, "it is there already");
    return errorResponse(meaning.status, meaning.code, std::string(status.message()));
  }
  strata::log(strata::Severity::kWarning, "copilot_server.failed",
              {{"status", meaning.status}, {"why", strata::describe(status)}});
  Response response =
      errorResponse(meaning.status, meaning.code,
                    meaning.status == 500 ? "something is wrong here" : "try again in a moment");
  if (meaning.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace copilot
