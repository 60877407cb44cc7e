#include "src/base/randomness.h"

#include <pthread.h>
#include <sys/random.h>

#include <atomic>
#include <cstring>
#include <random>
#include <stdexcept>

#include "src/base/mutants.h"

namespace strata {
namespace {

std::uint64_t systemRandom() {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number) {
    // Without it two processes could take each other's leases; there is no safe way on.
    throw std::runtime_error("strata: the system gives no random numbers");
  }
  return number;
}

// What makes a nonce unique: a random number for the process and a counter in it. A forked child
// must not go on with its parent's, so it draws a number of its own.
class Nonces {
 public:
  Nonces() : process_(systemRandom()) {
    pthread_atfork(nullptr, nullptr, [] { instance().process_ = systemRandom(); });
  }
  static Nonces& instance() {
    static Nonces nonces;
    return nonces;
  }
  void begin(std::uint64_t process) {
    process_ = process;
    counter_ = 0;
  }
  Nonce next() {
    const std::uint64_t process = process_.load(std::memory_order_relaxed);
    const std::uint64_t count = internal::isAlive(internal::Mutant::kTokenPerProcess)
                                    ? 0
                                    : counter_.fetch_add(1, std::memory_order_relaxed);
    Nonce nonce;
    std::memcpy(nonce.data(), &process, sizeof process);
    std::memcpy(nonce.data() + sizeof process, &count, sizeof count);
    return nonce;
  }
  bool made(const Nonce& nonce) const {
    const std::uint64_t process = process_.load(std::memory_order_relaxed);
    return std::memcmp(nonce.data(), &process, sizeof process) == 0;
  }

 private:
  std::atomic<std::uint64_t> process_;
  std::atomic<std::uint64_t> counter_{0};
};

std::mt19937_64* fixed_source = nullptr;

}  // namespace

Nonce makeNonce() { return Nonces::instance().next(); }

namespace internal {

std::uint64_t randomSeed() { return fixed_source == nullptr ? systemRandom() : (*fixed_source)(); }

bool isOwn(const Nonce& nonce) { return Nonces::instance().made(nonce); }

void fixRandomness(std::uint64_t seed) {
  static std::mt19937_64 source;
  source.seed(seed);
  fixed_source = &source;
  Nonces::instance().begin(source());
}

}  // namespace internal
}  // namespace strata
