// How far replication must have come for a session to see its own writes, as the primary reported
// it.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/config/config.h"

namespace weir {

// GTIDs of the session's writes that may not be everywhere yet. MySQL reports GTIDs
// (uuid[:tag]:number), MariaDB positions (domain-server-sequence); which of them it is, is seen
// from the text.
class WritePosition {
 public:
  // What the server reported with the OK of a write: one GTID, or several separated by commas.
  void add(std::string_view gtids);
  void merge(const WritePosition& other);
  // The whole of a server's position, as it shows it; in place of everything that was there. False,
  // and the position is unknown, when it is none or too long.
  bool assign(std::string_view position);
  // There was a write whose GTID nobody told.
  void mark_unknown() { unknown_ = true; }
  // Everything is known to have arrived.
  void clear();

  // A replica can be asked to wait for it.
  bool usable() const { return !unknown_ && !text_.empty(); }
  // The statement that makes a replica wait for the position, for at most `limit`. It returns one
  // row with one column, which is 0 when the position was reached. usable() is true.
  //
  // MySQL documentation: "WAIT_FOR_EXECUTED_GTID_SET"; MariaDB documentation: "MASTER_GTID_WAIT".
  std::string wait_statement(Milliseconds limit) const;

  const std::string& text() const { return text_; }

 private:
  void add_one(std::string_view gtid);
  void add_position(std::string_view gtid, std::uint64_t number);
  void add_to_set(std::string_view origin, std::uint64_t number);

  std::string text_;
  bool unknown_ = false;
};

// True when the reply to the wait statement, `frames` with their headers, says that it was reached.
bool wait_was_successful(std::string_view frames);

}  // namespace weir
