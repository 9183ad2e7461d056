// Regular expressions over text from clients: RE2, because the time that it takes grows with the
// text and not with what somebody has put into it. Appears in pattern.cc only.

#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace weir {

// Bytes are letters: texts come in many character sets, and what is no UTF-8 must match, too. A dot
// is any byte. May be used by several threads, which then share a lock: better each has its own.
class Pattern {
 public:
  explicit Pattern(const std::string& expression);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  // What is wrong with the expression; empty: nothing. One that is wrong matches nothing.
  std::string why() const;
  // Somewhere in the text.
  bool matches(std::string_view text) const;

 private:
  std::unique_ptr<re2::RE2> expression_;
};

}  // namespace weir
