// Whatever somebody calls JSON: as a Json of its own, and as a field of a record.
#include <string>

#include "fuzz/fuzz_target.h"
#include "strata/records/json.h"
#include "strata/records/json_codec.h"

namespace strata {
namespace json_fuzz {

using fuzz::expect;

struct Record {
  Json json;
  std::string after;
};
BOOST_DESCRIBE_STRUCT(Record, (), (json, after))

void tryOut(std::string_view text) {
  const absl::StatusOr<Json> json = Json::parse(text);
  const auto record = decodeJson<Record>(R"({"json":)" + std::string(text) + R"(,"after":"text"})");
  if (!json.ok()) return;
  const absl::StatusOr<Json> again = Json::parse(json->text());
  expect(again.ok() && *again == *json && again->text() == json->text());
  expect(record.ok() && record->json == *json && record->after == "text");
  const Json nested = Json::parse("[" + json->text() + "]").value_or(Json());
  expect(nested == Json() || nested.text() == "[" + json->text() + "]");
}

}  // namespace json_fuzz
}  // namespace strata

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::json_fuzz::tryOut({reinterpret_cast<const char*>(data), size});
  return 0;
}
