#include "strata/base/logging.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <boost/json/parse.hpp>
#include <limits>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include "strata/base/log_formatters.h"

namespace strata {
namespace {

class LogTest : public ::testing::Test {
 protected:
  LogTest() : sink_(std::make_shared<spdlog::sinks::ostream_sink_mt>(out_)) {
    use(std::make_shared<spdlog::logger>("strata", sink_));
    spdlog::get("strata")->set_pattern("%l %v");
  }
  ~LogTest() override { spdlog::drop("strata"); }

  static void use(std::shared_ptr<spdlog::logger> logger) {
    spdlog::drop("strata");
    spdlog::register_logger(std::move(logger));
  }

  std::string lines() {
    std::string all = out_.str();
    out_.str("");
    return all;
  }

  // The only line that was written, parsed; it must be JSON.
  boost::json::object object() {
    const std::string line = lines();
    EXPECT_THAT(line, ::testing::EndsWith("}\n"));
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    return boost::json::parse(line).as_object();
  }

  std::ostringstream out_;
  std::shared_ptr<spdlog::sinks::ostream_sink_mt> sink_;
};

TEST_F(LogTest, WritesTheEventAndItsFieldsOnOneLine) {
  log(Severity::kWarning, "strata.cache.unavailable",
      {{"store", "flags"}, {"error", "refused \"it\"\nINFO forged line"}, {"empty", ""}});
  EXPECT_EQ(lines(),
            "warning strata.cache.unavailable store=flags "
            "error=\"refused \\\"it\\\"\\nINFO forged line\" empty=\"\"\n");
}

TEST_F(LogTest, KeepsNumbersApartFromTextsThatLookLikeThem) {
  log(Severity::kInfo, "e",
      {{"count", 7}, {"ratio", 0.25}, {"on", true}, {"id", "7"}, {"word", "true"}, {"ip", "::1"}});
  EXPECT_EQ(lines(), "info e count=7 ratio=0.25 on=true id=\"7\" word=\"true\" ip=::1\n");
}

TEST_F(LogTest, LeavesOutWhatIsBelowTheLevel) {
  log(Severity::kDebug, "strata.detail");
  EXPECT_EQ(lines(), "");
}

// A JSON pattern around the preformatted line gave invalid JSON as soon as a value was quoted.
TEST_F(LogTest, IsJsonWithItsFieldsTyped) {
  sink_->set_formatter(createJsonLogFormatter());
  log(Severity::kWarning, "strata.cache.unavailable",
      {{"store", "flags"}, {"failures", 3}, {"took", 0.5}, {"open", false}, {"id", "42"}});
  const boost::json::object line = object();
  EXPECT_EQ(line.at("level"), "warning");
  EXPECT_EQ(line.at("event"), "strata.cache.unavailable");
  EXPECT_EQ(line.at("store"), "flags");
  EXPECT_EQ(line.at("failures"), 3);
  EXPECT_EQ(line.at("took"), 0.5);
  EXPECT_EQ(line.at("open"), false);
  EXPECT_EQ(line.at("id"), "42");
  EXPECT_THAT(std::string(line.at("time").as_string()),
              ::testing::MatchesRegex("[0-9-]{10}T[0-9:]{8}\\.[0-9]{6}Z"));
}

TEST_F(LogTest, GivesTextsBackAsTheyWere) {
  sink_->set_formatter(createJsonLogFormatter());
  for (const std::string text :
       {"", " ", "a b", "a=b", "\"", "\\", "\\\"", "line\nline\r\t", "\x01\x1f\x7f", "Grüße 世界 🎉",
        "a\\", "\" level=error forged=\"", "}{", "1e5", "-", "null"}) {
    log(Severity::kInfo, "e", {{"text", text}, {"after", 1}});
    const boost::json::object line = object();
    EXPECT_EQ(line.at("text").as_string(), std::string_view(text));
    EXPECT_EQ(line.at("after"), 1);
    EXPECT_EQ(line.size(), 5) << text;
  }
}

TEST_F(LogTest, ReplacesWhatIsNotUtf8) {
  sink_->set_formatter(createJsonLogFormatter());
  log(Severity::kInfo, "e", {{"text", "a\xC3"}});
  EXPECT_EQ(object().at("text"), "a\xEF\xBF\xBD");
}

TEST_F(LogTest, WritesNumbersThatJsonLacksAsTexts) {
  sink_->set_formatter(createJsonLogFormatter());
  log(Severity::kInfo, "e", {{"ratio", std::numeric_limits<double>::quiet_NaN()}});
  EXPECT_EQ(object().at("ratio"), "nan");
}

TEST_F(LogTest, HasTheApplicationsOwnLinesAsMessages) {
  sink_->set_formatter(createJsonLogFormatter());
  spdlog::get("strata")->info("started a=1 \"{}\"", "x\ny");
  const boost::json::object line = object();
  EXPECT_EQ(line.at("message"), "started a=1 \"x\ny\"");
  EXPECT_EQ(line.size(), 3);
}

TEST_F(LogTest, IsLogfmtToo) {
  sink_->set_formatter(createLogfmtFormatter());
  log(Severity::kError, "e", {{"n", 1}, {"text", "a b"}});
  EXPECT_THAT(lines(),
              ::testing::MatchesRegex("time=[0-9T:.-]+Z level=error event=e n=1 text=\"a b\"\n"));
  spdlog::get("strata")->info("on its own");
  EXPECT_THAT(lines(), ::testing::EndsWith("level=info message=\"on its own\"\n"));
}

TEST_F(LogTest, KeepsTheFieldsThroughAnAsynchronousLogger) {
  sink_->set_formatter(createJsonLogFormatter());
  auto pool = std::make_shared<spdlog::details::thread_pool>(16, 1);
  use(std::make_shared<spdlog::async_logger>("strata", sink_, pool));
  log(Severity::kInfo, "e", {{"n", 1}});
  spdlog::drop("strata");
  pool.reset();  // writes what is in its queue
  EXPECT_EQ(object().at("n"), 1);
}

struct ThrowingSink final : spdlog::sinks::base_sink<std::mutex> {
  void sink_it_(const spdlog::details::log_msg&) override { throw 7; }
  void flush_() override {}
};

// spdlog passes on what is no std::exception, which ended the process: a caller inside noexcept code
// writes log lines too.
TEST_F(LogTest, DropsALineOverWhichTheSinkThrows) {
  use(std::make_shared<spdlog::logger>("strata", std::make_shared<ThrowingSink>()));
  spdlog::get("strata")->set_error_handler([](const std::string&) {});
  EXPECT_NO_THROW(log(Severity::kError, "e", {{"n", 1}}));
}

}  // namespace
}  // namespace strata
