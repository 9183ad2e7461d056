#include "proxy/config/pattern.h"

#include <re2/re2.h>

#include <cstdint>

namespace weir {
namespace {

// For what an expression compiles to and the states that it has met. One that needs more is
// refused; one that meets more states begins to collect them anew.
constexpr std::int64_t kMaxMemory = 1 << 20;

RE2::Options options() {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);
  options.set_log_errors(false);
  options.set_never_capture(true);
  options.set_dot_nl(true);
  options.set_max_mem(kMaxMemory);
  return options;
}

}  // namespace

Pattern::Pattern(const std::string& expression)
    : expression_(std::make_unique<RE2>(expression, options())) {}
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;
Pattern::~Pattern() = default;

std::string Pattern::why() const {
  return expression_->ok() ? "" : expression_->error();
}

bool Pattern::matches(std::string_view text) const {
  return expression_->ok() && expression_->Match({text.data(), text.size()}, 0, text.size(),
                                                 RE2::UNANCHORED, nullptr, 0);
}

}  // namespace weir
