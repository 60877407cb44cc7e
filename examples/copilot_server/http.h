// Requests and responses, as handlers see them: without sockets, and without Beast.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "examples/copilot_server/read_right.h"
#include "strata/events/event_hub.h"

namespace copilot {

struct Request {
  std::string method;
  std::string target;  // as it was sent
  std::string path;    // of it, still percent-encoded; "": it cannot be read
  std::map<std::string, std::string> query;
  // Headers, as they were sent: what of them counts is IdentityCheck's to say.
  std::string tenant_id;       // X-Tenant-Id
  std::string user_id;         // X-User-Id
  std::string authorization;   // Authorization
  std::string gateway_secret;  // X-Gateway-Secret
  std::string forwarded_for;   // X-Forwarded-For, its last line
  // Of the other end of the connection, which may be a proxy's.
  std::string peer;
  std::string body;
  // Makes the connection look for events. Any thread may call it, at any time.
  std::function<void()> wake;
};

// Goes on after the headers until either side ends it.
struct EventStream {
  struct Text {
    std::string text;  // "": nothing for this reader
    bool is_last = false;
  };

  std::unique_ptr<strata::EventSubscription> events;
  // What is sent before any event.
  std::string first;
  // Must not block.
  std::function<Text(const strata::EventDelivery&)> render;
  // Without it nothing is sent; asked again after a gap, in which its end may have been missed.
  std::unique_ptr<ReadRight> right;
  // Rendered, and not sent while the right could not be renewed.
  Text pending = {};
};

struct Response {
  int status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::shared_ptr<EventStream> stream = nullptr;
};

// Without the spaces and tabs around it.
std::string_view trimmed(std::string_view text);
// None: a '%' is not followed by two hexadecimal digits.
std::optional<std::string> percentDecoded(std::string_view text, bool plus_is_space = false);
// Splits the target into path and query.
void parseTarget(Request& request);

}  // namespace copilot
