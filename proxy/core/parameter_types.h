// What MySQL takes the parameters of a prepared statement for. Its first execute settles it, and
// later ones settle it anew when their types do not fit. NULL and texts always fit, and a text is
// converted: "ten" becomes 0 where a number was before. So what an execute means depends on those
// before it, which on a shared connection are also those of other sessions. MariaDB takes each
// execute as it comes. MySQL documentation: "PREPARE Statement". Pure.
//
// Types are two bytes for each parameter, as in the protocol; the second one has the sign.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/byte_reader.h"
#include "protocol/capabilities.h"

namespace weir {

// `types` are those of an execute, as ExecuteLayout has them: where the connection has query
// attributes, a name follows each.
std::string bare_types(std::string_view types, std::uint16_t parameters,
                       protocol::Capabilities capabilities);

// The types of an execute: `types` are the bare ones that it has or refers to, and a bit in `nulls`
// makes that of a parameter NULL. Keeps the memory of `out`.
void fill_execute_types(std::string& out, std::string_view types, protocol::Bytes nulls);

// Counts an execute in: `taken_for` is what the parameters are taken for, empty before the first
// execute, and `types` comes from fill_execute_types(). A second time changes nothing.
void take_types(std::string& taken_for, std::string_view types);

// Whether an execute with these types is the same to a server that takes the parameters for
// `server` as to the one that the client knows, for which it has been counted in already. The
// columns of rows also show what a NULL is taken for.
bool same_for_types(std::string_view server, std::string_view client, std::string_view types,
                    bool has_rows);

}  // namespace weir
