#include "adapters/net/resolver.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/un.h>

#include <array>
#include <condition_variable>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "src/base/background_jobs.h"
#include "src/base/fork.h"
#include "src/base/starved_wait.h"
#include "src/base/unshared_status.h"
#include "strata/base/internal/user_calls.h"

namespace strata::internal {
namespace {

using Names = absl::StatusOr<std::vector<std::string>>;

// At once, of one Resolver: a service knows a handful of names.
constexpr std::size_t kMostLookups = 16;
// More are not tried: no service has as many addresses that are dead.
constexpr std::size_t kMostAddresses = 32;

struct FreeAddrinfo {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Found = std::unique_ptr<addrinfo, FreeAddrinfo>;

absl::StatusOr<Found> ask(const std::string& host, const char* port, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), port, &hints, &found)) {
    return absl::UnavailableError(fmt::format("cannot resolve the host: {}", gai_strerror(error)));
  }
  return Found(found);
}

Names findBySystem(const std::string& host) {
  const absl::StatusOr<Found> found = ask(host, nullptr, 0);
  if (!found.ok()) return found.status();
  std::vector<std::string> names;
  for (const addrinfo* at = found->get(); at != nullptr; at = at->ai_next) {
    std::array<char, NI_MAXHOST> name{};
    const int error = getnameinfo(at->ai_addr, at->ai_addrlen, name.data(), name.size(), nullptr, 0,
                                  NI_NUMERICHOST);
    if (error == 0) names.emplace_back(name.data());
  }
  return names;
}

// None: it is not numeric.
std::optional<SocketAddress> numeric(const std::string& host, std::uint16_t port) {
  const auto found = ask(host, std::to_string(port).c_str(), AI_NUMERICHOST | AI_NUMERICSERV);
  if (!found.ok() || (*found)->ai_addrlen > sizeof(sockaddr_storage)) return std::nullopt;
  SocketAddress address;
  std::memcpy(&address.storage, (*found)->ai_addr, (*found)->ai_addrlen);
  address.length = (*found)->ai_addrlen;
  return address;
}

// What is called is not ours.
Names callSafely(const HostResolver& find, const std::string& host) {
  Names names = callOut("cannot resolve the host: the resolver", [&] { return find(host); });
  if (names.ok()) return names;
  return restated(names.status(), absl::StatusCode::kUnavailable,
                  std::string(names.status().message()));
}

absl::StatusOr<std::vector<SocketAddress>> toAddresses(const Names& names, std::uint16_t port) {
  if (!names.ok()) return names.status();
  std::vector<SocketAddress> addresses;
  for (const std::string& name : *names) {
    const std::optional<SocketAddress> address = numeric(name, port);
    if (address && addresses.size() < kMostAddresses) addresses.push_back(*address);
  }
  if (addresses.empty()) return absl::UnavailableError("the host has no address");
  return addresses;
}

// Shared with the thread that does the lookup, which may outlive the resolver and every caller.
struct Lookup {
  const ProcessMark made_in;
  std::mutex mutex;
  std::condition_variable done;
  std::optional<Names> names ABSL_GUARDED_BY(mutex);

  void finish(Names found) {
    const std::lock_guard lock(mutex);
    names = std::move(found);
    done.notify_all();
  }
  Names await(IoTime until) {
    StarvedWaitScope* const scope = StarvedWaitScope::current();
    std::unique_lock lock(mutex);
    while (!names) {
      const IoTime end = scope == nullptr ? until : scope->endOf(until);
      const bool is_late = done.wait_until(lock, end) == std::cv_status::timeout;
      if (!is_late || names || (scope != nullptr && scope->repeats(end))) continue;
      return absl::DeadlineExceededError("the name of the host was not resolved in time");
    }
    if (names->ok()) return *names;
    return unshared(names->status());
  }
};

}  // namespace

class Resolver::Lookups : public std::enable_shared_from_this<Lookups> {
 public:
  explicit Lookups(HostResolver find) : find_(std::move(find)) {}

  absl::StatusOr<std::shared_ptr<Lookup>> join(const std::string& host) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<Lookup>& lookup = under_way_[host];
    // The thread of a lookup that began before a fork runs in the parent alone.
    if (lookup != nullptr && !lookup->made_in.isInherited()) return lookup;
    lookup = std::make_shared<Lookup>();
    const absl::Status started = jobs_.start(
        [self = shared_from_this(), lookup = lookup, host] { self->run(host, *lookup); });
    if (started.ok()) return lookup;
    under_way_.erase(host);
    return started;
  }

 private:
  void run(const std::string& host, Lookup& lookup) {
    Names names = callSafely(find_, host);
    {
      // Who asks from here on gets a newer answer.
      const std::lock_guard lock(mutex_);
      under_way_.erase(host);
    }
    lookup.finish(std::move(names));
  }

  const HostResolver find_;
  BackgroundJobs jobs_{kMostLookups};
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Lookup>> under_way_ ABSL_GUARDED_BY(mutex_);
};

Resolver::Resolver(HostResolver find)
    : lookups_(std::make_shared<Lookups>(find == nullptr ? findBySystem : std::move(find))) {}

absl::StatusOr<std::vector<SocketAddress>> Resolver::resolve(const std::string& host,
                                                             std::uint16_t port, IoTime until) {
  if (const auto address = numeric(host, port)) return std::vector{*address};
  const absl::StatusOr<std::shared_ptr<Lookup>> lookup = lookups_->join(host);
  if (!lookup.ok()) return lookup.status();
  return toAddresses((*lookup)->await(until), port);
}

Resolver& Resolver::system() {
  static auto* const resolver = new Resolver();
  return *resolver;
}

absl::StatusOr<SocketAddress> unixSocketAddress(const std::string& path) {
  sockaddr_un where{};
  if (path.size() >= sizeof where.sun_path) {
    return absl::InvalidArgumentError("the path of a Unix socket is too long");
  }
  where.sun_family = AF_UNIX;
  std::memcpy(where.sun_path, path.data(), path.size());
  SocketAddress address;
  std::memcpy(&address.storage, &where, sizeof where);
  address.length = sizeof where;
  return address;
}

}  // namespace strata::internal
