#include "examples/copilot_server/http_head.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "examples/copilot_server/http.h"

namespace copilot {
namespace {

struct Field {
  std::string_view name;
  std::string_view value;
};

bool isControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t') || byte == 0x7f;
}

bool isTokenCharacter(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string_view takeLine(std::string_view& head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  head.remove_prefix(std::min(head.size(), line.size() + 2));
  return line;
}

bool isNamed(const Field& field, std::string_view name) {
  return absl::EqualsIgnoreCase({field.name.data(), field.name.size()}, {name.data(), name.size()});
}

std::vector<std::string_view> valuesOf(const std::vector<Field>& fields, std::string_view name) {
  std::vector<std::string_view> values;
  for (const Field& field : fields) {
    if (isNamed(field, name)) values.push_back(field.value);
  }
  return values;
}

// RFC 9112, 5.1 and 5.2: no white space before the colon, no line that continues the one before.
std::optional<HeadProblem> readFields(std::string_view head, std::vector<Field>& fields) {
  takeLine(head);  // the request line
  for (std::string_view line = takeLine(head); !line.empty(); line = takeLine(head)) {
    const std::string_view name = line.substr(0, line.find(':'));
    if (name.empty() || name.size() == line.size() ||
        !std::ranges::all_of(name, isTokenCharacter)) {
      return HeadProblem{400, "a header line is not a name, a colon and a value"};
    }
    fields.push_back({name, trimmed(line.substr(name.size() + 1))});
  }
  return std::nullopt;
}

std::optional<HeadProblem> repeatedIn(const std::vector<Field>& fields) {
  static constexpr std::array<std::string_view, 6> kOnce = {
      "Host", "Content-Length", "X-Tenant-Id", "X-User-Id", "Authorization", "X-Gateway-Secret"};
  for (const std::string_view name : kOnce) {
    if (valuesOf(fields, name).size() > 1) {
      return HeadProblem{400, "the header " + std::string(name) + " is there more than once"};
    }
  }
  return std::nullopt;
}

// RFC 9112, 3.2. An empty one is legal, and so is every character of a registered name.
std::optional<HeadProblem> problemOfHost(const std::vector<Field>& fields, bool is_required) {
  const auto hosts = valuesOf(fields, "Host");
  if (hosts.empty()) {
    return is_required ? std::optional(HeadProblem{400, "the header Host is missing"})
                       : std::nullopt;
  }
  const auto is_of_host = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-._~%!$&'()*+,;=:[]").find(c) != std::string_view::npos;
  };
  if (std::ranges::all_of(hosts.front(), is_of_host)) return std::nullopt;
  return HeadProblem{400, "the header Host is not a host"};
}

std::vector<std::string> codingsOf(const std::vector<std::string_view>& lines) {
  std::vector<std::string> codings;
  for (std::string_view line : lines) {
    while (true) {
      const std::string_view one = line.substr(0, line.find(','));
      const std::string_view coding = trimmed(one);
      codings.push_back(absl::AsciiStrToLower({coding.data(), coding.size()}));
      if (one.size() == line.size()) break;
      line.remove_prefix(one.size() + 1);
    }
  }
  return codings;
}

// RFC 9112, 6.1 and 6.3: without `chunked` at its end the length of a request cannot be known; what
// comes before it would have to be undone.
std::optional<HeadProblem> problemOfEncoding(const std::vector<std::string_view>& lines) {
  const std::vector<std::string> codings = codingsOf(lines);
  if (codings.back() != "chunked" || std::ranges::count(codings, "chunked") > 1) {
    return HeadProblem{400, "Transfer-Encoding does not end in one chunked"};
  }
  if (codings.size() > 1)
    return HeadProblem{501, "only chunked is understood as Transfer-Encoding"};
  return std::nullopt;
}

std::optional<HeadProblem> problemOfLength(const std::vector<Field>& fields) {
  const auto lengths = valuesOf(fields, "Content-Length");
  const auto encodings = valuesOf(fields, "Transfer-Encoding");
  if (!lengths.empty() && !encodings.empty()) {
    return HeadProblem{400, "both Content-Length and Transfer-Encoding say where the body ends"};
  }
  if (!encodings.empty()) return problemOfEncoding(encodings);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (lengths.empty() || (!lengths[0].empty() && std::ranges::all_of(lengths[0], is_digit))) {
    return std::nullopt;
  }
  return HeadProblem{400, "Content-Length is not a number"};
}

}  // namespace

HeadScan scanHead(std::string_view bytes, std::size_t from) {
  // Before the end is looked for, so that the answer does not depend on how much has arrived.
  if (bytes.starts_with("\r\n")) return {.is_broken = true};
  // A line end may have been cut.
  for (std::size_t i = from < 4 ? 0 : from - 4; i < bytes.size(); ++i) {
    const char c = bytes[i];
    const bool ends_line = c == '\n' && i > 0 && bytes[i - 1] == '\r';
    const bool begins_end = c == '\r' && (i + 1 == bytes.size() || bytes[i + 1] == '\n');
    if (isControl(c) && !ends_line && !begins_end) return {.is_broken = true};
    if (ends_line && i >= 3 && bytes.substr(i - 3, 4) == "\r\n\r\n") return {.length = i + 1};
  }
  return {};
}

std::optional<HeadProblem> problemOf(std::string_view head) {
  const std::string_view request_line = head.substr(0, head.find("\r\n"));
  const bool is_http_1_0 = request_line.ends_with("HTTP/1.0");
  std::vector<Field> fields;
  auto problem = readFields(head, fields);
  if (!problem) problem = repeatedIn(fields);
  if (!problem) problem = problemOfHost(fields, !is_http_1_0);
  if (!problem) problem = problemOfLength(fields);
  return problem;
}

bool isCleanChunkExtension(std::string_view extension) {
  return std::ranges::none_of(extension, isControl);
}

}  // namespace copilot
