#include "tests/adapters/upstash/rest_subscription.h"

#include <hiredis/hiredis.h>

#include <memory>

namespace strata::testing {
namespace {

// "message,CHANNEL,TEXT"
std::string joined(const redisReply& reply) {
  std::string text;
  for (std::size_t i = 0; i < reply.elements; ++i) {
    const redisReply& word = *reply.element[i];
    if (i > 0) text += ',';
    text += word.type == REDIS_REPLY_INTEGER ? std::to_string(word.integer)
                                             : std::string(word.str, word.len);
  }
  return text;
}

}  // namespace

RestSubscription::RestSubscription(const std::string& redis_socket,
                                   const std::vector<std::string>& command)
    : redis_(redisConnectUnix(redis_socket.c_str())) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  redisAppendCommandArgv(redis_, static_cast<int>(words.size()), words.data(), sizes.data());
  int is_done = 0;
  while (is_done == 0 && redisBufferWrite(redis_, &is_done) == REDIS_OK) {
  }
}

RestSubscription::~RestSubscription() { redisFree(redis_); }

int RestSubscription::file() const { return redis_->fd; }

std::optional<std::string> RestSubscription::read() {
  if (redisBufferRead(redis_) != REDIS_OK) return std::nullopt;
  std::string lines;
  while (true) {
    void* next = nullptr;
    if (redisReaderGetReply(redis_->reader, &next) != REDIS_OK) return std::nullopt;
    if (next == nullptr) return lines;
    const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(
        static_cast<redisReply*>(next), freeReplyObject);
    if (reply->type == REDIS_REPLY_ARRAY) lines += "data: " + joined(*reply) + "\n\n";
  }
}

}  // namespace strata::testing
