// IP addresses: the networks that the service trusts, and what limits are counted by.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace copilot {

// A set of addresses and networks. Thread-safe after it was made.
class AddressSet {
 public:
  // "10.0.0.7, 192.168.0.0/16, 2001:db8::/32". InvalidArgument: one of them is none.
  static absl::StatusOr<AddressSet> parse(std::string_view text);

  bool empty() const { return networks_.empty(); }
  // False for what is no address. An IPv4 address in the form of IPv6 is the IPv4 address.
  bool contains(std::string_view address) const;

 private:
  struct Network {
    boost::asio::ip::address address;
    unsigned bits;
  };
  static absl::StatusOr<Network> parseOne(std::string_view text);

  std::vector<Network> networks_;
};

bool isLoopback(std::string_view address);

// The address in "192.0.2.7", "192.0.2.7:51123", "2001:db8::1" or "[2001:db8::1]:443", as proxies write it.
// None: there is none.
std::optional<std::string> addressOfHost(std::string_view text);

// What limits of an address are counted by: the address, and of IPv6 its first 64 bits, since one
// subscriber usually has all the addresses under them. What is no address counts as itself.
std::string limitKey(std::string_view address);

}  // namespace copilot
