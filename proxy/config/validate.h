// What only shows when several keys are seen together: missing keys, duplicates, contradictions.

#pragma once

#include "proxy/config/config.h"
#include "proxy/config/field.h"
#include "proxy/config/node.h"

namespace weir::config {

// `config` is what read_config() made of `root`; the tree is asked only for lines and for presence.
void validate(const Node& root, const Config& config, Context& context);

}  // namespace weir::config
