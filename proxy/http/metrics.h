// weir in numbers, in Prometheus' text format. Pure.

#pragma once

#include <string>

#include "proxy/http/snapshot.h"

namespace weir::http {

inline constexpr char kMetricsType[] = "text/plain; version=0.0.4; charset=utf-8";

// What is not known is left out: a server's lag, and all that workers count when they have not
// answered.
std::string metrics_text(const Snapshot& snapshot);

}  // namespace weir::http
