// Which sections and keys there are, and how each is read: one row per key in schema.cc.

#pragma once

#include <string>
#include <vector>

#include "proxy/config/config.h"
#include "proxy/config/field.h"
#include "proxy/config/node.h"

namespace weir::config {

// Reads the whole tree into `config`, except for what only shows when keys are seen together: that
// is the part of validate(). Each [[server]], [[user]] and [[rule]] of the tree becomes one entry,
// in order.
void read_config(const Node& root, Config& config, Context& context);

// A key and its value as text; those of sections that are repeated say which: "server.db1.weight".
struct ConfigValue {
  std::string key;
  std::string value;
};
// All of a configuration, in the order of the reference. Passwords are "***".
std::vector<ConfigValue> print_config(const Config& config);

// "monitor.interval", ... Those of later versions only where a value of theirs is accepted.
std::vector<std::string> schema_keys();

}  // namespace weir::config
