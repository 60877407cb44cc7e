#include "tests/chaos/record.h"

#include <fmt/format.h>

#include <charconv>
#include <cstddef>

namespace strata::chaos {
namespace {

// SplitMix64: the next of a sequence of well-mixed numbers.
std::uint64_t next(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

std::string fillerOf(std::uint32_t key, std::uint64_t number) {
  std::uint64_t state = (std::uint64_t{key} << 32) ^ number;
  const std::uint64_t shape = next(state);
  const std::size_t length = shape % 16 == 0 ? 2000 + shape % 3000 : 16 + shape % 200;
  std::string filler;
  filler.reserve(length + 16);
  while (filler.size() < length) filler += fmt::format("{:016x}", next(state));
  return filler;
}

}  // namespace

std::string idOfKey(std::uint32_t key) { return fmt::format("k{:05}", key); }

std::optional<std::uint32_t> keyOfId(std::string_view id) {
  if (id.empty() || id.front() != 'k') return std::nullopt;
  std::uint32_t key = 0;
  const char* const end = id.data() + id.size();
  const auto [at, error] = std::from_chars(id.data() + 1, end, key);
  if (error != std::errc() || at != end) return std::nullopt;
  return key;
}

ChaosRecord makeRecord(std::uint32_t key, std::uint64_t number) {
  return {.id = idOfKey(key),
          .number = static_cast<std::int64_t>(number),
          .filler = fillerOf(key, number)};
}

bool isIntact(const ChaosRecord& record, std::uint32_t key) {
  return record.id == idOfKey(key) &&
         record.filler == fillerOf(key, static_cast<std::uint64_t>(record.number));
}

}  // namespace strata::chaos
