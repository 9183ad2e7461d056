// A server's process list in weir's ids: a thread that works for a session, or is held by one, has
// the session's. Pure.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/byte_reader.h"

namespace weir {

// A connection to a server that a session holds.
struct HeldThread {
  std::size_t server = 0;
  std::uint32_t thread_id = 0;  // the server's
  std::uint32_t session = 0;    // weir's
};

// One SHOW PROCESSLIST: who held what before it was sent, and its answer as it comes.
class ProcessList {
 public:
  void add(const std::vector<HeldThread>& threads);
  // The answer begins, from this server, on a connection that is the asking session's by now.
  void begin(const HeldThread& own);
  // A definition packet, frame header included.
  void on_definition(protocol::Bytes packet);
  // A row packet, likewise, with the session's id in place of the thread's. Empty when it can stay
  // as it is. `binary` is the protocol of prepared statements.
  std::string translated(protocol::Bytes packet, bool binary) const;

 private:
  std::uint32_t session_of(std::uint64_t thread_id) const;
  std::string translated_text(protocol::Bytes payload) const;
  std::string translated_binary(protocol::Bytes payload) const;

  std::vector<HeldThread> threads_;                            // of all servers
  std::unordered_map<std::uint32_t, std::uint32_t> sessions_;  // by thread, of the one that answers
  std::size_t columns_ = 0;
  std::uint8_t id_type_ = 0;  // of the first column
};

}  // namespace weir
