// Whatever somebody calls JSON: as a Json of its own, and as a field of a record.
#include <cstdlib>
#include <string>

#include "fuzz/fuzz_target.h"
#include "strata/records/json.h"
#include "strata/records/json_codec.h"

namespace strata {
namespace json_fuzz {

struct Record {
  Json json;
  std::string after;
};
BOOST_DESCRIBE_STRUCT(Record, (), (json, after))

void expect(bool holds) {
  if (!holds) std::abort();
}

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

std::span<const std::string_view> fuzzCorpus() {
  static constexpr std::string_view kCorpus[] = {
      R"({"b":[1,2.5,{"a":null}],"a":"text","b":{"z":true,"y":false}})",
      R"({"":{"":{"":[[[[]]]]}},"a":"\u00e9\ud83c\udf89\n\"\\","\u0061":"\u0000"})",
      "[0,-0,-0.0,1E2,1.0,100e-2,0.1,5e-324,1e300,1.7976931348623157e308,1e309,1e-400]",
      "[9223372036854775807,-9223372036854775808,18446744073709551615,18446744073709551616]",
      "[9007199254740993e0,1.8446744073709551615e19,123456789012345678901234567890.5]",
      "10000000000000000000000000000000000000000000000000000000000000000000000000000000000000000",
      "{\"世界\":\"Grüße\",\"b\":1,\"aa\":2,\"a\\\"\":3,\"a!\":4}",
      " true ",
      "null",
      "\"\\u0062\\/\"",
  };
  return kCorpus;
}
