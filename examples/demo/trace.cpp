#include "examples/demo/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fstream>
#include <optional>

#include "strata/base/hash.h"
#include "strata/memory/in_memory_store.h"
#include "strata/records/json_codec.h"
#include "strata/stores/policy/policy_store.h"

namespace strata::demo {
namespace {

// The fields of one line of CSV; a quoted field may hold commas and doubled quotes.
std::vector<std::string> splitCsv(std::string_view line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

std::string upperCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// A line without the carriage return of a file from Windows.
bool readLine(std::istream& in, std::string& line) {
  if (!std::getline(in, line)) return false;
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return true;
}

std::optional<std::size_t> timestampColumn(std::string header) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (header.starts_with(kByteOrderMark)) header.erase(0, kByteOrderMark.size());
  const std::vector<std::string> names = splitCsv(header);
  const auto found = std::find_if(names.begin(), names.end(), [](const std::string& name) {
    return upperCase(name) == "TIMESTAMP";
  });
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

std::optional<Timestamp> parseTime(const std::string& text) {
  const auto time = parseTimestamp(text);
  return time ? time : parseTimestamp(text + "Z");
}

absl::StatusOr<std::ifstream> open(const std::string& path) {
  std::ifstream file(path);
  // A folder opens, but cannot be read.
  if (!file || (file.peek() == std::ifstream::traits_type::eof() && file.bad())) {
    return absl::NotFoundError(fmt::format("cannot read {}", path));
  }
  return file;
}

}  // namespace

absl::StatusOr<std::vector<Request>> readTrace(const std::string& path, const OnBadLine& on_bad) {
  auto file = open(path);
  if (!file.ok()) return file.status();
  std::string line;
  const auto column = readLine(*file, line) ? timestampColumn(line) : std::nullopt;
  if (!column) {
    return absl::InvalidArgumentError(fmt::format("{} has no column TIMESTAMP", path));
  }
  std::vector<Request> requests;
  for (std::size_t number = 2; readLine(*file, line); ++number) {
    if (line.empty()) continue;
    const std::vector<std::string> fields = splitCsv(line);
    if (fields.size() <= *column) {
      on_bad(number, "it has no TIMESTAMP");
    } else if (const auto time = parseTime(fields[*column])) {
      requests.push_back({*time, stableHash(fields[*column])});
    } else {
      on_bad(number, "TIMESTAMP is not a time");
    }
  }
  return requests;
}

absl::StatusOr<std::vector<TenantLlmPolicy>> readPolicies(const std::string& path,
                                                          const OnBadLine& on_bad) {
  auto file = open(path);
  if (!file.ok()) return file.status();
  // A store in memory knows what a policy must be.
  auto accepted = InMemoryStore<TenantLlmPolicy>::create(std::make_shared<InMemoryDatabase>());
  if (!accepted.ok()) return accepted.status();
  const auto checker = makePolicyStore(*std::move(accepted));
  std::vector<TenantLlmPolicy> policies;
  std::string line;
  for (std::size_t number = 1; readLine(*file, line); ++number) {
    if (line.empty()) continue;
    const auto policy = decodeJson<TenantLlmPolicy>(line);
    const auto stored = policy.ok() ? checker->setPolicy(*policy).status() : policy.status();
    if (!stored.ok()) {
      on_bad(number, std::string(stored.message()));
      continue;
    }
    policies.push_back(*checker->getPolicy(policy->tenant_id).value());
  }
  return policies;
}

std::size_t tenantOf(const Request& request, std::size_t count) {
  const double u = std::ldexp(static_cast<double>(request.draw), -64);
  const auto index = static_cast<std::size_t>(static_cast<double>(count) * u * u * u);
  return std::min(index, count - 1);
}

}  // namespace strata::demo
