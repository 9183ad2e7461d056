#include "proxy/log_format.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace weir {
namespace {

std::string as_text(std::string_view message) {
  std::string out;
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

// In quotes; bytes that are no UTF-8 are replaced.
std::string as_json(std::string_view message) {
  return nlohmann::json(std::string(message))
      .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// The flag %* of a pattern: the message by one of the functions above.
class Message : public spdlog::custom_flag_formatter {
 public:
  using Writer = std::string (*)(std::string_view);

  explicit Message(Writer writer) : writer_(writer) {}
  void format(const spdlog::details::log_msg& line, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text = writer_({line.payload.data(), line.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<Message>(writer_);
  }

 private:
  Writer writer_;
};

}  // namespace

std::unique_ptr<spdlog::formatter> log_formatter(LogFormat format) {
  const bool json = format == LogFormat::json;
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<Message>('*', json ? as_json : as_text)
      .set_pattern(json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":%*})"
                        : "%Y-%m-%d %H:%M:%S.%e %l: %*");
  return formatter;
}

}  // namespace weir
