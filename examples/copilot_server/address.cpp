#include "examples/copilot_server/address.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "examples/copilot_server/http.h"

namespace copilot {
namespace {

namespace ip = boost::asio::ip;

constexpr unsigned kBitsOfLimit = 64;

std::optional<ip::address> addressIn(std::string_view text) {
  boost::system::error_code error;
  const ip::address address = ip::make_address(std::string(text), error);
  if (error) return std::nullopt;
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return ip::make_address_v4(ip::v4_mapped, address.to_v6());
  }
  return address;
}

std::vector<std::uint8_t> bytesOf(const ip::address& address) {
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return {bytes.begin(), bytes.end()};
  }
  const auto bytes = address.to_v6().to_bytes();
  return {bytes.begin(), bytes.end()};
}

bool agree(const ip::address& one, const ip::address& other, unsigned bits) {
  const auto first = bytesOf(one);
  const auto second = bytesOf(other);
  if (first.size() != second.size()) return false;
  const std::size_t whole = bits / 8;
  if (!std::equal(first.begin(), first.begin() + static_cast<std::ptrdiff_t>(whole),
                  second.begin())) {
    return false;
  }
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xffU << (8 - bits % 8));
  return ((first[whole] ^ second[whole]) & mask) == 0;
}

}  // namespace

absl::StatusOr<AddressSet::Network> AddressSet::parseOne(std::string_view text) {
  const std::string_view address_text = text.substr(0, text.find('/'));
  const auto address = addressIn(address_text);
  if (!address) return absl::InvalidArgumentError("not an address or a network");
  const unsigned most = address->is_v4() ? 32 : 128;
  if (address_text.size() == text.size()) return Network{*address, most};
  const std::string_view bits_text = text.substr(address_text.size() + 1);
  unsigned bits = 0;
  const char* const end = bits_text.data() + bits_text.size();
  const auto [stopped, error] = std::from_chars(bits_text.data(), end, bits);
  if (error != std::errc() || stopped != end || bits > most) {
    return absl::InvalidArgumentError("not the length of a network's prefix");
  }
  return Network{*address, bits};
}

absl::StatusOr<AddressSet> AddressSet::parse(std::string_view text) {
  AddressSet set;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    auto network = parseOne(trimmed(part));
    if (!network.ok()) return network.status();
    set.networks_.push_back(*network);
  }
  return set;
}

bool AddressSet::contains(std::string_view address) const {
  const auto asked = addressIn(address);
  return asked && std::ranges::any_of(networks_, [&](const Network& network) {
           return agree(network.address, *asked, network.bits);
         });
}

bool isLoopback(std::string_view address) {
  const auto parsed = addressIn(address);
  return parsed && parsed->is_loopback();
}

std::optional<std::string> addressOfHost(std::string_view text) {
  if (text.starts_with('[')) {
    text = text.substr(1, text.find(']') - 1);
  } else if (std::ranges::count(text, ':') == 1) {
    text = text.substr(0, text.find(':'));
  }
  const auto address = addressIn(text);
  if (!address) return std::nullopt;
  return address->to_string();
}

std::string limitKey(std::string_view address) {
  const auto parsed = addressIn(address);
  if (!parsed) return std::string(address);
  if (parsed->is_v4()) return parsed->to_string();
  auto bytes = parsed->to_v6().to_bytes();
  std::fill(bytes.begin() + kBitsOfLimit / 8, bytes.end(), 0);
  return ip::make_address_v6(bytes).to_string() + "/" + std::to_string(kBitsOfLimit);
}

}  // namespace copilot
