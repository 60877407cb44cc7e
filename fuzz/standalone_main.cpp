// Runs a fuzz target without libFuzzer: the files named on the command line, or those of a folder and
// then random mutations of them for a time. It does not follow coverage: `./dev fuzz` does.
//
//   redis_reply_fuzz [--milliseconds=1000] [--seed=1] FOLDER
//   redis_reply_fuzz FILE…
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "fuzz/fuzz_target.h"

namespace {

using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t end) {
  return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

std::string_view anyOf(Random& random, const std::vector<std::string>& texts) {
  return texts[below(random, texts.size())];
}

char anyByte(Random& random) {
  static constexpr std::string_view kTelling = "*$:+-\r\n0123456789 {}";
  return below(random, 2) == 0 ? kTelling[below(random, kTelling.size())]
                               : static_cast<char>(below(random, 256));
}

// Part of another, to be put somewhere else.
std::string_view anyPart(Random& random, std::string_view text) {
  const std::size_t from = below(random, text.size() + 1);
  return text.substr(from, below(random, text.size() - from + 1));
}

void mutate(Random& random, std::string& bytes, const std::vector<std::string>& pool) {
  const std::size_t at = below(random, bytes.size() + 1);
  switch (below(random, 6)) {
    case 0:
      bytes.insert(at, 1, anyByte(random));
      break;
    case 1:
      bytes.erase(at, 1 + below(random, 8));
      break;
    case 2:
      if (at < bytes.size()) bytes[at] = anyByte(random);
      break;
    case 3:
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(random, 8)));
      break;
    case 4:
      bytes.insert(at, anyPart(random, anyOf(random, pool)));
      break;
    default:
      bytes.replace(at, below(random, 16), anyPart(random, anyOf(random, pool)));
  }
}

void run(const std::string& bytes) {
  // A copy of its own, so that a sanitizer sees who reads past the end.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

std::string contentOf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    std::exit(2);
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> readCorpus(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());  // the same seed gives the same inputs everywhere
  std::vector<std::string> corpus;
  for (const auto& file : files) corpus.push_back(contentOf(file));
  if (corpus.empty()) {
    std::fprintf(stderr, "nothing in %s\n", folder.c_str());
    std::exit(2);
  }
  return corpus;
}

void runRandomly(const std::vector<std::string>& pool, std::chrono::milliseconds duration,
                 std::uint64_t seed) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  for (const std::string& each : pool) run(each);
  Random random(seed);
  const auto end = std::chrono::steady_clock::now() + duration;
  std::size_t executions = 0;
  while (std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 100; ++i, ++executions) {
      std::string bytes(anyOf(random, pool));
      for (std::size_t n = 1 + below(random, 12); n > 0; --n) mutate(random, bytes, pool);
      bytes.resize(std::min<std::size_t>(bytes.size(), 4096));
      run(bytes);
    }
  }
  std::printf("%zu executions\n", executions);
}

// The number after `name` in "--seed=3".
bool option(std::string_view argument, std::string_view name, std::uint64_t& number) {
  if (!argument.starts_with(name)) return false;
  const char* const end = argument.data() + argument.size();
  const auto [stopped, error] = std::from_chars(argument.data() + name.size(), end, number);
  if (error == std::errc() && stopped == end) return true;
  std::fprintf(stderr, "no number: %.*s\n", static_cast<int>(argument.size()), argument.data());
  std::exit(2);
}

}  // namespace

int main(int count, char** arguments) {
  std::uint64_t milliseconds = 1000;
  std::uint64_t seed = std::random_device{}();
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (option(argument, "--milliseconds=", milliseconds) || option(argument, "--seed=", seed)) {
      continue;
    }
    if (std::filesystem::is_directory(argument)) {
      runRandomly(readCorpus(argument), std::chrono::milliseconds(milliseconds), seed);
    } else {
      run(contentOf(argument));
    }
  }
  return 0;
}
