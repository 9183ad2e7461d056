// EXPLAIN ROUTE <sql>: where a statement would go and why, as a result set. Pure.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/result_set.h"
#include "proxy/core/router.h"
#include "proxy/core/topology.h"
#include "sql_classifier/classification.h"

namespace weir {

// What is behind EXPLAIN ROUTE, from its first byte that is no space; empty when the text is
// something else. Comments may stand in front. Points into the text.
std::string_view asked_statement(std::string_view text, const sql::TextOptions& options);

// `server`: which one would run it now, one of several perhaps; empty: none. `digest`: of the
// statement, as SHOW PINS writes it.
protocol::ResultSet route_table(const Route& route, std::string_view server,
                                std::string_view digest);

// The server for a session without a past; empty: none.
std::string_view server_for_stranger(const Route& route, const Topology& topology,
                                     const RoutingConfig& config);

}  // namespace weir
