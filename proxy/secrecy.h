// Keeps passwords where they belong: in this process.

#pragma once

#include <string>

namespace weir {

// To be called first, before secrets are read and threads started. Forbids core dumps and looks
// from other processes, and sets up the memory that protocol::Secret prefers. Returns what could
// not be had, for the log; empty: nothing.
std::string guard_secrets();

}  // namespace weir
