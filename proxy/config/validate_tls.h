// What only shows when the keys of TLS are seen together, and with the servers.

#pragma once

#include "proxy/config/field.h"

namespace weir::config {

void check_tls(const Node& root, const Config& config, Context& context);

}  // namespace weir::config
