// ReadRight: whether the reader of a stream may still read, without asking the store for each message.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"

namespace copilot {

struct ReadRightOptions {
  // How old an answer may be for something to be sent.
  absl::Duration every = absl::Seconds(5);
  // How long the store may not be asked until the stream ends.
  absl::Duration patience = absl::Seconds(30);
  // Between attempts while it cannot.
  absl::Duration retry = absl::Seconds(1);
  // Until the right ends by itself, as that of a token does. Nothing is sent later.
  absl::Duration life = absl::InfiniteDuration();
};

// Begins with the right granted. For one thread at a time; `clock` must outlive it.
class ReadRight {
 public:
  // Ok: the reader may read. NotFound, PermissionDenied, Unauthenticated: not any more. Everything
  // else, errors of the store's server among it: it could not be asked. May block.
  using Check = std::function<absl::Status()>;

  ReadRight(Check check, const strata::Clock& clock, ReadRightOptions options = {});

  // Whether something may be sent.
  bool isFresh() const;
  bool hasEnded() const { return ended_; }
  // Until `renew` is of use; zero: now.
  absl::Duration untilDue() const;
  // Forgets the last answer, after a gap in which its end may have been missed.
  void expire();
  // Asks. May block.
  void renew();

 private:
  const Check check_;
  const strata::Clock& clock_;
  const ReadRightOptions options_;
  strata::MonotonicTime granted_;  // when the question was asked that was last answered with yes
  strata::MonotonicTime due_;
  strata::MonotonicTime expires_;
  bool fresh_ = true;
  bool ended_ = false;
};

}  // namespace copilot
