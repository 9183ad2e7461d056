// A table on the primary that weir counts in, once per interval: how far a replica is behind can be
// seen by the count that it shows, where there are no GTIDs to compare. A replica that shows a
// count has everything that was committed before that count was sent, if it commits in the order
// of the primary. No server's clock plays a part.
//
// Each weir has a row of its own, so that several may share the table.

#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "proxy/monitor/lag_meter.h"
#include "proxy/monitor/server_reply.h"

namespace weir {

// Any thread. Texts for servers, and the count of this process.
class Heartbeat {
 public:
  // `table`: "schema.table". The name of the row is drawn anew.
  explicit Heartbeat(const std::string& table);

  // The next count. Each is written once at most: one whose outcome is unknown is not used again.
  std::uint64_t next() { return ++last_; }

  std::string write_query(std::uint64_t count) const;
  std::string read_query() const;
  std::string create_query() const;
  // Removes the rows of weirs that have not written for a day, by the primary's clock.
  std::string clean_query() const;

  // The count in the answer to read_query; nothing when there is none.
  static std::optional<std::uint64_t> decode(const ServerReply& reply);
  // The table is not there (yet).
  static bool is_missing(const ServerReply& reply);
  // What an error means and which statements put it right, for people. `account`: the monitor's, as
  // CURRENT_USER() says.
  std::string advice(const ServerReply& failed, const std::string& account) const;

 private:
  const std::string schema_;
  const std::string table_;
  const std::string quoted_;
  const std::string row_;
  std::atomic<std::uint64_t> last_{0};
};

// A count as a position, which has all the smaller ones: positions are what is compared.
PositionPtr beat_position(std::uint64_t count);

}  // namespace weir
