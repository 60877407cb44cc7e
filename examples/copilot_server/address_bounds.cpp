#include "examples/copilot_server/address_bounds.h"

namespace copilot {

std::unique_ptr<AddressBounds::Share> AddressBounds::take(const std::string& key,
                                                          std::size_t amount) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(key);
  const std::size_t held = found == held_.end() ? 0 : found->second;
  if (amount > most_ || held > most_ - amount) return nullptr;
  held_[key] = held + amount;
  return std::make_unique<Share>(*this, key, amount);
}

void AddressBounds::giveBack(const std::string& key, std::size_t amount) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(key);
  found->second -= amount;
  if (found->second == 0) held_.erase(found);
}

}  // namespace copilot
