// What is asked of a server about its stored functions, and what the answers mean. Pure.

#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "proxy/core/routines.h"
#include "proxy/monitor/server_reply.h"

namespace weir {

// A server with more functions and packages than this is not followed.
inline constexpr std::size_t kMostRoutines = 20000;

// Asks for names and declarations, of at most one more than kMostRoutines.
std::string routine_list_query();
RoutineList decode_routine_list(const ServerReply& reply);

// Asks for the definitions, with a result for each. What information_schema calls the definition is
// not it: strings have lost their escapes there.
std::string definition_query(std::span<const StoredFunction* const> functions);
void decode_definition(const ResultSet& result, StoredFunction& function);

// "3 of 25 stored functions on db1 are known to only read", and what could be done about the rest.
std::string describe_routines(const Routines& routines, const RoutineList& list,
                              const std::string& server, bool mariadb);

}  // namespace weir
