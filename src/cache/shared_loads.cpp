#include "src/cache/shared_loads.h"

#include "src/base/unshared_status.h"
#include "strata/store/page_bound.h"

namespace strata::internal {

SharedLoads::Seat SharedLoads::join(const std::string& key) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Party>& gathering = keys_[key].gathering;
  if (gathering != nullptr) return {gathering, false};
  gathering = std::shared_ptr<Party>(new Party(key));
  return {gathering, true};
}

SharedLoads::Told SharedLoads::await(Party& party, MonotonicTime until) {
  std::unique_lock lock(mutex_);
  while (party.stage_ < Party::Stage::kAnswered) {
    if (clock_.now() >= until) return Told::kTimeIsUp;
    clock_.wait(lock, party.changed_, until);
  }
  return party.stage_ == Party::Stage::kAnswered ? Told::kAnswer : Told::kLookAgain;
}

bool SharedLoads::begin(Party& party, MonotonicTime until) {
  std::unique_lock lock(mutex_);
  while (keys_[party.key_].is_loading) {
    if (clock_.now() >= until) return false;
    clock_.wait(lock, party.changed_, until);
  }
  Key& key = keys_[party.key_];
  key.is_loading = true;
  key.gathering = nullptr;
  party.stage_ = Party::Stage::kLoading;
  return true;
}

void SharedLoads::finish(Party& party, Answer answer) {
  // That is for the one who asked for so many; the others ask for themselves.
  if (isPageTooLarge(answer.status)) return dissolve(party);
  answer.status = unshared(answer.status);
  const std::lock_guard lock(mutex_);
  party.answer_ = std::move(answer);
  leave(party, Party::Stage::kAnswered);
}

void SharedLoads::dissolve(Party& party) {
  const std::lock_guard lock(mutex_);
  leave(party, Party::Stage::kDissolved);
}

void SharedLoads::leave(Party& party, Party::Stage stage) {
  const auto found = keys_.find(party.key_);
  Key& key = found->second;
  if (party.stage_ == Party::Stage::kLoading) {
    key.is_loading = false;
    if (key.gathering != nullptr) key.gathering->changed_.notify_all();
  } else {
    key.gathering = nullptr;
  }
  if (!key.is_loading && key.gathering == nullptr) keys_.erase(found);
  party.stage_ = stage;
  party.changed_.notify_all();
}

}  // namespace strata::internal
