// SET weir.NAME = 'value': what a session tells weir itself. No server has a variable of that name,
// so such a statement is answered here. Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/config/config.h"
#include "sql_classifier/classification.h"

namespace weir {

struct OwnSetting {
  std::string name;  // in lower case, without "weir."
  std::string value;
  bool well_formed = false;  // one name, one literal, nothing behind it
};

// Nothing when the text is not SET [SESSION] weir.NAME ...
std::optional<OwnSetting> read_own_setting(std::string_view text, const sql::TextOptions& options);

// "eventual", "session" and "global", in any case; nothing otherwise.
std::optional<Consistency> read_consistency(std::string_view text);
std::string_view consistency_name(Consistency consistency);
// The consistency that a hint asks for; nothing when it does not.
std::optional<Consistency> hinted_consistency(const sql::Classification& facts);

}  // namespace weir
