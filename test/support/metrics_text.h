// Prometheus' text format, read strictly: what a scrape would stumble over is an exception here.

#pragma once

#include <map>
#include <string>
#include <string_view>

namespace weir::test {

// Samples by name and labels, as they are written: "weir_server_up{server=\"db1\"}".
using Samples = std::map<std::string, double>;

// Throws std::runtime_error with the line at fault. Besides the grammar it wants of every metric a
// HELP and a TYPE in front of its samples, all of them together, no sample twice, and of counters,
// and only of them, a name that ends with "_total".
Samples parse_metrics(std::string_view text);

}  // namespace weir::test
