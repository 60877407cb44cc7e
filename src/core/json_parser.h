#pragma once

#include <boost/json/storage_ptr.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string_view>

namespace strata::internal {

// `text` as a JSON value, with every number exact; none when it is not JSON.
//
// Boost.JSON 1.81's own parse() rounds: 29 % of random doubles came back changed in their last bits
// (1 000 000 written with std::to_chars and parsed). So its parser is driven by a handler of ours
// that reads doubles with std::from_chars.
std::optional<boost::json::value> parseJson(std::string_view text,
                                            boost::json::storage_ptr storage = {});

}  // namespace strata::internal
