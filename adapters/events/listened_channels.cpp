#include "adapters/events/listened_channels.h"

#include <fmt/format.h>

#include <utility>

namespace strata::internal {

ListenedChannels::ListenedChannels(const std::set<std::string>& wanted) {
  for (const std::string& channel : wanted) want(channel);
}

bool ListenedChannels::want(const std::string& channel) {
  const std::lock_guard lock(mutex_);
  channels_[channel].is_wanted = true;
  return changed_.insert(channel).second;
}

bool ListenedChannels::unwant(const std::string& channel) {
  const std::lock_guard lock(mutex_);
  const auto known = channels_.find(channel);
  if (known == channels_.end()) return false;
  known->second.is_wanted = false;
  if (!known->second.isForgettable()) return changed_.insert(channel).second;
  channels_.erase(known);
  changed_.erase(channel);
  return false;
}

absl::Status ListenedChannels::await(const std::string& channel, Deadline deadline,
                                     const Clock& clock) const {
  std::unique_lock lock(mutex_);
  while (true) {
    if (!is_connected_) return absl::UnavailableError(why_lost_);
    const auto known = channels_.find(channel);
    if (known == channels_.end() || !known->second.is_wanted) {
      return absl::UnavailableError("the channel is not subscribed to");
    }
    if (known->second.is_told && known->second.unconfirmed == 0) return absl::OkStatus();
    if (deadline.hasPassed(clock)) {
      return absl::DeadlineExceededError("the subscription is not confirmed yet");
    }
    clock.wait(lock, confirmed_, deadline.time());
  }
}

bool ListenedChannels::wants(std::string_view channel) const {
  const std::lock_guard lock(mutex_);
  const auto known = channels_.find(channel);
  return known != channels_.end() && known->second.is_wanted;
}

std::size_t ListenedChannels::size() const {
  const std::lock_guard lock(mutex_);
  return channels_.size();
}

void ListenedChannels::connected() {
  const std::lock_guard lock(mutex_);
  is_connected_ = true;
}

void ListenedChannels::lost(const absl::Status& why) {
  const std::lock_guard lock(mutex_);
  why_lost_ = fmt::format("the connection is lost: {}", std::string(why.message()));
  is_connected_ = false;
  unconfirmed_ = 0;
  changed_.clear();
  for (auto known = channels_.begin(); known != channels_.end();) {
    known->second.is_told = false;
    known->second.unconfirmed = 0;
    if (known->second.isForgettable()) {
      known = channels_.erase(known);
    } else {
      changed_.insert((known++)->first);
    }
  }
  confirmed_.notify_all();
}

ListenedChannels::Changes ListenedChannels::takeChanges() {
  Changes changes;
  const std::lock_guard lock(mutex_);
  for (const std::string& name : std::exchange(changed_, {})) {
    const auto known = channels_.find(name);
    if (known == channels_.end()) continue;
    Channel& channel = known->second;
    if (channel.is_wanted && !channel.is_told) {
      ++channel.unconfirmed;
      ++unconfirmed_;
      changes.listen.push_back(name);
    } else if (!channel.is_wanted && channel.is_told) {
      changes.unlisten.push_back(name);
    }
    channel.is_told = channel.is_wanted;
    if (channel.isForgettable()) channels_.erase(known);
  }
  return changes;
}

void ListenedChannels::confirm(const std::string& channel) {
  const std::lock_guard lock(mutex_);
  const auto known = channels_.find(channel);
  if (known == channels_.end() || known->second.unconfirmed == 0) return;
  --known->second.unconfirmed;
  --unconfirmed_;
  if (known->second.unconfirmed > 0) return;
  if (known->second.isForgettable()) channels_.erase(known);
  confirmed_.notify_all();
}

bool ListenedChannels::allAreConfirmed() const {
  const std::lock_guard lock(mutex_);
  return unconfirmed_ == 0;
}

}  // namespace strata::internal
