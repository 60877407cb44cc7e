// Bytes as text. Requests are JSON, whose strings are Unicode, while keys and cells are any bytes.
// docs/decisions/0009-upstash-cells-as-text.md says why these two forms.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace strata::internal {

// Each byte becomes the code point of the same number (as if it were Latin-1), in UTF-8: ASCII
// stays as it is. A prefix of the bytes becomes a prefix of the text, and nothing else does.
std::string textOfBytes(std::string_view bytes);

// What textOfBytes made `text` of. Any other text was stored by another program and is returned as
// it is: whoever reads cells recognises that it is none.
std::string bytesOfText(std::string text);

// A key under which other clients of the database find it too: UTF-8 stays as it is. Anything else
// becomes "%bytes:" and its textOfBytes, and so does what begins like that. No two keys have the
// same text.
std::string textOfKey(std::string_view key);

// The key that textOfKey made `text` of.
std::string keyOfText(std::string text);
// The two texts that the text of a key begins with, if the key begins with `prefix`: that of a key
// which is text, and that of any other. Where `prefix` ends within a character of UTF-8, the first
// stands for more keys than those.
struct UpstashKeyPrefixes {
  std::string of_text;
  std::string of_bytes;
};
UpstashKeyPrefixes textsOfKeyPrefix(std::string_view prefix);

// None: it is not base64 with padding (RFC 4648).
std::optional<std::string> base64Decoded(std::string_view text);

}  // namespace strata::internal
