// What only shows when the keys of rules are seen together.

#pragma once

#include "proxy/config/field.h"

namespace weir::config {

void check_rules(const Node& root, const Config& config, Context& context);

}  // namespace weir::config
