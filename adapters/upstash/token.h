#pragma once

#include <mutex>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "adapters/upstash/url.h"
#include "src/base/secret_source.h"
#include "strata/base/secret.h"

namespace strata::internal {

// The bearer token, which is kept until the server refuses it. Thread-safe; the source is called
// without a lock.
class UpstashToken {
 public:
  // `source` may be null: then the token stays what it is.
  UpstashToken(Secret token, SecretSource source)
      : source_(std::move(source)), token_(source_ == nullptr ? std::move(token) : Secret()) {}

  // Errors: those of the source.
  absl::StatusOr<Secret> current() {
    {
      const std::lock_guard lock(mutex_);
      if (source_ == nullptr || !token_.empty()) return token_;
    }
    return ask();
  }

  // One that has taken the place of `refused`, if there is any.
  std::optional<Secret> newerThan(const Secret& refused) {
    if (source_ == nullptr) return std::nullopt;
    const absl::StatusOr<Secret> asked = ask();
    return asked.ok() && *asked != refused ? std::optional(*asked) : std::nullopt;
  }

 private:
  absl::StatusOr<Secret> ask() {
    absl::StatusOr<Secret> asked = askForSecret(source_);
    if (!asked.ok()) return asked;
    if (absl::Status fits = checkUpstashToken(*asked); !fits.ok()) return fits;
    const std::lock_guard lock(mutex_);
    token_ = *asked;
    return asked;
  }

  const SecretSource source_;
  std::mutex mutex_;
  Secret token_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::internal
